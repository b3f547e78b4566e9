// How times, counts and names are put into words.

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always' });

/** How long ago something was, such as `3 minutes ago`. Both in milliseconds since 1970. */
export function ago(then: number, now: number): string {
  const seconds = Math.max(0, Math.round((now - then) / 1000));
  for (const [unit, length] of UNITS) {
    if (seconds >= length) {
      return relative.format(-Math.floor(seconds / length), unit);
    }
  }
  return 'just now';
}

/** A code such as `auth_expired` as words: `auth expired`. */
export function spaced(code: string): string {
  return code.replaceAll('_', ' ');
}

/** A key such as `base_url` as a label: `Base URL`. */
export function label(key: string): string {
  const words = spaced(key).replace(/\b(url|id|tls|http|sql|json|ttl|ca)\b/g, (word) => word.toUpperCase());
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}
