// The calls of the last hour as bars, errors in their own colour at the foot.
import Box from '@mui/material/Box';
import type { Hour } from '../hour';
import { count } from '../words';

const WIDTH = 96;
const HEIGHT = 24;

export function Sparkline({ hour }: { hour: Hour }) {
  const most = Math.max(1, ...hour.stretches.map((stretch) => stretch.calls));
  const step = WIDTH / hour.stretches.length;
  const height = (calls: number) => (calls === 0 ? 0 : Math.max(2, (calls / most) * HEIGHT));
  const says = `${count(hour.calls, 'call')} in the last hour, ${count(hour.errors, 'error')}`;
  return (
    <Box component="svg" role="img" aria-label={says} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} sx={{ width: WIDTH, height: HEIGHT }}>
      <Box component="rect" y={HEIGHT - 1} width={WIDTH} height={1} sx={{ fill: 'var(--mui-palette-divider)' }} />
      {hour.stretches.map(({ calls, errors }, index) => (
        <g key={index} transform={`translate(${index * step + 1} 0)`}>
          <Box
            component="rect"
            width={step - 2}
            y={HEIGHT - height(calls)}
            height={height(calls)}
            sx={{ fill: 'var(--mui-palette-primary-main)' }}
          />
          <Box
            component="rect"
            width={step - 2}
            y={HEIGHT - height(errors)}
            height={height(errors)}
            sx={{ fill: 'var(--mui-palette-error-main)' }}
          />
        </g>
      ))}
    </Box>
  );
}
