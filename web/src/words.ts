// How times, counts and names are put into words.

const UNITS: [Intl.RelativeTimeFormatUnitSingular, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** How long ago something was, such as `3 minutes ago`. Both in milliseconds since 1970. */
export function ago(then: number, now: number): string {
  const [number, unit] = passed(then, now);
  return unit === undefined ? 'just now' : relative.format(-number, unit);
}

/** For how long something has been, such as `for 3 minutes`. Both in milliseconds since 1970. */
export function lasting(then: number, now: number): string {
  const [number, unit] = passed(then, now);
  return unit === undefined ? 'for less than a minute' : `for ${count(number, unit)}`;
}

/** So many of the largest unit that fits; no unit where it is less than one of the smallest. */
function passed(then: number, now: number): [number, Intl.RelativeTimeFormatUnitSingular | undefined] {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  const found = UNITS.find(([, length]) => seconds >= length);
  return found ? [Math.floor(seconds / found[1]), found[0]] : [0, undefined];
}

/** A code such as `auth_expired` as words: `auth expired`. */
export function spaced(code: string): string {
  return code.replaceAll('_', ' ');
}

/** What a call did: by its name where it has one, such as `create lead (POST)`. */
export function done({ action, operation }: { action: string | null; operation: string }): string {
  return action ? `${spaced(action)} (${spaced(operation)})` : spaced(operation);
}

/** A key such as `base_url` as a label: `Base URL`. */
export function label(key: string): string {
  const words = spaced(key).replace(/\b(url|id|tls|http|sql|json|ttl|ca)\b/g, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const dayClock = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' });

/** A time of today with its seconds; of another day with the day. */
export function time(at: number, now: number): string {
  return new Date(at).toDateString() === new Date(now).toDateString() ? clock.format(at) : dayClock.format(at);
}

/** A time with its day and zone. */
export function moment(at: number): string {
  return full.format(at);
}

const named = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' });

/** The zone that times are in: `UTC`, `CET`. */
export function zone(at: number): string {
  return named.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** How long something took or lasts: `3.2 ms`, `1.5 s`, `2 min`, `3 h`, `5 d`. */
export function span(millis: number): string {
  const scales: [number, string][] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ];
  for (const [length, unit] of scales) {
    if (millis >= length) {
      return `${short(millis / length)} ${unit}`;
    }
  }
  return `${short(millis)} ms`;
}

/** Two figures that count, no more. */
function short(number: number): string {
  return number.toLocaleString('en', { maximumFractionDigits: number < 10 ? 1 : 0 });
}

/** So many bytes, in the unit that suits: `12 bytes`, `3.4 KB`. */
export function size(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}
