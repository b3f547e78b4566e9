// Which integrations a search and a type leave.

interface Named {
  integration_id?: string;
  name?: string;
  description?: string;
  type?: string;
}

/** Those that have every word of `text` somewhere, and are of `type` if one is given. */
export function found<T extends Named>(all: T[], text: string, type: string): T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((one) => {
    const said = [one.integration_id, one.name, one.description, one.type].join(' ').toLowerCase();
    return (type === '' || one.type === type) && words.every((word) => said.includes(word));
  });
}
