// Rows of a database as a table, of which only what one looks at is drawn.
import Box from '@mui/material/Box';
import Typography from '@mui/material/Typography';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { count } from '../../words';
import { Digits, type Result } from './result';

const ROW = 32;
/** Rows by which the width of a column is guessed. */
const SAMPLE = 50;

export function Table({ result, number }: { result: Result; number?: number }) {
  const { columns, rows, affected, truncated, lastId, more } = result;
  const scroller = useRef<HTMLDivElement>(null);
  const drawn = useVirtualizer({
    count: rows.length,
    estimateSize: () => ROW,
    getScrollElement: () => scroller.current,
    overscan: 10,
  });
  const widths = useMemo(() => columns.map(({ name, type }, at) => width(name, type, rows, at)), [columns, rows]);
  const numeric = useMemo(() => columns.map((_, at) => isNumber(rows.find((row) => row[at] !== null)?.[at])), [columns, rows]);
  const grid = { display: 'grid', gridTemplateColumns: widths.map((one) => `${one}px`).join(' ') };
  const total = widths.reduce((sum, one) => sum + one, 0);
  const label = number === undefined ? 'Rows' : `Rows of statement ${number}`;
  return (
    <Box>
      <Typography variant="body2" sx={{ mb: 1 }}>
        {number !== undefined && `Statement ${number}: `}
        {columns.length > 0 && count(rows.length, 'row')}
        {columns.length > 0 && affected !== null && ', '}
        {affected !== null && `${count(affected, 'row')} affected`}
        {columns.length === 0 && affected === null && 'done'}
        {lastId !== null && `, the last id is ${lastId}`}
        {truncated && `, cut short by ${truncated}`}
        {more && ', and further results that are not shown'}
      </Typography>
      {columns.length > 0 && (
        <Box
          ref={scroller}
          tabIndex={0}
          role="table"
          aria-label={label}
          aria-rowcount={rows.length + 1}
          sx={{ overflow: 'auto', maxHeight: 420, border: 1, borderColor: 'divider', borderRadius: 1, bgcolor: 'background.paper', fontSize: '0.85rem' }}
        >
          <Box
            role="row"
            aria-rowindex={1}
            style={{ ...grid, minWidth: total }}
            sx={{ position: 'sticky', top: 0, zIndex: 1, bgcolor: 'background.paper', borderBottom: 1, borderColor: 'divider' }}
          >
            {columns.map(({ name, type }, at) => (
              <Box key={at} role="columnheader" sx={{ px: 1, py: 0.5, overflow: 'hidden', textAlign: numeric[at] ? 'right' : undefined }}>
                <Typography variant="inherit" noWrap title={name} sx={{ fontWeight: 650 }}>
                  {name}
                </Typography>
                <Typography variant="caption" color="textSecondary" noWrap title={type} sx={{ display: 'block' }}>
                  {type}
                </Typography>
              </Box>
            ))}
          </Box>
          <Box role="rowgroup" sx={{ position: 'relative' }} style={{ height: drawn.getTotalSize(), minWidth: total }}>
            {drawn.getVirtualItems().map(({ index, start }) => (
              <Box
                key={index}
                role="row"
                aria-rowindex={index + 2}
                sx={{ position: 'absolute', inset: '0 0 auto', height: ROW, '&:hover': { bgcolor: 'action.hover' } }}
                style={{ ...grid, transform: `translateY(${start}px)` }}
              >
                {rows[index]!.map((value, at) => (
                  <Cell key={at} value={value} />
                ))}
              </Box>
            ))}
          </Box>
        </Box>
      )}
    </Box>
  );
}

function Cell({ value }: { value: unknown }) {
  const text = shown(value);
  return (
    <Typography
      role="cell"
      variant="inherit"
      noWrap
      title={text}
      color={value === null ? 'textSecondary' : undefined}
      sx={{ px: 1, lineHeight: `${ROW}px`, fontStyle: value === null ? 'italic' : undefined, textAlign: isNumber(value) ? 'right' : undefined, fontVariantNumeric: 'tabular-nums' }}
    >
      {text}
    </Typography>
  );
}

const isNumber = (value: unknown) => typeof value === 'number' || value instanceof Digits;

function shown(value: unknown): string {
  return value === null ? 'NULL' : value instanceof Digits ? value.text : typeof value === 'string' ? value : JSON.stringify(value);
}

/** How much wider bold letters are. */
const BOLD = 1.25;

function width(name: string, type: string, rows: unknown[][], at: number): number {
  const longest = rows.slice(0, SAMPLE).reduce((most, row) => Math.max(most, shown(row[at]).length), Math.max(Math.ceil(name.length * BOLD), type.length));
  return Math.min(360, Math.max(72, longest * 8 + 24));
}
