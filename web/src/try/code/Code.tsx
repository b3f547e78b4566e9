// A field for code. Its editor is loaded when it is first shown, into a place that has its size already.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { lazy, Suspense, useId } from 'react';
import type { Language } from './languages';

const Editor = lazy(() => import('./Editor'));

export interface CodeProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  language: Language;
  /** Pixels. The person can draw it larger. */
  height?: number;
  /** What is wrong with it, or what else there is to know of it. */
  error?: string;
  help?: string;
  /** Told when somebody begins to write. */
  onFocus?: () => void;
}

export function Code({ label, height = 160, error = '', help = '', ...rest }: CodeProps) {
  const id = useId();
  return (
    <Box sx={{ minWidth: 0 }}>
      <Typography id={`${id}-label`} variant="body2" color={error ? 'error' : 'textSecondary'} sx={{ mb: 0.5 }}>
        {label}
      </Typography>
      <Box
        sx={{
          height,
          minHeight: 64,
          resize: 'vertical',
          overflow: 'hidden',
          border: 1,
          borderColor: error ? 'error.main' : 'text.disabled',
          borderRadius: 1,
          bgcolor: 'background.paper',
          '&:focus-within': { outline: 2, outlineColor: 'primary.main', outlineStyle: 'solid', outlineOffset: -1 },
        }}
      >
        <Suspense fallback={null}>
          <Editor labelledBy={`${id}-label`} describedBy={`${id}-help`} invalid={error !== ''} {...rest} />
        </Suspense>
      </Box>
      <Typography id={`${id}-help`} variant="caption" color={error ? 'error' : 'textSecondary'} sx={{ display: 'block', minHeight: '1.66em' }}>
        {error || help}
      </Typography>
    </Box>
  );
}
