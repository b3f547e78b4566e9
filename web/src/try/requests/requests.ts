// Which editor belongs to which type, each loaded when it is wanted.
import { type ComponentType, lazy } from 'react';
import type { RequestProps } from './props';

type Loaded = ComponentType<RequestProps>;

const rest = lazy(async () => ({ default: (await import('./RestRequest')).RestRequest as Loaded }));
const graphql = lazy(async () => ({ default: (await import('./GraphQlRequest')).GraphQlRequest as Loaded }));
const sql = lazy(async () => ({ default: (await import('./SqlRequest')).SqlRequest as Loaded }));
const websocket = lazy(async () => ({ default: (await import('./WebSocketRequest')).WebSocketRequest as Loaded }));
const queue = lazy(async () => ({ default: (await import('./QueueRequest')).QueueRequest as Loaded }));

export const OTHER: Loaded = lazy(async () => ({ default: (await import('./OtherRequest')).OtherRequest as Loaded }));

export const REQUESTS: Record<string, Loaded> = {
  rest,
  graphql,
  websocket,
  database: sql,
  postgres: sql,
  mysql: sql,
  sqlite: sql,
  message_queue: queue,
};
