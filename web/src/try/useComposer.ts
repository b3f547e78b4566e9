// A request that is written in a form or as JSON: two views of one thing.
import { isExact } from '../exact';
import { parsed } from './json';
import { useDraft } from './draft';
import type { Shape, Written } from './forms/shape';

export type View = 'form' | 'json';

interface Draft<F> {
  view: View;
  fields: F;
  /** The JSON as it was typed, where the form has no place for it or it is what one looks at. */
  text: string;
  /** Whether the form shows all that the JSON says. */
  fits: boolean;
}

export interface Composer<F> extends Written {
  view: View;
  look: (view: View) => void;
  fields: F;
  change: (part: Partial<F>) => void;
  type: (text: string) => void;
  fits: boolean;
}

/** What was typed is kept under `name`. */
export function useComposer<F extends object>(name: string, shape: Shape<F>): Composer<F> {
  const [draft, setDraft] = useDraft<Draft<F>>(name, { view: 'form', fields: shape.begin, text: '', fits: true });
  // Fields that a later version of the page has got.
  const fields = { ...shape.begin, ...draft.fields };
  const form = shape.write(fields);
  const shown = draft.view === 'json' || !draft.fits ? { text: draft.text, wrong: wrongOf(draft.text) } : form;
  return {
    ...shown,
    view: draft.view,
    fits: draft.fits,
    fields,
    look: (view) => setDraft((now) => ({ ...now, view, text: now.view === 'form' && now.fits ? form.text : now.text })),
    change: (part) => setDraft((now) => ({ ...now, fits: true, fields: { ...shape.begin, ...now.fields, ...part } })),
    type: (text) =>
      setDraft((now) => {
        const request = parsed(text);
        const read = request && isExact(text) ? shape.read(request) : undefined;
        return { ...now, text, fits: read !== undefined, fields: read ?? now.fields };
      }),
  };
}

function wrongOf(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? '' : 'a request is an object: { … }';
  } catch (error) {
    return `not JSON yet: ${(error as Error).message}`;
  }
}
