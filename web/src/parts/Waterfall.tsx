// The attempts of a call, one below the other, each from when it set off to when it ended.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import type { Try } from '../api/operate';
import { span, spaced } from '../words';

export function Waterfall({ tries, millis }: { tries: Try[]; millis: number }) {
  const whole = Math.max(millis, ...tries.map((one) => one.after_ms + one.millis), 0.001);
  const part = (some: number) => `${(some / whole) * 100}%`;
  return (
    <Box component="ol" aria-label="Attempts" sx={{ m: 0, p: 0, listStyle: 'none' }}>
      {tries.map((one, index) => {
        const result = `${spaced(one.kind)}${one.status === null || one.status === undefined ? '' : `, ${one.status}`}`;
        return (
          <Box
            component="li"
            key={index}
            sx={{ display: 'grid', columnGap: 2, py: 0.5, alignItems: 'center', gridTemplateColumns: { xs: '1fr', sm: '220px 1fr' } }}
          >
            <Typography variant="body2">
              {index + 1}. <Box component="span" sx={{ color: one.kind === 'ok' ? 'success.main' : 'error.main' }}>{result}</Box>
            </Typography>
            <div>
              <Box aria-hidden sx={{ position: 'relative', height: 14, bgcolor: 'action.hover', borderRadius: 0.5 }}>
                <Box
                  sx={{ position: 'absolute', top: 0, bottom: 0, minWidth: 3, borderRadius: 0.5, bgcolor: one.kind === 'ok' ? 'success.main' : 'error.main' }}
                  style={{ left: part(one.after_ms), width: part(one.millis) }}
                />
              </Box>
              <Typography variant="caption" color="textSecondary">
                set off after {span(one.after_ms)}, took {span(one.millis)}
              </Typography>
            </div>
          </Box>
        );
      })}
      <Box component="li" aria-hidden sx={{ display: 'flex', justifyContent: 'space-between', ml: { sm: '236px' } }}>
        {[0, 0.5, 1].map((share) => (
          <Typography key={share} variant="caption" color="textSecondary">
            {span(whole * share)}
          </Typography>
        ))}
      </Box>
    </Box>
  );
}
