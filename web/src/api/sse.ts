// Reads server-sent events (WHATWG HTML, section 9.2) from text that comes in pieces.

export interface Event {
  /** `message` unless the server gave it a name. */
  name: string;
  id: string;
  data: string;
}

/** A reader that is given text piece by piece and gives the events that have come to their end. */
export function reader(): (piece: string) => Event[] {
  let rest = '';
  let id = '';
  let name = '';
  let data: string[] = [];
  return (piece) => {
    // A piece that ends between CR and LF is read with the next one.
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    const events: Event[] = [];
    for (const line of lines) {
      if (line === '') {
        // Browsers pass over what has a name and no data. Here it is an event: some streams end so.
        if (data.length > 0 || name !== '') {
          events.push({ name: name || 'message', id, data: data.join('\n') });
        }
        [name, data] = ['', []];
        continue;
      }
      const colon = line.indexOf(':');
      const [field, value] = colon < 0 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, '')];
      if (field === 'data') {
        data.push(value);
      } else if (field === 'event') {
        name = value;
      } else if (field === 'id' && !value.includes('\0')) {
        id = value;
      }
    }
    return events;
  };
}
