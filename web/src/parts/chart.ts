// How high a chart is: known before the script is there that draws it, so that its place is kept.

/** Pixels of what is drawn. */
export const DRAWN = 250;

/** Above it, what its colours mean: on a phone in two lines. */
export const LEGEND = { xs: '2.75rem', sm: '1.5rem' };

export const HEIGHT = { xs: `calc(${LEGEND.xs} + ${DRAWN}px)`, sm: `calc(${LEGEND.sm} + ${DRAWN}px)` };
