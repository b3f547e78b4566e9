// A part of a whole as a bar, with the same in words.
import Box from '@mui/material/Box';
import LinearProgress from '@mui/material/LinearProgress';
import Typography from '@mui/material/Typography';

interface Props {
  label: string;
  now: number;
  most: number;
  says: string;
  /** What is left is shown rather than what is taken. */
  left?: boolean;
}

export function Gauge({ label, now, most, says, left = false }: Props) {
  const share = most > 0 ? Math.min(100, (now / most) * 100) : 0;
  const short = left ? share <= 0 : share >= 100;
  return (
    <div>
      <Box sx={{ display: 'flex', flexWrap: 'wrap', justifyContent: 'space-between', columnGap: 2 }}>
        <Typography variant="body2">{label}</Typography>
        <Typography variant="body2" color="textSecondary">
          {says}
        </Typography>
      </Box>
      <LinearProgress variant="determinate" value={share} color={short ? 'warning' : 'primary'} aria-label={`${label}: ${says}`} sx={{ mt: 0.5, height: 6, borderRadius: 1 }} />
    </div>
  );
}
