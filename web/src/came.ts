// What came as a webhook, out of the answer of the API: the body byte for byte, whichever form it has there.
import type { Came, Webhook } from './api/operate';
import { memberOf } from './try/json';

export function came(text: string): Came {
  const event = JSON.parse(text) as Webhook;
  const headers = new Headers();
  for (const [name, value] of Object.entries(event.headers ?? {})) {
    headers.set(name, value);
  }
  return { event, headers, bytes: bytesOf(event, text) };
}

function bytesOf({ text: plain, base64 }: Webhook, text: string): Uint8Array<ArrayBuffer> {
  if (typeof base64 === 'string') {
    return Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  }
  // JSON is taken as it is written: numbers of JavaScript have fewer digits.
  return new TextEncoder().encode(plain ?? memberOf(text, 'body') ?? '');
}
