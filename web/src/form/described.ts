// What a field is described by: what is wrong with it, and what it is for, for those who do not see what stands below it.
import { descriptionId, errorId, type RJSFSchema } from '@rjsf/utils';

/** The ids of what stands below the field `id`; nothing where nothing does. */
export function describedBy(id: string, { description }: RJSFSchema, errors: unknown[] = []): string | undefined {
  const ids = [...(errors.length > 0 ? [errorId(id)] : []), ...(description ? [descriptionId(id)] : [])];
  return ids.length > 0 ? ids.join(' ') : undefined;
}
