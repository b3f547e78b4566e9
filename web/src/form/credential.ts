// In which order a credential is asked for, and what of it most people leave alone.
import { neededFirst } from './needed';

type Schema = Record<string, unknown>;

/** What comes first, where that is not what is needed. */
const FIRST: Record<string, string[]> = {
  api_key: ['key', 'header', 'query', 'cookie', 'format'],
  basic: ['username', 'password'],
  oauth2: ['grant_type', 'client_id', 'client_secret', 'token_url', 'authorization_url', 'scope'],
};

/** What a grant of `oauth2` has of its own, and what of the others it has no use for. */
const GRANTS: Record<string, { own?: string; without?: string[] }> = {
  client_credentials: { without: ['authorization_url'] },
  authorization_code: {},
  device_code: { own: 'device_authorization_url', without: ['authorization_url'] },
  refresh_token: { own: 'refresh_token', without: ['authorization_url'] },
  jwt_bearer: { own: 'assertion', without: ['authorization_url'] },
};

/**
 * The schema of a credential of the kind `name`, in order, for what stands in it now.
 *
 * `x-first` names what is shown at once where the rest is folded.
 */
export function credential(schema: Schema, name: string, now: unknown): Schema {
  const properties = (schema.properties ?? {}) as Schema;
  const known = (keys: string[]) => keys.filter((key) => key in properties);
  const order = FIRST[name];
  if (!order) {
    return neededFirst(schema);
  }
  if (name !== 'oauth2') {
    return { ...schema, 'x-order': known(order) };
  }
  const grant = String((now as Schema | null | undefined)?.grant_type ?? 'client_credentials');
  const { own, without = [] } = GRANTS[grant] ?? {};
  const first = known([...order.filter((key) => !without.includes(key)), ...(own ? [own] : [])]);
  return { ...schema, 'x-order': first, 'x-first': first };
}
