// Fields whose text is no value yet, by the ids of their inputs.

export type Unread = Set<string>;

/** Leads to the first of them; whether there is none. */
export function allRead(unread: Unread): boolean {
  const [first] = unread;
  if (first !== undefined) {
    document.getElementById(first)?.focus();
  }
  return first === undefined;
}
