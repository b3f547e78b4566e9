// Which integrations a search and a type leave, and the state that one can look for.

interface Named {
  integration_id?: string;
  name?: string;
  description?: string;
  type?: string;
  connector?: string;
  vendor?: string;
}

interface Open {
  enabled?: boolean;
  error?: string;
}

/** Those that have every word of `text` somewhere, and are of `type` if one is given. */
export function found<T extends Named>(all: T[], text: string, type: string): T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((one) => {
    const said = [one.integration_id, one.name, one.description, one.type, one.connector, one.vendor].join(' ').toLowerCase();
    return (type === '' || one.type === type) && words.every((word) => said.includes(word));
  });
}

/** The states that one can look for, worst first. */
export const STATES = ['unhealthy', 'degraded', 'not open', 'unknown', 'healthy', 'off'];

/** How an integration is in one word, by which it is looked for; not known until its health is. */
export function stateOf({ enabled = true, error }: Open, health: string | undefined): string | undefined {
  return !enabled || health === 'disabled' ? 'off' : error ? 'not open' : health;
}
