// Names and values, side by side.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';

export type Fact = [string, string | number | null | undefined];

/** Those without a value are left out; what is long wraps. */
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

/** How high a name with its value is. Of letters, so that it grows with them. */
const ROW = 2.6;
const GAP = 0.5;

/** How many stand side by side: by the width alone. */
const COLUMNS = { xs: 2, sm: 4, lg: 8 };

/** Room for so many facts, and for no more: whatever becomes known, nothing below it moves. */
export function roomFor(facts: number) {
  const height = (columns: number) => {
    const rows = Math.ceil(facts / columns);
    return `${rows * ROW + (rows - 1) * GAP}rem`;
  };
  return { height: { xs: height(COLUMNS.xs), sm: height(COLUMNS.sm), lg: height(COLUMNS.lg) } };
}

/** Each has its place, also without a value, and one line. */
export function FactGrid({ facts }: { facts: Fact[] }) {
  const columns = (count: number) => `repeat(${count}, minmax(0, auto))`;
  return (
    <Box
      component="dl"
      sx={{
        display: 'grid',
        justifyContent: 'start',
        columnGap: 3,
        rowGap: `${GAP}rem`,
        gridAutoRows: `${ROW}rem`,
        m: 0,
        gridTemplateColumns: { xs: `repeat(${COLUMNS.xs}, minmax(0, 1fr))`, sm: columns(COLUMNS.sm), lg: columns(COLUMNS.lg) },
        ...roomFor(facts.length),
      }}
    >
      {facts.map(([name, value]) => (
        <Box key={name} sx={{ minWidth: 0 }}>
          <Typography component="dt" variant="caption" color="textSecondary" noWrap sx={{ display: 'block' }}>
            {name}
          </Typography>
          <Typography component="dd" variant="body2" noWrap title={String(value ?? '')} sx={{ m: 0 }}>
            {value ?? '—'}
          </Typography>
        </Box>
      ))}
    </Box>
  );
}
