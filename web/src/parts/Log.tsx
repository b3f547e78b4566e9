// The calls that the server remembers, newest first: live, filtered, and drawn only where one looks.
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Paper from '@mui/material/Paper';
import Skeleton from '@mui/material/Skeleton';
import Stack from '@mui/material/Stack';
import { styled } from '@mui/material/styles';
import Typography from '@mui/material/Typography';
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useSearchParams } from 'react-router';
import { useLog } from '../api/log';
import type { CallRecord } from '../api/operate';
import { at, type Shelf, total } from '../shelf';
import { count, done, moment, span, spaced, time, zone } from '../words';
import { Foot } from './Foot';
import { useRows } from './rows';
import { Search, soughtOf } from './Search';
import { heightOf } from './tall';
import { Trouble } from './Trouble';
import { useKept } from './useKept';

const ROW = 36;

/** One set of styles for all rows: there are many, and they come and go while one scrolls. */
const Table = styled(Paper)(({ theme }) => ({
  fontSize: '0.85rem',
  '& .row': {
    display: 'grid',
    gap: 8,
    padding: '0 12px',
    height: ROW,
    alignItems: 'center',
    gridTemplateColumns: '120px minmax(0, 1.2fr) minmax(0, 1fr) 130px 56px 72px',
    [theme.breakpoints.down('sm')]: { gridTemplateColumns: '92px minmax(0, 1fr) 120px', '& .wide': { display: 'none' } },
  },
  '& .head': { fontWeight: 650, borderBottom: `1px solid ${theme.vars!.palette.divider}` },
  '& .body': { overflow: 'auto', height: 'min(64vh, 720px)' },
  '& .body:focus-visible': { outline: `2px solid ${theme.vars!.palette.primary.main}`, outlineOffset: -2 },
  '& .body .row': { position: 'absolute', inset: '0 0 auto' },
  '& .body .row:hover': { background: theme.vars!.palette.action.hover },
  '& .cell': { overflow: 'hidden', textOverflow: 'ellipsis', whiteSpace: 'nowrap' },
  '& .end': { textAlign: 'right' },
  '& .failed': { color: theme.vars!.palette.error.main },
  '& a': { color: theme.vars!.palette.primary.main },
}));

/** What was seen of the log that was left last, and how far down; it is found again under the same entry of the history. */
let left: { key: string; shelf: Shelf<CallRecord>; top: number } | undefined;

const LINES = { connecting: 'Connecting …', open: 'Live', lost: 'Cut off; trying again' };

