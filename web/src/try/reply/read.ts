// What a reply is, for those who look at it: text or bytes, a problem of ours or an answer of the service.
import type { ProblemBody } from '../../api/client';
import { isObject } from '../../objects';
import type { Reply } from '../send';

export interface Read {
  media: string;
  /** None where it is no text. */
  text: string | undefined;
  /** An error that Trunkline tells of (RFC 9457). */
  problem: (ProblemBody & { upstream?: { status?: number; body?: unknown } }) | undefined;
  requestId: string | null;
  attempts: number;
  cache: string | null;
}

export function read({ headers, bytes }: Reply): Read {
  const media = mediaOf(headers);
  const text = decoded(bytes);
  return {
    media,
    text,
    problem: headers.has('trunkline-error') ? problemOf(text) : undefined,
    requestId: headers.get('trunkline-request-id'),
    attempts: Number(headers.get('trunkline-attempts') ?? 0),
    cache: ours(headers.get('cache-status')),
  };
}

/** What kind of thing it says it is, such as `application/json`. */
export function mediaOf(headers: Headers): string {
  return (headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
}

function problemOf(text: string | undefined): Read['problem'] {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes as text, unless they are none. */
export function decoded(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? undefined : text;
  } catch {
    return undefined;
  }
}

/** What our cache did, of all that are on the way (RFC 9211). */
function ours(status: string | null): string | null {
  const one = status?.split(',').findLast((member) => member.trim().startsWith('Trunkline'));
  if (!one) {
    return null;
  }
  return /;\s*hit\b/.test(one) ? 'from the cache' : null;
}

const ENDINGS: Record<string, string> = {
  'application/json': 'json',
  'application/problem+json': 'json',
  'application/pdf': 'pdf',
  'application/zip': 'zip',
  'text/plain': 'txt',
  'text/csv': 'csv',
  'text/html': 'html',
  'application/xml': 'xml',
  'text/xml': 'xml',
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/gif': 'gif',
  'image/webp': 'webp',
  'image/svg+xml': 'svg',
};

/** What to call a body that is saved: as the service calls it, or by what it is of. */
export function fileName(headers: Headers, media: string, of = 'reply'): string {
  const named = /filename\*=(?:utf-8'[^']*')([^;]+)|filename="?([^";]+)"?/i.exec(headers.get('content-disposition') ?? '');
  let name = named?.[2] ?? '';
  if (named?.[1]) {
    try {
      name = decodeURIComponent(named[1]);
    } catch {
      // It is none then.
    }
  }
  const last = name.split(/[\\/]/).pop()!.replace(/[\0-\x1f:*?<>|]/g, '').trim();
  return last || `${of}.${ENDINGS[media] ?? (media.startsWith('text/') ? 'txt' : media.endsWith('+json') ? 'json' : 'bin')}`;
}
