// Keeps the keyboard in a list of which only a part is drawn: where the row goes that has it, the list has it.
import { type RefObject, useLayoutEffect, useRef } from 'react';

/** To be called by whoever draws the rows in `list`, which can be focused itself. */
export function useKept(list: RefObject<HTMLElement | null>): void {
  const last = useRef<Element>(undefined);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) {
      return;
    }
    const note = ({ target }: FocusEvent) => {
      last.current = target as Element;
    };
    // Some browsers tell it of a row that goes too: that is no leaving.
    const leave = ({ target }: FocusEvent) =>
      queueMicrotask(() => {
        if ((target as Element).isConnected && !element.contains(document.activeElement)) {
          last.current = undefined;
        }
      });
    element.addEventListener('focusin', note);
    element.addEventListener('focusout', leave);
    return () => {
      element.removeEventListener('focusin', note);
      element.removeEventListener('focusout', leave);
    };
  }, [list]);
  useLayoutEffect(() => {
    if (last.current && !last.current.isConnected && document.activeElement === document.body) {
      list.current?.focus({ preventScroll: true });
    }
  });
}
