// Stretches of time that one looks at, and what is counted in them.
import type { Figures, Summary } from './api/operate';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Each with steps of which a sixth part of the length is a whole number. */
export const RANGES = {
  '15m': { title: '15 min', length: 15 * MINUTE, step: MINUTE / 2 },
  '1h': { title: '1 h', length: HOUR, step: MINUTE },
  '6h': { title: '6 h', length: 6 * HOUR, step: 5 * MINUTE },
  '24h': { title: '24 h', length: 24 * HOUR, step: 20 * MINUTE },
} as const;

export type Range = keyof typeof RANGES;

export function rangeOf(name: string | null): Range {
  return name !== null && name in RANGES ? (name as Range) : '1h';
}

/** The figures of what was not called. */
export function blank({ since_ms, until_ms, step_ms }: Pick<Summary, 'since_ms' | 'until_ms' | 'step_ms'>): Figures {
  const none = { calls: 0, errors: 0, attempts: 0, cache_hits: 0, p50_ms: null, p95_ms: null, p99_ms: null };
  const steps = Array.from({ length: Math.ceil((until_ms - since_ms) / step_ms) }, (_, n) => ({ at_ms: since_ms + n * step_ms, ...none }));
  return { ...none, steps };
}

/** How many that is a minute: `12`, `0.3`; where something was, never `0`. */
export function perMinute(calls: number, length: number): string {
  const rate = calls / (length / MINUTE);
  return calls > 0 && rate < 0.1 ? 'under 0.1' : rate.toLocaleString('en', { maximumFractionDigits: rate < 10 ? 1 : 0 });
}

/** A part of a whole in percent: `0%`, `<1%`, `12%`. */
export function share(part: number, whole: number): string {
  if (part === 0 || whole === 0) {
    return '0%';
  }
  const percent = (part / whole) * 100;
  return percent < 1 ? '<1%' : percent > 99 && part < whole ? '>99%' : `${Math.round(percent)}%`;
}
