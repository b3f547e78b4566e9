// What somebody typed here, kept for this tab of the browser: it is there again after a look at another page.
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';

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

/** What is on the page and not kept: it was too long. */
const unkept = new Set<string>();
const listeners = new Set<() => void>();

/** Keeps a text, or does not: whatever stood there before is not what was typed last. */
function keep(name: string, text: string): void {
  let kept = text.length <= MOST;
  try {
    if (kept) {
      sessionStorage.setItem(PREFIX + name, text);
    }
  } catch {
    // The browser keeps no more: what is typed stays on the page all the same.
    kept = false;
  }
  if (!kept) {
    sessionStorage.removeItem(PREFIX + name);
  }
  tell(name, kept);
}

function tell(name: string, kept: boolean): void {
  const changed = unkept.has(name) === kept;
  if (kept) {
    unkept.delete(name);
  } else {
    unkept.add(name);
  }
  if (changed) {
    listeners.forEach((listener) => listener());
  }
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether something on the page is too long to be there after a look at another one. */
export function useUnkept(): boolean {
  return useSyncExternalStore(listen, () => unkept.size > 0);
}

/** A state that is kept under `name`; `begin` holds where nothing is. */
export function useDraft<T>(name: string, begin: T): [T, (next: T | ((now: T) => T)) => void] {
  const [value, setValue] = useState(() => read(name, begin));
  const now = useRef(value);
  const change = useCallback(
    (next: T | ((now: T) => T)) => {
      now.current = typeof next === 'function' ? (next as (now: T) => T)(now.current) : next;
      setValue(now.current);
      keep(name, JSON.stringify(now.current));
    },
    [name],
  );
  useEffect(() => () => tell(name, true), [name]);
  return [value, change];
}
