// What the operator's pages ask the API for: figures, records, connections, webhooks, tokens, keys.
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { came } from '../came';
import { parse } from '../exact';
import { ask, type Query, request, tell } from './ask';
import type { Schemas } from './client';

export type CallRecord = Schemas['ActivityList'][number];

const CALLS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HTTP', 'query', 'publish', 'receive']);

/** Whether it is of a call, and not of something else that happened, such as that an account was connected. */
export const isCall = ({ operation }: CallRecord): boolean => CALLS.has(operation);

/** One attempt of a call. */
export type Try = CallRecord['tries'][number];

/** What is looked for, under the names of the query. */
export interface Sought {
  [key: string]: string | undefined;
  integration?: string;
  connection?: string;
  action?: string;
  kind?: string;
  status?: string;
  since_ms?: string;
}

export function records(sought: Sought, limit: number, before?: number, signal?: AbortSignal): Promise<CallRecord[]> {
  return ask('/api/v1/activity', { ...sought, limit, before }, signal ? { signal } : {});
}

export type Summary = Schemas['ActivitySummary'];

export type Figures = Summary['integrations'][string];

/** Figures of the latest `length` milliseconds in steps of `step`, which begin at whole steps so that they stay as they are. */
export const summary = (length: number, step: number, integration?: string) =>
  queryOptions({
    queryKey: ['summary', length, step, integration],
    queryFn: () => {
      const until = Math.ceil((Date.now() + 1) / step) * step;
      return ask<Summary>('/api/v1/activity/summary', { since_ms: until - length, until_ms: until, step_ms: step, integration });
    },
    refetchInterval: 10_000,
  });

/** The last hour of all integrations, in steps of five minutes. */
export const lastHour = summary(3_600_000, 300_000);

export const pathOf = (id: string, connection?: string) =>
  `/api/v1/integrations/${encodeURIComponent(id)}${connection === undefined ? '' : `/connections/${encodeURIComponent(connection)}`}`;

export type Listed = NonNullable<Schemas['ConnectionList']['connections']>[number];

/** Those of an integration; `whole` with their accounts and what is known of their health. */
export const connections = (id: string, whole: boolean) =>
  infiniteQueryOptions({
    queryKey: ['connections', id, whole],
    queryFn: ({ pageParam }) =>
      ask<{ connections: Listed[]; next?: string }>(`${pathOf(id)}/connections`, { after: pageParam, limit: 50, accounts: String(whole), health: String(whole) }),
    refetchInterval: whole ? 10_000 : false,
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
  });

/** A connection as it is configured, secrets masked, with its version, and what limits it now if it is open. */
export interface Tenant {
  document: Record<string, unknown>;
  state: Schemas['State'] | undefined;
  etag: string;
  /** Another where a secret was changed. */
  secrets: string;
}

export async function readConnection(id: string, name: string): Promise<Tenant> {
  const answer = await request(pathOf(id, name));
  const { headers } = answer;
  const { state, ...document } = parse(await answer.text()) as Record<string, unknown>;
  return { document, state: state as Schemas['State'] | undefined, etag: headers.get('etag') ?? '', secrets: headers.get('trunkline-secrets') ?? '' };
}

export const connection = (id: string, name: string) => queryOptions({ queryKey: ['connection', id, name], queryFn: () => readConnection(id, name) });

/** The account that calls are made for. */
export const standing = (id: string, connection?: string) =>
  queryOptions({ queryKey: ['account', id, connection], queryFn: () => ask<Schemas['Standing']>(`${pathOf(id)}/oauth`, { connection }) });

const published = async () => (await ask<{ components: { schemas: Record<string, Record<string, unknown>> } }>('/openapi.json')).components.schemas;

/** The JSON Schema of a connection's keys. */
export const connectionSchema = queryOptions({
  queryKey: ['openapi', 'Connection'],
  queryFn: async () => (await published()).Connection!,
  staleTime: Infinity,
});

