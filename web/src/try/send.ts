// Sends a request through an integration as it was written, and takes what came back as it came.
import { heard, shown } from '../api/token';

export interface Sent {
  path: string;
  body: string;
  /** Headers beside the token and the type of the body, such as the connection. */
  headers: Record<string, string>;
}

export interface Reply {
  status: number;
  ok: boolean;
  headers: Headers;
  bytes: Uint8Array<ArrayBuffer>;
  millis: number;
}

/** The answer, from its head on. */
export async function ask({ path, body, headers }: Sent, signal: AbortSignal): Promise<Response> {
  const all = shown(new Headers({ 'content-type': 'application/json', ...headers }));
  return heard(await fetch(path, { method: 'POST', headers: all, body, signal, cache: 'no-store' }));
}

export async function send(sent: Sent, signal: AbortSignal): Promise<Reply> {
  const begun = performance.now();
  const response = await ask(sent, signal);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { status, ok, headers } = response;
  return { status, ok, headers, bytes, millis: performance.now() - begun };
}
