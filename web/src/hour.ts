// The calls of the last hour as a card draws them.
import type { Figures } from './api/operate';

export interface Hour {
  calls: number;
  errors: number;
  /** From the oldest stretch to the present one. */
  stretches: { calls: number; errors: number }[];
}

const STRETCHES = 12;

/** Of what was not called there are no figures. */
export function hourOf(figures: Figures | undefined): Hour {
  if (!figures) {
    return { calls: 0, errors: 0, stretches: Array.from({ length: STRETCHES }, () => ({ calls: 0, errors: 0 })) };
  }
  const { calls, errors, steps } = figures;
  return { calls, errors, stretches: steps.map((step) => ({ calls: step.calls, errors: step.errors })) };
}
