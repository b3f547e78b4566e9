// Takes over from a form what was edited in it, and leaves all else as it stands in the document.
import { same } from '../changes';
import { isObject } from '../objects';

/** Forms add nothing by themselves: what is not set stays unset, whatever the default is. */
export const AS_IT_IS = {
  emptyObjectFields: 'skipDefaults',
  arrayMinItems: { populate: 'never' },
  constAsDefaults: 'never',
} as const;

/**
 * The document after an edit. `shown` is what the form was given for it, `now` what the form says.
 *
 * Where both say the same, the document keeps its own words: a form shows a number of seconds as a text, for instance.
 */
export function edited(document: unknown, shown: unknown, now: unknown): unknown {
  if (same(shown, now)) {
    return document;
  }
  if (!isObject(document) || !isObject(shown) || !isObject(now)) {
    return now;
  }
  const keys = [...Object.keys(document), ...Object.keys(now).filter((key) => !(key in document))];
  const kept = keys.filter((key) => key in now || !(key in shown));
  return Object.fromEntries(
    kept.map((key) => [key, key in now ? edited(document[key], shown[key], now[key]) : document[key]]),
  );
}
