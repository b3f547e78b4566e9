// Sends a request through an integration as it was written, and takes what came back as it came.
import { token } from './token';

export interface Reply {
  status: number;
  ok: boolean;
  headers: [string, string][];
  body: string;
  millis: number;
}

export async function send(path: string, body: string): Promise<Reply> {
  const shown = token();
  const begun = performance.now();
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(shown ? { 'Trunkline-Token': shown } : {}) },
    body,
  });
  const text = await response.text();
  const { status, ok, headers } = response;
  return { status, ok, headers: [...headers], body: pretty(text), millis: performance.now() - begun };
}

/** JSON in lines, anything else as it is. */
function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