export function Log({ integration }: { integration?: string }) {
  const [search] = useSearchParams();
  const sought = useMemo(() => soughtOf(search, integration), [search, integration]);
  const [paused, setPaused] = useState(false);
  // Who comes back, such as from a call, finds the list where it was left.
  const { key } = useLocation();
  const [kept] = useState(() => (left?.key === key && left.top >= ROW ? left : undefined));
  const [below, setBelow] = useState(kept !== undefined);
  const { shelf, loading, error, line, waiting, look, show, again } = useLog(sought, paused || below, kept?.shelf);
  const scroller = useRef<HTMLDivElement>(null);
  const place = useRef({ key, shelf, top: kept?.top ?? 0 });
  place.current = { key, shelf, top: place.current.top };
  useLayoutEffect(() => {
    if (kept) {
      scroller.current?.scrollTo({ top: kept.top });
    }
    return () => {
      left = place.current;
    };
  }, [kept]);
  const known = total(shelf);
  const places = known + (shelf.ended || known === 0 ? 0 : 1);
  const { from, end, shift } = useRows(scroller, places, ROW);
  useEffect(() => look(from, Math.max(from, end - 1)), [from, end, shelf, look]);
  useKept(scroller);
  const now = Date.now();
  const top = () => {
    scroller.current?.scrollTo({ top: 0 });
    show();
  };
  return (
    <Stack spacing={1.5}>
      <Search {...(integration === undefined ? {} : { integration })} />
      {/* Two lines have room, which it takes on a phone. */}
      <Box sx={{ display: 'flex', gap: 1, alignItems: 'center', height: '2.75rem' }}>
        <Button size="small" variant="outlined" aria-pressed={paused} onClick={() => (paused && !below && show(), setPaused(!paused))}>
          {paused ? 'Go on' : 'Pause'}
        </Button>
        <Typography variant="body2" color="textSecondary" role="status" sx={{ maxHeight: '100%', overflow: 'hidden' }}>
          {paused ? 'Paused' : LINES[line]}
          {known > 0 && `, ${shelf.ended ? count(known, 'record') : `${count(known, 'record')} and older`}`}
        </Typography>
        <Box sx={{ flexGrow: 1 }} />
        {waiting > 0 && (
          <Button size="small" variant="contained" sx={{ flex: 'none' }} onClick={top}>
            {waiting.toLocaleString('en')} new
          </Button>
        )}
      </Box>
      <Table role="table" aria-label="Calls" aria-rowcount={shelf.ended ? known + 1 : -1} aria-busy={loading}>
        <div role="rowgroup">
          <div role="row" className="row head">
            <span role="columnheader" className="cell">
              Time ({zone(now)})
            </span>
            <span role="columnheader">{integration === undefined ? 'Integration' : 'Connection'}</span>
            <span role="columnheader" className="wide">
              Operation
            </span>
            <span role="columnheader">Result</span>
            <span role="columnheader" className="wide">
              Status
            </span>
            <span role="columnheader" className="wide end">
              Took
            </span>
          </div>
        </div>
        <div ref={scroller} role="rowgroup" tabIndex={0} aria-label="Calls, newest first" className="body" onScroll={(event) => {
            place.current.top = event.currentTarget.scrollTop;
            setBelow(place.current.top >= ROW);
          }}>
          <div role="presentation" style={{ position: 'relative', height: heightOf(places * ROW) }}>
            {Array.from({ length: end - from }, (_, place) => {
              const index = from + place;
              const { record } = at(shelf, index);
              return <Row key={record?.number ?? `place ${index}`} index={index} start={index * ROW - shift} record={record} now={now} isOwn={integration !== undefined} />;
            })}
          </div>
          {known === 0 && (
            <Typography sx={{ p: 2 }} variant="body2" color="textSecondary">
              {loading ? 'Looking …' : error ? '' : 'No calls yet, or none that fit. New ones show up here as they come.'}
            </Typography>
          )}
        </div>
      </Table>
      <Foot>{error && <Trouble error={error} retry={again} />}</Foot>
    </Stack>
  );
}

interface Place {
  index: number;
  start: number;
  record: CallRecord | undefined;
  now: number;
  /** Whether all are of one integration, which nobody has to be told. */
  isOwn: boolean;
}

const Row = memo(function Row({ index, start, record, now, isOwn }: Place) {
  const style = { transform: `translateY(${start}px)` };
  if (!record) {
    return (
      <div role="row" className="row" style={style} aria-rowindex={index + 2}>
        <span role="cell">
          <Skeleton width={70} />
        </span>
      </div>
    );
  }
  const failed = record.kind === 'ok' ? '' : ' failed';
  const whose = isOwn ? record.connection : record.connection === 'default' ? record.integration : `${record.integration} / ${record.connection}`;
  return (
    <div role="row" className="row" style={style} aria-rowindex={index + 2}>
      <span role="cell" className="cell" title={moment(record.at_ms)}>
        <Link to={`/activity/${record.request_id}`}>{time(record.at_ms, now)}</Link>
      </span>
      <span role="cell" className="cell" title={whose}>
        {whose}
      </span>
      <span role="cell" className="cell wide" title={done(record)}>
        {done(record)}
      </span>
      <span role="cell" className={`cell${failed}`} title={spaced(record.kind)}>
        {spaced(record.kind)}
        {record.attempts > 1 && ` (${record.attempts})`}
      </span>
      <span role="cell" className={`cell wide${failed}`}>
        {record.status ?? '—'}
      </span>
      <span role="cell" className="cell wide end">
        {record.millis > 0 ? span(record.millis) : '—'}
      </span>
    </div>
  );
}, same);

/** The time of today is no reason to draw a row again. */
function same(a: Place, b: Place): boolean {
  return a.record === b.record && a.start === b.start && a.index === b.index && a.isOwn === b.isOwn;
}
