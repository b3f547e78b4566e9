// What each request editor is given.
import type { Asked } from '../copy/asked';

export interface RequestProps {
  /** Of the integration, the connection and the server. */
  base: Omit<Asked, 'kind' | 'body'>;
  type: string;
  /** The integration as it is configured. */
  document: Record<string, unknown>;
}

/** Names of what the configuration has under `key`, such as its queries. */
export function namesOf(document: Record<string, unknown>, key: string): string[] {
  const value = document[key];
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
}
