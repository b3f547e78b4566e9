// Scrolls a list that is taller than browsers can scroll: it stands on a shorter strip, and is moved along it as one scrolls.

/** Pixels that browsers can scroll with room to spare: Firefox ends at 17.8 million, Chromium at 33.5 million. */
export const TALLEST = 10_000_000;

/** Who scrolls no further than so many views at once looks at rows in between: each pixel is a pixel of the list then. */
const NEAR = 2;

export interface Spot {
  /** How far the strip is scrolled. */
  top: number;
  /** How many pixels more the list is. */
  shift: number;
}

/** How high the strip is for a list that is `whole` pixels high. */
export function heightOf(whole: number): number {
  return Math.min(whole, TALLEST);
}

/**
 * Where one is who was at `was` and has scrolled the strip to `top`, in a list `whole` pixels high of which `view` are seen.
 *
 * Where its `top` is not the one given, the strip has to be scrolled there: the list would end later than the strip, or sooner.
 */
export function moved(was: Spot, top: number, whole: number, view: number): Spot {
  const height = heightOf(whole);
  const more = whole - height;
  if (more <= 0) {
    return { top, shift: 0 };
  }
  const most = height - view;
  if (Math.abs(top - was.top) > NEAR * view) {
    return { top, shift: (top / most) * more };
  }
  const offset = Math.max(0, Math.min(top + was.shift, whole - view));
  const fair = Math.round((offset / (whole - view)) * most);
  const atEnd = top <= 0 || top >= most;
  if (atEnd && offset < view) {
    return { top: 0, shift: 0 };
  }
  if (atEnd && offset > whole - 2 * view) {
    return { top: most, shift: more };
  }
  const at = atEnd || Math.abs(fair - top) > view ? fair : top;
  return { top: at, shift: offset - at };
}
