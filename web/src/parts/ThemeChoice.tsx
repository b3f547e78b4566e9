// Chooses between light, dark, and what the system says.
import NativeSelect from '@mui/material/NativeSelect';
import { useColorScheme } from '@mui/material/styles';

export function ThemeChoice({ label = 'Theme' }: { label?: string }) {
  const { mode, setMode } = useColorScheme();
  return (
    <NativeSelect
      value={mode ?? 'system'}
      onChange={(event) => setMode(event.target.value as 'light' | 'dark' | 'system')}
      inputProps={{ 'aria-label': label }}
      disableUnderline
      sx={{ fontSize: '0.875rem' }}
    >
      <option value="system">System</option>
      <option value="light">Light</option>
      <option value="dark">Dark</option>
    </NativeSelect>
  );
}
