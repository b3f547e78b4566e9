// A statement of SQL with its parameters, or a document of GraphQL with its variables, in fields.
import { objectOf, written } from '../json';
import { checked, given, members, type Others, type Shape, typed } from './shape';

export interface Sql {
  /** A statement of the configuration in the place of one that is typed; none if empty. */
  name: string;
  query: string;
  params: string;
  readOnly: boolean;
  others: Others;
}

export const sql: Shape<Sql> = {
  begin: { name: '', query: 'SELECT 1 AS one', params: '', readOnly: false, others: {} },
  write({ name, query, params, readOnly, others }) {
    return {
      text: objectOf([
        ['name', given(name)],
        ['query', name ? undefined : JSON.stringify(query)],
        ['params', typed(params)],
        ['read_only', readOnly ? 'true' : undefined],
        ...members(others),
      ]),
      wrong: checked(params, 'parameters') || (name === '' && query.trim() === '' ? 'statement: write one' : ''),
    };
  },
  read({ name, query, params, read_only: readOnly = false, ...others }) {
    // Batches and transactions have no form.
    if (!isText(name) || !isText(query) || typeof readOnly !== 'boolean' || (name === undefined) === (query === undefined)) {
      return undefined;
    }
    return { name: name ?? '', query: query ?? '', params: params === undefined ? '' : written(params), readOnly, others };
  },
};

export interface GraphQl {
  name: string;
  query: string;
  variables: string;
  operation: string;
  others: Others;
}

export const graphQl: Shape<GraphQl> = {
  begin: { name: '', query: 'query {\n  __typename\n}', variables: '', operation: '', others: {} },
  write({ name, query, variables, operation, others }) {
    return {
      text: objectOf([
        ['name', given(name)],
        ['query', name ? undefined : JSON.stringify(query)],
        ['variables', typed(variables)],
        ['operation_name', given(operation)],
        ...members(others),
      ]),
      wrong: checked(variables, 'variables') || (name === '' && query.trim() === '' ? 'document: write one' : ''),
    };
  },
  read({ name, query, variables, operation_name: operation, ...others }) {
    if (!isText(name) || !isText(query) || !isText(operation) || (name === undefined) === (query === undefined)) {
      return undefined;
    }
    return {
      name: name ?? '',
      query: query ?? '',
      variables: variables === undefined ? '' : written(variables),
      operation: operation ?? '',
      others,
    };
  },
};

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}
