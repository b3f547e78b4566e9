// Shows more of a list. The keyboard stays on the button, and goes to the first of what came where there is no more to show.
import { type RefObject, useEffect, useRef } from 'react';
import { Act } from './Act';

interface Props {
  label: string;
  /** There is more. */
  some: boolean;
  busy: boolean;
  /** Gets it. */
  more: () => void;
  list: RefObject<HTMLElement | null>;
}

export function More({ label, some, busy, more, list }: Props) {
  const shown = useRef<number>(undefined);
  useEffect(() => {
    const from = shown.current;
    if (some || from === undefined) {
      return;
    }
    shown.current = undefined;
    // Who went elsewhere meanwhile stays there.
    if (document.activeElement === document.body) {
      list.current?.children[from]?.querySelector<HTMLElement>('a, button')?.focus();
    }
  }, [some, list]);
  return some ? (
    <Act
      busy={busy}
      onClick={() => {
        shown.current = list.current?.children.length;
        more();
      }}
    >
      {label}
    </Act>
  ) : null;
}
