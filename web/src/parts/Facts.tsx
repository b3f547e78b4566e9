// Names and values, side by side; those without a value are left out.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';

export type Fact = [string, string | number | null | undefined];

export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <Box component="dl" sx={{ display: 'flex', flexWrap: 'wrap', columnGap: 4, rowGap: 1, m: 0 }}>
      {facts.map(
        ([name, value]) =>
          value !== undefined &&
          value !== null && (
            <div key={name}>
              <Typography component="dt" variant="caption" color="textSecondary">
                {name}
              </Typography>
              <Typography component="dd" variant="body2" sx={{ m: 0, wordBreak: 'break-word' }}>
                {value}
              </Typography>
            </div>
          ),
      )}
    </Box>
  );
}
