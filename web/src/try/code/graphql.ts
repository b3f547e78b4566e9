// GraphQL for the editor, and what operations a document has.
import type { Extension } from '@codemirror/state';
import { graphql } from 'cm6-graphql';
import { buildSchema, Kind, type OperationTypeNode, parse } from 'graphql';

/** Completion and checks by a schema, where one is known. */
export function extension(sdl: string | undefined): Extension {
  if (!sdl) {
    return graphql(undefined, { showErrorOnInvalidSchema: false });
  }
  try {
    return graphql(buildSchema(sdl, { assumeValid: true, assumeValidSDL: true }), { showErrorOnInvalidSchema: false });
  } catch {
    return graphql(undefined, { showErrorOnInvalidSchema: false });
  }
}

export interface Operation {
  /** Empty where it has none. */
  name: string;
  kind: `${OperationTypeNode}`;
}

/** The operations of a document, or nothing while it cannot be read. */
export function operations(document: string): Operation[] | undefined {
  try {
    return parse(document, { noLocation: true }).definitions.flatMap((one) =>
      one.kind === Kind.OPERATION_DEFINITION ? [{ name: one.name?.value ?? '', kind: one.operation }] : [],
    );
  } catch {
    return undefined;
  }
}
