// How an integration or a connection is, and a way to ask again. It is as high before anything is known as it is after.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Card from '@mui/material/Card';
import LinearProgress from '@mui/material/LinearProgress';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { type QueryKey, useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { ask } from '../api/ask';
import type { Schemas } from '../api/client';
import { ago, span, spaced } from '../words';
import { type Fact, FactGrid, roomFor } from './Facts';
import { HealthLine } from './HealthLine';
import { Trouble } from './Trouble';

type Health = Schemas['Health'];

interface Props {
  path: string;
  queryKey: QueryKey;
  /** What is known of it already, from another page. */
  before?: Health | undefined;
  /** Milliseconds after which it is asked for again. */
  again?: number;
  /** Beside the button that asks again. */
  children?: (known: Health | undefined) => ReactNode;
}

/** Lines of a reason that have room. One that is longer is shown in whole to who asks for it. */
const LINES = { xs: 4, sm: 2 };

/** Letters that so many lines are sure to hold. */
const SHORT = 90;

export function HealthPart({ path, queryKey, before, again, children }: Props) {
  const queries = useQueryClient();
  const read = useQuery<Health>({
    queryKey,
    queryFn: ({ signal }) => ask<Health>(path, {}, { signal }),
    ...(before ? { placeholderData: before } : {}),
    refetchInterval: again ?? false,
  });
  const [whole, setWhole] = useState(false);
  // What is asked for by itself is soon there, or nobody waits for it.
  const [asked, setAsked] = useState(false);
  const [cancelled, setCancelled] = useState(false);
  const waits = read.isFetching && (asked || read.isPending);
  const check = () => {
    setAsked(true);
    setCancelled(false);
    void read.refetch().finally(() => setAsked(false));
  };
  const cancel = () => {
    setCancelled(true);
    void queries.cancelQueries({ queryKey, exact: true });
  };
  const health = read.data;
  const long = (health?.detail?.length ?? 0) > SHORT;
  return (
    <Card component="section" aria-labelledby="health" aria-busy={waits} sx={{ p: 2, position: 'relative' }}>
      {waits && <LinearProgress aria-label="The service is asked" sx={{ position: 'absolute', inset: '0 0 auto' }} />}
      <Stack spacing={1.5} sx={{ alignItems: 'flex-start', '& > *': { width: '100%' } }}>
        <Stack direction="row" sx={{ alignItems: 'center', justifyContent: 'space-between', minHeight: 32 }}>
          <Typography variant="h2" id="health">
            Health
          </Typography>
          {long && (
            <Button size="small" aria-expanded={whole} onClick={() => setWhole(!whole)}>
              {whole ? 'Less' : 'The whole reason'}
            </Button>
          )}
        </Stack>
        {read.error ? (
          <Box sx={{ ...roomFor(FACTS), boxSizing: 'content-box', pb: ROOM, overflow: 'auto' }}>
            <Trouble error={read.error} />
          </Box>
        ) : (
          <>
            <Box sx={{ '&&': { minHeight: ROOM, ...(whole ? {} : { height: ROOM, overflow: 'hidden' }) } }}>
              {health ? (
                <HealthLine health={health} now={read.dataUpdatedAt || Date.now()} lines={whole ? undefined : LINES} />
              ) : (
                <Typography variant="body2" role="status">{waits ? 'The service is asked …' : cancelled ? 'Cancelled: nothing is known yet.' : ''}</Typography>
              )}
            </Box>
            <Box sx={roomFor(FACTS)}>{health && <FactGrid facts={factsOf(health, read.dataUpdatedAt || Date.now())} />}</Box>
          </>
        )}
        <Stack direction="row" useFlexGap sx={{ columnGap: 1, flexWrap: 'wrap', '&&': { ml: -0.625 } }}>
          {/* One button for both, so that the keyboard stays where it is. */}
          <Button size="small" sx={{ minWidth: 96 }} onClick={waits ? cancel : check}>
            {waits ? 'Cancel' : 'Check again'}
          </Button>
          {children?.(health)}
        </Stack>
      </Stack>
    </Card>
  );
}

/** As high as so many lines of its letters. */
const ROOM = { xs: `${LINES.xs * 1.43 * 0.875}rem`, sm: `${LINES.sm * 1.43 * 0.875}rem` };

const FACTS = 8;

function factsOf({ reason_code, evidence, checked_at_ms, latency_ms, traffic }: Health, now: number): Fact[] {
  const { last_success_ms: well, last_failure_ms: failed, last_failure_kind: kind, consecutive_failures: failures } = traffic ?? {};
  return [
    ['Why', spaced(reason_code)],
    ['Known from', evidence],
    ['Checked', ago(checked_at_ms, now)],
    ['The check took', latency_ms > 0 ? span(latency_ms) : undefined],
    ['Last success', well ? ago(well, now) : undefined],
    ['Last failure', failed ? ago(failed, now) : undefined],
    ['Last error', kind ? spaced(kind) : undefined],
    ['Failures in a row', failures],
  ];
}
