// Under which heading a setting stands in the form.

/** In this order. What has no place of its own is about requests. */
export const SECTIONS = ['General', 'Authentication', 'Request', 'Reliability', 'Advanced'] as const;

export type Section = (typeof SECTIONS)[number];

const PLACES: Record<string, Section> = {};

for (const [section, keys] of [
  ['General', ['integration_id', 'name', 'description', 'base_url']],
  ['Authentication', ['auth_type', 'auth_config', 'auth', 'driver_token', 'inputs']],
  ['Reliability', ['attempt_timeout', 'breaker', 'cache_config', 'concurrency', 'rate_limit', 'retry_config', 'timeout', 'timeouts']],
  ['Advanced', ['error_codes', 'errors', 'expired_when', 'limits', 'max_bytes', 'metadata', 'pooler', 'proxy', 'tls', 'webhooks']],
] as const) {
  for (const key of keys) {
    PLACES[key] = section;
  }
}

export function sectionOf(key: string): Section {
  return PLACES[key] ?? 'Request';
}
