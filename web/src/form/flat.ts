// What is wrong anywhere in a value that has no field of its own for each part.

/** Errors as the form library has them, at their places. */
export type Flat = { __errors?: string[] } & { [key: string]: Flat | string[] | undefined };

/** Each with its place before it. */
export function flat(errors: Flat | undefined, place = ''): string[] {
  return Object.entries(errors ?? {}).flatMap(([key, inner]) =>
    key === '__errors'
      ? (inner as string[]).map((message) => (place ? `${place}: ${message}` : message))
      : flat(inner as Flat, place ? `${place}.${key}` : key),
  );
}
