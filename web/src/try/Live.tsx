// A stream as it comes: the latest events, which one can hold still, and the one that is looked at.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useKept } from '../parts/useKept';
import { count, moment } from '../words';
import type { Event } from '../api/sse';
import { brief } from './brief';
import { pretty } from './json';
import { KEPT } from './feed';
import { CODE } from './reply/style';
import type { Stream } from './useStream';

const ROW = 32;

const clock = new Intl.DateTimeFormat('en', { timeStyle: 'medium', hourCycle: 'h23' });

interface Props {
  stream: Stream<Event>;
  showEvent?: (event: Event) => ReactNode;
}

export function Live({ stream, showEvent }: Props) {
  const { feed, state, begun, paused } = stream;
  const [looked, setLooked] = useState<number>();
  const scroller = useRef<HTMLDivElement>(null);
  // Whoever has scrolled up stays there. That more has come, and the end is farther, is no scrolling up.
  const follows = useRef(true);
  const scrolled = useRef(0);
  const rows = useVirtualizer({
    count: feed.items.length,
    estimateSize: () => ROW,
    getScrollElement: () => scroller.current,
    getItemKey: (index) => feed.items[index]?.number ?? index,
    overscan: 8,
  });
  useEffect(() => {
    if (follows.current && feed.items.length > 0) {
      rows.scrollToIndex(feed.items.length - 1);
    }
  }, [feed]);
  useKept(scroller);
  const chosen = feed.items.find(({ number }) => number === looked);
  return (
    <Stack component="section" aria-label="What comes" spacing={1}>
      <Box sx={{ display: 'flex', gap: 1, alignItems: 'center', flexWrap: 'wrap' }}>
        <Typography role="status" variant="body2">
          {state === 'ended' ? 'Ended' : !begun ? 'Connecting' : paused ? 'Paused' : 'Live'}: {count(feed.came, 'event')}
          {feed.dropped > 0 && `, of which the latest ${KEPT.toLocaleString('en')} are kept and ${feed.dropped.toLocaleString('en')} were dropped`}
        </Typography>
        <Box sx={{ flexGrow: 1 }} />
        <Button size="small" disabled={state !== 'live'} onClick={() => stream.pause(!paused)}>
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <Button size="small" disabled={feed.came === 0} onClick={stream.clear}>
          Clear
        </Button>
      </Box>
      <Box
        ref={scroller}
        // A list without items is none.
        role={feed.items.length > 0 ? 'list' : 'group'}
        aria-label="Events"
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) => {
          const atEnd = scrollHeight - scrollTop - clientHeight < ROW;
          follows.current = atEnd || (follows.current && scrollTop >= scrolled.current);
          scrolled.current = scrollTop;
        }}
        sx={{ height: 280, overflow: 'auto', border: 1, borderColor: 'divider', borderRadius: 1, bgcolor: 'background.paper' }}
      >
        <Box role="presentation" sx={{ position: 'relative' }} style={{ height: rows.getTotalSize() }}>
          {rows.getVirtualItems().map(({ index, start }) => {
            const { number, at, value } = feed.items[index]!;
            return (
              <Box key={number} role="listitem" sx={{ position: 'absolute', inset: '0 0 auto' }} style={{ transform: `translateY(${start}px)` }}>
                <Box
                  component="button"
                  type="button"
                  aria-pressed={number === looked}
                  onClick={() => setLooked(number === looked ? undefined : number)}
                  sx={{
                    all: 'unset',
                    boxSizing: 'border-box',
                    display: 'flex',
                    gap: 1.5,
                    alignItems: 'center',
                    width: '100%',
                    height: ROW,
                    px: 1.5,
                    cursor: 'pointer',
                    fontSize: '0.85rem',
                    bgcolor: number === looked ? 'action.selected' : undefined,
                    '&:hover': { bgcolor: 'action.hover' },
                    '&:focus-visible': { outline: '2px solid', outlineColor: 'primary.main', outlineOffset: -2 },
                  }}
                >
                  <Typography variant="inherit" color="textSecondary" title={moment(at)} sx={{ flexShrink: 0 }}>
                    {clock.format(at)}
                  </Typography>
                  {value.name !== 'message' && (
                    <Typography variant="inherit" color={value.name === 'error' ? 'error' : 'primary'} sx={{ flexShrink: 0, fontWeight: 600 }}>
                      {value.name}
                    </Typography>
                  )}
                  <Typography variant="inherit" noWrap sx={{ fontFamily: 'ui-monospace, monospace' }}>
                    {brief(value.data)}
                  </Typography>
                </Box>
              </Box>
            );
          })}
        </Box>
        {feed.items.length === 0 && (
          <Typography variant="body2" color="textSecondary" sx={{ p: 1.5 }}>
            {state !== 'live' ? 'Nothing to show.' : begun ? 'Nothing came yet.' : 'The service is asked …'}
          </Typography>
        )}
      </Box>
      {chosen && (
        <Stack spacing={1}>
          {showEvent?.(chosen.value)}
          <Box component="pre" tabIndex={0} aria-label="The event" sx={CODE}>
            {pretty(chosen.value.data)}
          </Box>
        </Stack>
      )}
    </Stack>
  );
}
