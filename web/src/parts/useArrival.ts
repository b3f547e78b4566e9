// Where the keyboard goes when one page gives way to another: to what the new one is called, unless it is on that page already.
import { type RefObject, useEffect, useRef } from 'react';
import { useLocation, useNavigationType } from 'react-router';

export function useArrival(main: RefObject<HTMLElement | null>): void {
  const { pathname } = useLocation();
  // Who goes back finds the page scrolled as it was.
  const preventScroll = useNavigationType() === 'POP';
  const came = useRef<{ from: string; heading: Element | null }>(undefined);
  useEffect(() => {
    const page = main.current;
    const before = came.current;
    const now = { from: pathname, heading: page?.querySelector('h1') ?? null };
    came.current = now;
    // A page that is opened is read from its top; and a link that is still there, such as a tab, keeps the keyboard.
    const stays = page?.contains(document.activeElement) && document.activeElement !== page;
    if (!page || !before || before.from === pathname || stays) {
      return;
    }
    const arrive = () => {
      now.heading = page.querySelector('h1');
      // Pages of one integration have its name above them, and below it what each of them is about.
      const heading = (now.heading === before.heading && page.querySelector<HTMLElement>('h2')) || page.querySelector<HTMLElement>('h1');
      if (heading) {
        heading.tabIndex = -1;
        heading.focus({ preventScroll });
      }
      return heading !== null;
    };
    if (arrive()) {
      return;
    }
    // The page is still being read.
    page.focus({ preventScroll: true });
    const waiting = new MutationObserver(() => {
      if (document.activeElement !== page || arrive()) {
        waiting.disconnect();
      }
    });
    waiting.observe(page, { childList: true, subtree: true });
    return () => waiting.disconnect();
  }, [pathname]);
}
