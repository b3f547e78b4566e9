// A request to a REST API, in fields.
import { objectOf, written } from '../json';
import { counted, read as rowsOf, type Row, written as fromRows } from './rows';
import { checked, members, type Others, type Shape } from './shape';

export type Kind = 'none' | 'json' | 'text' | 'form';

export interface Rest {
  method: string;
  endpoint: string;
  params: Row[];
  headers: Row[];
  kind: Kind;
  /** Each kind of body has its own text, so that looking at another loses nothing. */
  json: string;
  text: string;
  form: Row[];
  others: Others;
}

export const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'];

export const rest: Shape<Rest> = {
  begin: { method: 'GET', endpoint: '/', params: [], headers: [], kind: 'none', json: '', text: '', form: [], others: {} },
  write({ method, endpoint, params, headers, kind, json, text, form, others }) {
    const wrong = kind === 'json' ? checked(json, 'body') || (json.trim() === '' ? 'body: write JSON, or choose no body' : '') : '';
    const twice = repeated(headers);
    return {
      text: objectOf([
        ['method', JSON.stringify(method)],
        ['endpoint', JSON.stringify(endpoint)],
        ['params', fromRows(params)],
        ['headers', fromRows(headers)],
        ['json', kind === 'json' ? json : undefined],
        ['data', kind === 'text' ? JSON.stringify(text) : kind === 'form' ? (fromRows(form) ?? '{}') : undefined],
        ...members(others),
      ]),
      wrong: wrong || (twice && `headers: ${twice} is there twice; write its values in one row, with commas`),
    };
  },
  read({ method = 'GET', endpoint = '', params, headers, json, data, ...others }) {
    const [query, heads] = [rowsOf(params), rowsOf(headers)];
    const form = typeof data === 'string' ? [] : rowsOf(data);
    if (typeof method !== 'string' || typeof endpoint !== 'string' || !query || !heads || !form) {
      return undefined;
    }
    if ((json !== undefined && data !== undefined) || repeated(heads)) {
      return undefined;
    }
    const kind: Kind = json !== undefined ? 'json' : typeof data === 'string' ? 'text' : data !== undefined ? 'form' : 'none';
    return {
      method: method.toUpperCase(),
      endpoint,
      params: query,
      headers: heads,
      kind,
      json: json === undefined ? '' : written(json),
      text: typeof data === 'string' ? data : '',
      form,
      others,
    };
  },
};

/** A name that counts more than once, whatever its case. */
function repeated(rows: Row[]): string {
  const names = counted(rows).map(({ name }) => name.trim().toLowerCase());
  return names.find((name, index) => names.indexOf(name) !== index) ?? '';
}
