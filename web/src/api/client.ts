// The client of the API, with types made from /openapi.json: adds the token, and turns answers into values or problems.
import createClient, { type Middleware } from 'openapi-fetch';
import { parse, stringify } from '../exact';
import { heard, shown } from './token';
import type { components, paths } from './types';

export type Schemas = components['schemas'];
export type ProblemBody = Schemas['Problem'];

/** An error of the API (RFC 9457), or what kept a request from an answer. */
export class Problem extends Error {
  constructor(
    readonly body: ProblemBody,
    readonly status: number,
  ) {
    super(body.detail ?? body.title ?? `the server answered ${status}`);
  }
}

/** What a person is told where no answer came. */
export function silent(): Problem {
  return new Problem({ title: 'No answer', detail: 'the server did not answer: see that it runs and that this computer reaches it' }, 0);
}

const access: Middleware = {
  onRequest({ request }) {
    shown(request.headers);
  },
  onResponse({ response }) {
    heard(response);
  },
  onError() {
    return silent();
  },
};

export const api = createClient<paths>({ baseUrl: location.origin, bodySerializer: (body) => stringify(body) });
api.use(access);

/** What an answer holds, or its problem, thrown. */
export async function value<T>(answer: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await answer;
  if (!response.ok) {
    throw new Problem((error ?? {}) as ProblemBody, response.status);
  }
  return data as T;
}

/** An integration as it is configured, secrets masked, with the version that it has. */
export interface Versioned {
  document: Record<string, unknown>;
  state: Schemas['State'] | undefined;
  etag: string;
  /** Another where a secret was changed. */
  secrets: string;
  source: string;
}

export async function readIntegration(id: string): Promise<Versioned> {
  const answer = await api.GET('/api/v1/integrations/{id}', { params: { path: { id } }, parseAs: 'text' });
  const { state, ...document } = parse(await value(Promise.resolve(answer))) as Record<string, unknown>;
  return {
    document,
    state: state as Schemas['State'] | undefined,
    etag: answer.response.headers.get('etag') ?? '',
    secrets: answer.response.headers.get('trunkline-secrets') ?? '',
    source: answer.response.headers.get('trunkline-source') ?? 'store',
  };
}
