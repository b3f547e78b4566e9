// Fields whose text is no value yet, or a wrong one, by the ids of their inputs.
import type { Folding } from './Sections';

export type Unread = Set<string>;

/** What a form tells its fields. */
export interface FormContext {
  folding?: Folding | undefined;
  unread?: Unread | undefined;
  /** How deep the headings around it are, where it stands in another form. */
  depth?: number | undefined;
}

/** Leads to the first of them; whether there is none. */
export function allRead(unread: Unread): boolean {
  const [first] = unread;
  if (first !== undefined) {
    document.getElementById(first)?.focus();
  }
  return first === undefined;
}
