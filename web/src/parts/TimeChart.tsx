// Figures over time, with axes: lines of a time in milliseconds, or counts as columns that stand on each other.
import Box from '@mui/material/Box';
import { BarChart } from '@mui/x-charts/BarChart';
import { LineChart } from '@mui/x-charts/LineChart';
import { span } from '../words';

export interface Series {
  label: string;
  colour: 'primary' | 'secondary' | 'success' | 'warning' | 'error' | 'info';
  values: (number | null)[];
  /** Among columns: stands beside the others rather than on them. */
  beside?: boolean;
}

interface Props {
  /** When each step begins, in milliseconds since 1970. */
  at: number[];
  series: Series[];
  kind: 'lines' | 'columns';
  /** Milliseconds of the whole, by which the times on the axis are written. */
  length: number;
}

/** With its legend, which stands above it. */
export const HEIGHT = 262;
const DRAWN = 230;

const short = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const long = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
const whole = new Intl.NumberFormat('en', { notation: 'compact' });

export default function TimeChart({ at, series, kind, length }: Props) {
  const tick = (value: Date, { location }: { location: string }) => (location === 'tick' ? short : long).format(value);
  const lines = kind === 'lines';
  const drawn = series.map(({ label, colour, values, beside = false }) => ({
    label,
    stack: beside ? label : 'all',
    data: values,
    color: `var(--mui-palette-${colour}-main)`,
    valueFormatter: (value: number | null) => (value === null ? '—' : lines ? span(value) : value.toLocaleString('en')),
  }));
  const most = Math.max(0, ...series.flatMap(({ values }) => values.map((value) => value ?? 0)));
  const frame = {
    height: DRAWN,
    margin: { left: 0, right: 12, top: 8, bottom: 0 },
    grid: { horizontal: true },
    skipAnimation: true,
    slotProps: { legend: { direction: 'horizontal' as const, position: { vertical: 'top' as const, horizontal: 'start' as const }, sx: { fontSize: '0.8rem' } } },
  };
  const up = {
    width: lines ? 58 : 44,
    min: 0,
    ...(most === 0 ? { max: 1 } : {}),
    ...(lines ? {} : { tickMinStep: 1 }),
    valueFormatter: (value: number) => (lines ? span(value) : whole.format(value)),
  };
  const dates = at.map((millis) => new Date(millis));
  return (
    // What it shows is in the table beside it, for those who do not see it.
    <Box aria-hidden sx={{ height: HEIGHT, '& *:focus': { outline: 'none' } }}>
      {lines ? (
        <LineChart
          {...frame}
          disableKeyboardNavigation
          xAxis={[{ data: dates, scaleType: 'time', valueFormatter: tick, height: 24, tickInterval: ticks(at, length) }]}
          yAxis={[up]}
          series={drawn.map(({ stack: _, ...one }) => ({ ...one, showMark: alone(one.data), curve: 'linear' as const, connectNulls: false }))}
        />
      ) : (
        <BarChart
          {...frame}
          disableKeyboardNavigation
          xAxis={[{ data: dates, scaleType: 'band', valueFormatter: tick, height: 24, categoryGapRatio: 0.15, tickInterval: ticks(at, length) }]}
          yAxis={[up]}
          series={drawn}
        />
      )}
    </Box>
  );
}

/** Marks a value that has no neighbour: no line leads to it. */
function alone(values: (number | null)[]) {
  return ({ index }: { index: number }) => (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
}

/** The steps that have their time below them: about six, at minutes that are whole, and with room for it. */
function ticks(at: number[], length: number): Date[] {
  // A quarter of an hour has no six parts of whole minutes.
  const every = length % (6 * 60_000) === 0 ? length / 6 : length / 5;
  const zone = new Date(at[0] ?? 0).getTimezoneOffset() * 60_000;
  const end = (at[0] ?? 0) + length * 0.95;
  return at.filter((millis) => millis < end && (millis - zone) % every === 0).map((millis) => new Date(millis));
}
