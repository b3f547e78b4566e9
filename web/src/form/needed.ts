// Inputs that have to be given come before those that may be.
import type { Data } from './SchemaForm';

/** The same inputs, in that order; otherwise they stay as the manifest has them. */
export function neededFirst(inputs: Data): Data {
  const { properties = {}, required = [], 'x-order': order } = inputs as { properties?: Data; required?: string[]; 'x-order'?: string[] };
  const names = order ?? Object.keys(properties);
  const sorted = [...names.filter((name) => required.includes(name)), ...names.filter((name) => !required.includes(name))];
  return { ...inputs, 'x-order': sorted };
}
