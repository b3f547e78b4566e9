// What an integration did in a stretch of time: figures, charts, and the same as a table.
import Box from '@mui/material/Box';
import Card from '@mui/material/Card';
import Skeleton from '@mui/material/Skeleton';
import Stack from '@mui/material/Stack';
import ToggleButton from '@mui/material/ToggleButton';
import ToggleButtonGroup from '@mui/material/ToggleButtonGroup';
import Typography from '@mui/material/Typography';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { useSearchParams } from 'react-router';
import { type Figures as Numbers, summary } from '../api/operate';
import { blank, perMinute, RANGES, type Range, rangeOf, share } from '../range';
import { moment, span } from '../words';
import { HEIGHT } from './chart';
import { FactGrid, roomFor } from './Facts';
import { Trouble } from './Trouble';

const TimeChart = lazy(() => import('./TimeChart'));

export function Figures({ id }: { id: string }) {
  const [search, setSearch] = useSearchParams();
  const range = rangeOf(search.get('range'));
  const { length, step } = RANGES[range];
  const counted = useQuery({ ...summary(length, step, id), placeholderData: keepPreviousData });
  const period = counted.data;
  const numbers = period && (period.integrations[id] ?? blank(period));
  return (
    <Card component="section" aria-labelledby="traffic" sx={{ p: 2 }}>
      <Stack spacing={2}>
        <Box sx={{ display: 'flex', flexWrap: 'wrap', gap: 1, alignItems: 'center', justifyContent: 'space-between' }}>
          <Typography variant="h2" id="traffic">
            Traffic
          </Typography>
          <ToggleButtonGroup
            exclusive
            size="small"
            aria-label="Stretch of time"
            value={range}
            onChange={(_, to: string | null) => to && setSearch({ range: to }, { replace: true })}
          >
            {Object.entries(RANGES).map(([name, { title }]) => (
              <ToggleButton key={name} value={name} sx={{ textTransform: 'none', py: 0.25 }}>
                {title}
              </ToggleButton>
            ))}
          </ToggleButtonGroup>
        </Box>
        <Box sx={roomFor(FACTS)}>{numbers && <FactGrid facts={told(numbers, length)} />}</Box>
        <Box sx={{ position: 'relative', display: 'grid', gap: 3, gridTemplateColumns: { md: '1fr 1fr' }, '& > *': { minWidth: 0 } }}>
          {counted.error && (
            // Over the charts rather than above them, where it would push them down.
            <Box sx={{ position: 'absolute', inset: '0 0 auto', zIndex: 1 }}>
              <Trouble error={counted.error} retry={() => void counted.refetch()} />
            </Box>
          )}
          <Chart title="Calls" numbers={numbers} range={range} />
          <Chart title="Latency" numbers={numbers} range={range} />
        </Box>
        <Steps numbers={numbers} />
      </Stack>
    </Card>
  );
}

const FACTS = 8;

function told({ calls, errors, cache_hits, attempts, p50_ms, p95_ms, p99_ms }: Numbers, length: number): [string, string | undefined][] {
  const took = (millis: number | null) => (millis === null ? '—' : span(millis));
  return [
    ['Calls', calls.toLocaleString('en')],
    ['Calls per minute', perMinute(calls, length)],
    ['Errors', `${errors.toLocaleString('en')} (${share(errors, calls)})`],
    ['From the cache', `${cache_hits.toLocaleString('en')} (${share(cache_hits, calls)})`],
    ['Attempts', attempts.toLocaleString('en')],
    ['50% within', took(p50_ms)],
    ['95% within', took(p95_ms)],
    ['99% within', took(p99_ms)],
  ];
}

function Chart({ title, numbers, range }: { title: 'Calls' | 'Latency'; numbers: Numbers | undefined; range: Range }) {
  const { length, step } = RANGES[range];
  const wait = <Skeleton variant="rounded" sx={{ height: HEIGHT }} />;
  const steps = numbers?.steps ?? [];
  return (
    <div>
      <Typography variant="subtitle2" component="h3">
        {title}
      </Typography>
      {numbers ? (
        <Suspense fallback={wait}>
          {title === 'Calls' ? (
            <TimeChart
              kind="columns"
              length={length}
              up={`Calls in ${span(step)}`}
              at={steps.map(({ at_ms }) => at_ms)}
              series={[
                { label: 'Errors', colour: 'error', values: steps.map(({ errors }) => errors) },
                { label: 'Other calls', colour: 'primary', values: steps.map((one) => one.calls - one.errors) },
                // Beside them: an error may come from the cache too.
                ...(numbers.cache_hits > 0
                  ? [{ label: 'Of all, from the cache', colour: 'success' as const, beside: true, values: steps.map(({ cache_hits }) => cache_hits) }]
                  : []),
              ]}
            />
          ) : (
            <TimeChart
              kind="lines"
              length={length}
              up="Time that calls took"
              at={steps.map(({ at_ms }) => at_ms)}
              series={[
                { label: '50%', colour: 'primary', values: steps.map(({ p50_ms }) => p50_ms) },
                { label: '95%', colour: 'warning', values: steps.map(({ p95_ms }) => p95_ms) },
                { label: '99%', colour: 'error', values: steps.map(({ p99_ms }) => p99_ms) },
              ]}
            />
          )}
        </Suspense>
      ) : (
        wait
      )}
    </div>
  );
}

/** The same for those who do not see charts, or want the figures: only steps with calls. */
function Steps({ numbers }: { numbers: Numbers | undefined }) {
  const some = (numbers?.steps ?? []).filter(({ calls }) => calls > 0).reverse();
  const took = (millis: number | null) => (millis === null ? '—' : span(millis));
  return (
    <details>
      <summary>As a table</summary>
      <Box tabIndex={0} role="region" aria-label="Figures as a table" sx={{ overflow: 'auto', maxHeight: 320, mt: 1, '& td, & th': { textAlign: 'left', pr: 2, whiteSpace: 'nowrap', fontSize: '0.85rem' } }}>
        <table>
          <thead>
            <tr>
              {['From', 'Calls', 'Errors', 'From the cache', '50% within', '95% within', '99% within'].map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {some.map((step) => (
              <tr key={step.at_ms}>
                <td>{moment(step.at_ms)}</td>
                <td>{step.calls}</td>
                <td>{step.errors}</td>
                <td>{step.cache_hits}</td>
                <td>{took(step.p50_ms)}</td>
                <td>{took(step.p95_ms)}</td>
                <td>{took(step.p99_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {numbers && some.length === 0 && <Typography variant="body2">No calls in this stretch of time.</Typography>}
      </Box>
    </details>
  );
}