/** Every result that a call can have: done, given up by its caller, or an error of one of the kinds that the server knows. */
export const kinds = queryOptions({
  queryKey: ['openapi', 'kinds'],
  queryFn: async () => {
    const { properties } = (await published()).Problem as { properties: { kind: { examples: string[] } } };
    return ['ok', 'cancelled', ...properties.kind.examples];
  },
  staleTime: Infinity,
});

export type Webhook = Schemas['WebhookEvent'];

/** What one attempt to forward a webhook came to. */
export type Forwarding = NonNullable<Webhook['deliveries'][number]['tries']>[number];

/** So many webhooks are asked for at once. */
const WEBHOOKS = 50;

export const webhooks = (id: string) =>
  infiniteQueryOptions({
    queryKey: ['webhooks', id],
    queryFn: ({ pageParam }) => ask<Webhook[]>(`${pathOf(id)}/events`, { before: pageParam, limit: WEBHOOKS }),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.length < WEBHOOKS ? undefined : page.at(-1)?.number),
    refetchInterval: 5_000,
  });

/** One webhook, and its body as it came. */
export interface Came {
  event: Webhook;
  headers: Headers;
  bytes: Uint8Array<ArrayBuffer>;
}

export const webhook = (id: string, event: string) =>
  queryOptions({
    queryKey: ['webhook', id, event],
    queryFn: async (): Promise<Came> => {
      const text = await (await request(`${pathOf(id)}/events/${encodeURIComponent(event)}`)).text();
      return came(text);
    },
    // What is on its way is looked at until it has arrived.
    refetchInterval: ({ state }) => (state.data?.event.state === 'pending' ? 2_000 : false),
  });

/** Has a webhook forwarded once more: to one target, or wherever it has not arrived. Says where it goes. */
export async function redeliver(id: string, event: string, to?: string): Promise<string> {
  const path = `${pathOf(id)}/events/${encodeURIComponent(event)}/redeliver`;
  const said = await tell<Schemas['Redelivered']>('POST', path, to === undefined ? undefined : { to });
  const goes = `${event} is forwarded once more to ${said.to.join(', ')}`;
  return said.left_out?.length ? `${goes}; not to ${said.left_out.join(', ')}, where it may have been done` : goes;
}

export type ApiToken = Schemas['ApiTokens']['tokens'][number];

export const tokens = queryOptions({ queryKey: ['tokens'], queryFn: () => ask<Schemas['ApiTokens']>('/api/v1/tokens') });

export type Key = Schemas['Keys'][number];

export const keys = queryOptions({ queryKey: ['keys'], queryFn: () => ask<Key[]>('/api/v1/keys') });

export type RotationState = Schemas['Rotation'];

/** How far everything stored has moved to the newest key. */
export const rotation = queryOptions({ queryKey: ['rotation'], queryFn: () => ask<RotationState>('/api/v1/keys/rotation') });

/** Whether entries are being moved. */
export const isUnderWay = (state: RotationState | undefined): boolean => state?.state === 'running' || state?.state === 'stopping';

export const version = queryOptions({ queryKey: ['version'], queryFn: () => ask<Schemas['Version']>('/api/v1/version') });

/** One call, or `null` where the server does not remember it. */
export const recordOf = (requestId: string) =>
  queryOptions({
    queryKey: ['record', requestId],
    queryFn: async () => (await ask<CallRecord[]>('/api/v1/activity', { request_id: requestId }))[0] ?? null,
    // What has happened stays as it is.
    staleTime: ({ state }) => (state.data ? Infinity : 0),
  });

/** The calls of the same integration before and after one. */
export const neighboursOf = ({ number, integration }: CallRecord) =>
  queryOptions({
    queryKey: ['neighbours', integration, number],
    queryFn: async () => {
      const next = (beside: Query) => ask<CallRecord[]>('/api/v1/activity', { integration, limit: 1, ...beside });
      const [older, newer] = await Promise.all([next({ before: number }), next({ after: number })]);
      return { before: older[0], after: newer[0] };
    },
  });
