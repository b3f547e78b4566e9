// Asks the API by path and query, for what pages read without the typed client: streams, and answers whose types are here.
import { stringify } from '../exact';
import { Problem, type ProblemBody, silent } from './client';
import { heard, shown } from './token';

export type Query = { [key: string]: string | number | undefined };

/** A path with its query; what is undefined or empty is left out. */
export function withQuery(path: string, query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') {
      params.set(key, String(value));
    }
  }
  return params.size > 0 ? `${path}?${params}` : path;
}

/** The answer, if it is a success; its problem (RFC 9457), thrown, if not. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response;
  try {
    response = heard(await fetch(path, { ...init, headers: shown(new Headers(init.headers)) }));
  } catch (error) {
    if ((error as Error).name === 'AbortError') {
      throw error;
    }
    throw silent();
  }
  if (response.ok) {
    return response;
  }
  throw new Problem((await response.json().catch(() => ({}))) as ProblemBody, response.status);
}

/** What an answer in JSON holds. */
export async function ask<T>(path: string, query: Query = {}, init: RequestInit = {}): Promise<T> {
  const response = await request(withQuery(path, query), init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** Sends JSON, and gives what comes back. */
export function tell<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  if (body === undefined) {
    return ask<T>(path, {}, { method, headers });
  }
  return ask<T>(path, {}, { method, headers: { 'Content-Type': 'application/json', ...headers }, body: stringify(body) });
}
