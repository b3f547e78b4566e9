// Figures over time, with axes: lines of a time in milliseconds, or counts as columns that stand on each other.
import Box from '@mui/material/Box';
import { BarChart } from '@mui/x-charts/BarChart';
import { LineChart } from '@mui/x-charts/LineChart';
import Typography from '@mui/material/Typography';
import { span, zone } from '../words';
import { DRAWN, HEIGHT, LEGEND } from './chart';

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
  /** What the axis upwards counts. */
  up: string;
}

/** Pixels of the axis upwards, at most. */
const AXIS = 74;

const short = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const long = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' });
const whole = new Intl.NumberFormat('en', { notation: 'compact' });

export default function TimeChart({ at, series, kind, length, up: counted }: Props) {
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
    // Nothing is to be read off where nothing is, and the words would stand on a line.
    grid: { horizontal: most > 0 },
    skipAnimation: true,
    hideLegend: true,
  };
  const words = { fontSize: '0.75rem', fill: 'var(--mui-palette-text-secondary)' };
  const up = {
    label: counted,
    labelStyle: words,
    width: lines ? AXIS : 60,
    min: 0,
    ...(most === 0 ? { max: 1 } : {}),
    ...(lines ? {} : { tickMinStep: 1 }),
    valueFormatter: (value: number) => (lines ? span(value) : whole.format(value)),
  };
  const across = {
    data: at.map((millis) => new Date(millis)),
    valueFormatter: tick,
    tickInterval: ticks(at, length),
    label: `Time (${zone(at[0] ?? 0)})`,
    labelStyle: words,
    height: 44,
  };
  return (
    // What it shows is in the table beside it, for those who do not see it.
    <Box aria-hidden sx={{ position: 'relative', height: HEIGHT, '& *:focus': { outline: 'none' } }}>
      {most === 0 && (
        <Typography variant="body2" color="textSecondary" sx={{ position: 'absolute', inset: `0 0 0 ${AXIS}px`, display: 'grid', placeItems: 'center', textAlign: 'center', pointerEvents: 'none' }}>
          No calls in this stretch of time
        </Typography>
      )}
      <Legend series={series} marks={lines} />
      {lines ? (
        <LineChart
          {...frame}
          disableKeyboardNavigation
          xAxis={[{ ...across, scaleType: 'time' }]}
          yAxis={[up]}
          series={drawn.map(({ stack: _, ...one }) => ({ ...one, showMark: alone(one.data), curve: 'linear' as const, connectNulls: false }))}
        />
      ) : (
        <BarChart
          {...frame}
          disableKeyboardNavigation
          xAxis={[{ ...across, scaleType: 'band', categoryGapRatio: 0.15 }]}
          yAxis={[up]}
          series={drawn}
        />
      )}
    </Box>
  );
}

/** What stands for a value that has no neighbour, of one line after the other: told apart without their colours. */
const MARKS = ['M2 7a5 5 0 1 0 10 0a5 5 0 1 0 -10 0z', 'M3 3h8v8h-8z', 'M7 1l4 6l-4 6l-4 -6z'];

/** In a place that is as high whether it takes one line or two. */
function Legend({ series, marks }: { series: Series[]; marks: boolean }) {
  return (
    <Box sx={{ display: 'flex', flexWrap: 'wrap', columnGap: 2, alignContent: 'flex-start', height: LEGEND, overflow: 'hidden', fontSize: '0.8rem', lineHeight: '1.35rem' }}>
      {series.map(({ label, colour }, at) => (
        <Box key={label} sx={{ display: 'flex', alignItems: 'center', gap: 0.75, whiteSpace: 'nowrap' }}>
          <Box component="svg" viewBox="0 0 14 14" sx={{ width: 14, height: 14, color: `${colour}.main` }}>
            {marks ? <path d={MARKS[at % MARKS.length]} fill="none" stroke="currentColor" strokeWidth="2" /> : <rect width="14" height="14" rx="2" fill="currentColor" />}
          </Box>
          <span>{label}</span>
        </Box>
      ))}
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
