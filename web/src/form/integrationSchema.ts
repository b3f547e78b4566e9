// Which keys an integration has by its type and its way to authenticate, and which of them every form begins with.
import type { Connector } from '../api/queries';
import { isObject } from '../objects';
import { credential } from './credential';
import { neededFirst } from './needed';

type Schema = Record<string, unknown>;

export interface Published {
  common: Schema;
  types: Record<string, Schema>;
  auth_types: Record<string, Schema>;
}

/** What a connector asks for: its inputs by the way to authenticate, and the ways that there are. */
export interface Asked {
  inputs: Schema;
  ways: { id: string; title: string; inputs: Schema }[];
}

/** What a vendor's connector asks for, if there is one. */
export function askedBy(vendor: Connector | undefined): Asked | undefined {
  return vendor && { inputs: vendor.inputs, ways: vendor.auth };
}

/** In this order, where the type has them. */
const FIRST = ['integration_id', 'name', 'description', 'base_url', 'auth_type', 'auth_config', 'timeout'];

/** Decided elsewhere than in the form. */
const APART = new Set(['type', 'connector', 'enabled']);

export interface Keys {
  schema: Schema & { properties: Record<string, Schema | boolean>; required: string[] };
  /** Keys that are not shown, and can be. */
  more: string[];
  /** Keys that are shown only because they are in the document, or were asked for. */
  removable: string[];
}

/** The schema of a form for `document`, with the keys that it has, those of `shown`, and those that forms begin with. */
export function keysOf(published: Published, document: Schema, type: string, shown: string[], asked?: Asked): Keys {
  const own = published.types[type] ?? {};
  const way = String(document.auth_type ?? 'none');
  const auth = published.auth_types[way];
  const withConnector = typeof document.connector === 'string';
  const all: Record<string, Schema | boolean> = { ...properties(own), ...properties(published.common) };
  all.auth_type = {
    type: 'string',
    oneOf: Object.keys(published.auth_types).map((name) => ({ const: name })),
    description: 'How the integration shows the service who it is.',
    default: 'none',
  };
  if (isObject(auth) && Object.keys(properties(auth)).length > 0) {
    all.auth_config = { ...credential(auth, way, document.auth_config), title: 'Credential' };
  } else {
    delete all.auth_config;
  }
  if (asked) {
    // What has no value here each connection gives for itself, so nothing is needed that was not there.
    const stored = isObject(document.inputs) ? document.inputs : {};
    const { inputs } = asked.ways.find(({ id }) => id === document.auth) ?? asked.ways[0] ?? asked;
    const needed = ((inputs.required ?? []) as string[]).filter((name) => name in stored);
    all.inputs = { ...neededFirst(inputs), required: needed, title: 'Inputs' };
    all.auth = { type: 'string', title: 'Way to authenticate', oneOf: asked.ways.map(({ id, title }) => ({ const: id, title })) };
  }
  const required = withConnector ? [] : ((own.required ?? []) as string[]);
  const begins = withConnector ? ['integration_id', 'name', 'description', 'inputs', ...(asked && asked.ways.length > 1 ? ['auth'] : [])] : [...FIRST, ...secretsOf(own), ...required];
  const wanted = new Set([...begins, ...Object.keys(document), ...shown]);
  const names = Object.keys(all).filter((key) => !APART.has(key));
  const drawn = names.filter((key) => wanted.has(key)).sort((a, b) => place(a) - place(b));
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(drawn.map((key) => [key, all[key]!])),
      required: ['integration_id', ...required],
    },
    removable: drawn.filter((key) => !begins.includes(key)),
    more: names.filter((key) => !wanted.has(key)).sort(),
  };
}

function properties(schema: Schema): Record<string, Schema | boolean> {
  return (schema.properties ?? {}) as Record<string, Schema | boolean>;
}

/** Secrets of a type itself, such as the token of a driver: without them calls are refused, so they are asked for at once. */
function secretsOf(own: Schema): string[] {
  const isSecret = (one: unknown): boolean =>
    isObject(one) && (one.writeOnly === true || ((one.anyOf ?? one.oneOf ?? []) as unknown[]).some(isSecret));
  return Object.entries(properties(own)).flatMap(([key, one]) => (isSecret(one) ? [key] : []));
}

function place(key: string): number {
  const found = FIRST.indexOf(key);
  return found === -1 ? FIRST.length : found;
}
