// What somebody typed here, kept for this tab of the browser: it is there again after a look at another page.
import { useCallback, useRef, useState } from 'react';

const PREFIX = 'trunkline.try.';
/** More is not kept: a browser gives a site about five million characters. */
const MOST = 256 << 10;

function read<T>(name: string, begin: T): T {
  try {
    const kept = sessionStorage.getItem(PREFIX + name);
    return kept === null ? begin : (JSON.parse(kept) as T);
  } catch {
    return begin;
  }
}

/** Forgets all of it: the next one at this browser is somebody else. */
export function forgetDrafts(): void {
  Object.keys(sessionStorage)
    .filter((name) => name.startsWith(PREFIX))
    .forEach((name) => sessionStorage.removeItem(name));
}

/** A state that is kept under `name`; `begin` holds where nothing is. */
export function useDraft<T>(name: string, begin: T): [T, (next: T | ((now: T) => T)) => void] {
  const [value, setValue] = useState(() => read(name, begin));
  const now = useRef(value);
  const change = useCallback(
    (next: T | ((now: T) => T)) => {
      now.current = typeof next === 'function' ? (next as (now: T) => T)(now.current) : next;
      setValue(now.current);
      try {
        const text = JSON.stringify(now.current);
        if (text.length <= MOST) {
          sessionStorage.setItem(PREFIX + name, text);
        } else {
          sessionStorage.removeItem(PREFIX + name);
        }
      } catch {
        // The browser keeps no more: what is typed stays on the page all the same.
      }
    },
    [name],
  );
  return [value, change];
}
