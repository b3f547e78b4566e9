// Messages: one to send over a WebSocket or to a queue, and what is taken from a queue or listened to, in fields.
import { objectOf, written } from '../json';
import { read as rowsOf, type Row, written as fromRows } from './rows';
import { checked, given, members, type Others, type Shape } from './shape';

export type Form = 'message' | 'text' | 'base64';

interface Content {
  form: Form;
  /** JSON, a text or base64, each as it was typed. */
  message: string;
  text: string;
  base64: string;
}

const content: Content = { form: 'message', message: '{\n  "hello": "world"\n}', text: '', base64: '' };

function bodyOf({ form, message, text, base64 }: Content): [string, string | undefined] {
  return form === 'message' ? [form, message.trim() === '' ? 'null' : message] : [form, JSON.stringify(form === 'text' ? text : base64)];
}

function wrong({ form, message }: Content): string {
  return form === 'message' ? checked(message, 'message') || (message.trim() === '' ? 'message: write JSON' : '') : '';
}

/** The one of the three that is there. */
function contentOf(request: Record<string, unknown>): Content | undefined {
  const { message, text, base64 } = request;
  const there = (['message', 'text', 'base64'] as const).filter((form) => form in request);
  if (there.length !== 1 || (text !== undefined && typeof text !== 'string') || (base64 !== undefined && typeof base64 !== 'string')) {
    return undefined;
  }
  return { form: there[0]!, message: 'message' in request ? written(message) : '', text: text ?? '', base64: base64 ?? '' };
}

export interface Said extends Content {
  wait: boolean;
  others: Others;
}

/** A message over a WebSocket. */
export const said: Shape<Said> = {
  begin: { ...content, wait: true, others: {} },
  write: (fields) => ({
    text: objectOf([bodyOf(fields), ['wait_response', fields.wait ? undefined : 'false'], ...members(fields.others)]),
    wrong: wrong(fields),
  }),
  read(request) {
    const { message: _, text: __, base64: ___, wait_response: wait = true, ...others } = request;
    const body = contentOf(request);
    return body && typeof wait === 'boolean' ? { ...body, wait, others } : undefined;
  },
};

export interface Published extends Content {
  queue: string;
  headers: Row[];
  /** Whether the answer of whoever deals with it is waited for. */
  wait: boolean;
  others: Others;
}

export const published: Shape<Published> = {
  begin: { ...content, queue: '', headers: [], wait: false, others: {} },
  write: (fields) => ({
    text: objectOf([
      ['queue', given(fields.queue)],
      bodyOf(fields),
      ['headers', fromRows(fields.headers)],
      ['wait_response', fields.wait ? 'true' : undefined],
      ...members(fields.others),
    ]),
    wrong: wrong(fields) || (fields.queue === '' && !('exchange' in fields.others) ? 'queue: name one' : ''),
  }),
  read(request) {
    const { message: _, text: __, base64: ___, headers, wait_response: wait = false, ...rest } = request;
    const { queue, others } = source(rest);
    const [body, rows] = [contentOf(request), rowsOf(headers)];
    return body && rows && queue !== undefined && typeof wait === 'boolean' ? { ...body, queue, headers: rows, wait, others } : undefined;
  },
};

export interface Pulled {
  queue: string;
  max: string;
  wait: string;
  group: string;
  auto: boolean;
  others: Others;
}

export const pulled: Shape<Pulled> = {
  begin: { queue: '', max: '10', wait: '2s', group: '', auto: false, others: {} },
  write: ({ queue, max, wait, group, auto, others }) => ({
    text: objectOf([
      ['queue', given(queue)],
      [
        'receive',
        objectOf([
          ['max', /^\d+$/.test(max) ? max : undefined],
          ['wait', given(wait)],
          ['group', given(group)],
          ['ack', auto ? '"auto"' : undefined],
        ]),
      ],
      ...members(others),
    ]),
    wrong: queue === '' ? 'queue: name one' : '',
  }),
  read(request) {
    const { receive, ...rest } = request;
    const { queue, others } = source(rest);
    const { max = '', wait = '', group = '', ack, ...more } = (receive ?? {}) as Record<string, unknown>;
    const texts = [max, wait, group].every((one) => typeof one === 'string' || typeof one === 'number');
    if (queue === undefined || !receive || !texts || Object.keys(more).length > 0 || (ack !== undefined && ack !== 'auto')) {
      return undefined;
    }
    return { queue, max: String(max), wait: String(wait), group: String(group), auto: ack === 'auto', others };
  },
};

export interface Heard {
  queue: string;
  group: string;
  from: string;
  auto: boolean;
  others: Others;
}

/** What is listened to of a queue. */
export const heard: Shape<Heard> = {
  begin: { queue: '', group: '', from: '', auto: true, others: {} },
  write: ({ queue, group, from, auto, others }) => ({
    text: objectOf([
      ['queue', given(queue)],
      ['group', given(group)],
      ['from', /^\d+$/.test(from) ? from : given(from)],
      ['ack', auto ? '"auto"' : undefined],
      ...members(others),
    ]),
    wrong: queue === '' ? 'queue: name one' : '',
  }),
  read(request) {
    const { group = '', from = '', ack, ...rest } = request;
    const { queue, others } = source(rest);
    const texts = [group, from].every((one) => typeof one === 'string' || typeof one === 'number');
    if (queue === undefined || !texts || (ack !== undefined && ack !== 'auto')) {
      return undefined;
    }
    return { queue, group: String(group), from: String(from), auto: ack === 'auto', others };
  },
};

export interface Listened {
  stream: string;
  others: Others;
}

/** What is listened to of a WebSocket: a stream that the integration names, or all. */
export const listened: Shape<Listened> = {
  begin: { stream: '', others: {} },
  write: ({ stream, others }) => ({ text: objectOf([['stream', given(stream)], ...members(others)]), wrong: '' }),
  read: ({ stream = '', ...others }) => (typeof stream === 'string' ? { stream, others } : undefined),
};

/** The queue by whichever of its names. */
function source(request: Record<string, unknown>): { queue: string | undefined; others: Others } {
  const others = { ...request };
  let queue: unknown = '';
  for (const name of ['queue', 'topic', 'subject', 'stream']) {
    if (name in others) {
      queue = others[name];
      delete others[name];
    }
  }
  return { queue: typeof queue === 'string' ? queue : undefined, others };
}
