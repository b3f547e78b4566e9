// Which rows of one height are to be drawn: kept for no row, so that a list of any length costs the same.
import { type RefObject, useLayoutEffect, useRef, useState } from 'react';
import { moved, type Spot } from './tall';

/** So many rows more than can be seen, above and below. */
const MORE = 12;

interface Rows {
  /** The first row to draw. */
  from: number;
  /** The one after the last. */
  end: number;
  /** So many pixels above their place in the list rows are drawn. */
  shift: number;
}

/** Which of `count` rows that are `height` pixels high are to be drawn. */
export function useRows(scroller: RefObject<HTMLElement | null>, count: number, height: number): Rows {
  const [seen, setSeen] = useState<Rows>({ from: 0, end: 24, shift: 0 });
  const spot = useRef<Spot>({ top: 0, shift: 0 });
  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) {
      return;
    }
    const look = () => {
      const next = moved(spot.current, element.scrollTop, count * height, element.clientHeight);
      if (next.top !== element.scrollTop) {
        element.scrollTop = next.top;
      }
      spot.current = next;
      const from = Math.floor((next.top + next.shift) / height);
      const end = from + Math.ceil(element.clientHeight / height) + 1;
      const { shift } = next;
      setSeen((was) => (was.from === from && was.end === end && was.shift === shift ? was : { from, end, shift }));
    };
    look();
    element.addEventListener('scroll', look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      sizes.disconnect();
    };
  }, [count, height]);
  return { from: Math.max(0, Math.min(seen.from, count) - MORE), end: Math.min(count, seen.end + MORE), shift: seen.shift };
}
