// The API token that a person gave: kept for this tab, and told to those who wait for one.

const KEY = 'trunkline.token';
const listeners = new Set<() => void>();
let refused = false;
let accepted = false;

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

/** Whether the server has let this page in before: then something may stand there that nobody wants to lose. */
export function wasAccepted(): boolean {
  return accepted;
}

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** With the token among the headers of a request, if there is one. */
export function shown(headers: Headers): Headers {
  const held = token();
  if (held) {
    headers.set('Trunkline-Token', held);
  }
  return headers;
}

/** An answer; where it says that the token is not the right one, the page asks for it. */
export function heard(response: Response): Response {
  if (response.status === 401 && response.headers.get('trunkline-error') === 'unauthorized') {
    refuse();
  } else {
    accepted = true;
  }
  return response;
}
