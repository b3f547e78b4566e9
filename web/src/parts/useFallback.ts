// Where the keyboard goes when what has it goes away or is disabled, and nothing else takes it: to the part of the page that it stood in.
import { type RefObject, useEffect } from 'react';

/** Parts that say what they are to whoever comes there. */
const PARTS = 'section, form, ul, ol, li, [role="region"], [role="group"]';

export function useFallback(main: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    // What had the keyboard last, and all that it stands in, from the inside out.
    let path: Element[] = [];
    let frame = 0;
    const note = ({ target }: FocusEvent) => {
      const page = main.current;
      // What is asked in a dialog comes back to what opened it.
      if (page?.contains(target as Node)) {
        path = [];
        for (let at = target as Element | null; at && at !== page; at = at.parentElement) {
          path.push(at);
        }
      }
    };
    const look = () => {
      const [last] = path;
      const { activeElement } = document;
      const isLost = last !== undefined && (!last.isConnected || last.matches(':disabled')) && (activeElement === document.body || activeElement === last);
      const place = isLost && (path.find((at) => at !== last && at.isConnected && at.matches(PARTS)) ?? main.current);
      if (place instanceof HTMLElement) {
        if (!place.hasAttribute('tabindex')) {
          place.tabIndex = -1;
          place.addEventListener('blur', () => place.removeAttribute('tabindex'), { once: true });
        }
        place.focus({ preventScroll: true });
      }
    };
    // Browsers take the keyboard from what was disabled when they draw it, and the page may have a better place for it.
    const later = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => {
        frame = requestAnimationFrame(look);
      });
    };
    const watch = new MutationObserver(later);
    document.addEventListener('focusin', note);
    watch.observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ['disabled'] });
    return () => {
      document.removeEventListener('focusin', note);
      watch.disconnect();
      cancelAnimationFrame(frame);
    };
  }, [main]);
}
