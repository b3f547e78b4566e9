// The calls of the last hour, counted by integration and by stretches of five minutes.

export interface Call {
  at_ms?: number;
  integration?: string;
  kind?: string;
}

export interface Hour {
  calls: number;
  errors: number;
  /** From the oldest stretch to the present one. */
  stretches: { calls: number; errors: number }[];
}

const STRETCH = 300_000;
const STRETCHES = 12;

export function emptyHour(): Hour {
  return { calls: 0, errors: 0, stretches: Array.from({ length: STRETCHES }, () => ({ calls: 0, errors: 0 })) };
}

/** Counts the calls of the hour that ends at `now`, in milliseconds since 1970. */
export function hours(records: Call[], now: number): Map<string, Hour> {
  const counted = new Map<string, Hour>();
  for (const { at_ms = 0, integration = '', kind } of records) {
    const age = Math.max(0, Math.floor((now - at_ms) / STRETCH));
    if (age >= STRETCHES) {
      continue;
    }
    const hour = counted.get(integration) ?? emptyHour();
    counted.set(integration, hour);
    const failed = kind === 'ok' ? 0 : 1;
    hour.calls += 1;
    hour.errors += failed;
    const stretch = hour.stretches[STRETCHES - 1 - age]!;
    stretch.calls += 1;
    stretch.errors += failed;
  }
  return counted;
}
