// One text or a list of them, and the text that one writes for it.

/** What stands for a value in a field, with `apart` between several. */
export function worded(value: unknown, apart: string): string {
  const all = Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
  return all.map(String).join(apart);
}

/** What is meant by a text: nothing, one, or several. */
export function listed(text: string, apart: string): string | string[] | undefined {
  const words = text
    .split(apart)
    .map((word) => word.trim())
    .filter(Boolean);
  return words.length > 1 ? words : words[0];
}
