// The API token that a person gave: kept for this tab, and told to those who wait for one.

const KEY = 'trunkline.token';
const listeners = new Set<() => void>();
let refused = false;

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Keeps a token, or forgets it. */
export function setToken(value: string | null): void {
  if (value === null) {
    sessionStorage.removeItem(KEY);
  } else {
    sessionStorage.setItem(KEY, value);
  }
  refused = false;
  listeners.forEach((listener) => listener());
}

/** The server took no token, or not this one: somebody has to give one. */
export function refuse(): void {
  refused = true;
  listeners.forEach((listener) => listener());
}

export function isRefused(): boolean {
  return refused;
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
