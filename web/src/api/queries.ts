// What pages ask the API for, under the names that it is kept and forgotten by.
import { queryOptions } from '@tanstack/react-query';
import { api, readIntegration, type Schemas, value } from './client';

/** Milliseconds after which a page that is looked at asks again. */
const AGAIN = 5_000;

export const list = queryOptions({
  queryKey: ['integrations'],
  queryFn: () => value(api.GET('/api/v1/integrations/list')),
  refetchInterval: AGAIN,
});

export const health = queryOptions({
  queryKey: ['health'],
  queryFn: async () =>
    (await value(api.GET('/api/v1/integrations/health', { params: { query: { details: 'true' } } }))) as Record<
      string,
      Schemas['Health']
    >,
  refetchInterval: 2 * AGAIN,
});

export const integration = (id: string) =>
  queryOptions({ queryKey: ['integration', id], queryFn: () => readIntegration(id) });

export const schemas = queryOptions({
  queryKey: ['schemas'],
  queryFn: () => value(api.GET('/api/v1/schemas')),
  staleTime: Infinity,
});

export interface Listed {
  name: string;
  title: string;
  description: string;
  type: string;
  categories: string[];
  actions: number;
  docs?: string;
}

export const connectors = queryOptions({
  queryKey: ['connectors'],
  queryFn: async () => (await value(api.GET('/api/v1/connectors'))) as Listed[],
});

/** What can be done by name, as the server describes it. */
export interface Action {
  title: string;
  description: string;
  method: string;
  path: string;
  input: Record<string, unknown>;
  pages: boolean;
  docs?: string;
}

/** A way to authenticate with a vendor, and what it asks for. */
export interface Way {
  id: string;
  title: string;
  help: string;
  auth_type: string;
  inputs: Record<string, unknown>;
}

export interface Connector extends Omit<Listed, 'actions'> {
  auth: Way[];
  /** What it configures of an integration. */
  integration: Record<string, unknown>;
  inputs: Record<string, unknown>;
  actions: Record<string, Action>;
}

export const connector = (name: string) =>
  queryOptions({
    queryKey: ['connector', name],
    queryFn: async () =>
      (await value(api.GET('/api/v1/connectors/{name}', { params: { path: { name } } }))) as Connector,
    enabled: name !== '',
  });

export const actions = (id: string) =>
  queryOptions({
    queryKey: ['actions', id],
    queryFn: async () =>
      (await value(api.GET('/api/v1/integrations/{id}/actions', { params: { path: { id } } }))) as Record<
        string,
        Action
      >,
  });
