// Answers that come piece by piece, read by fetch: EventSource could not show the token.
import { type Event, reader } from '../api/sse';

/** Hands over the events of an answer as they come, until it ends. */
export async function eachEvent(body: ReadableStream<Uint8Array>, take: (came: Event[]) => void): Promise<void> {
  const read = reader();
  await eachText(body, (piece) => {
    const came = read(piece);
    if (came.length > 0) {
      take(came);
    }
  });
}

/** Hands over the lines of an answer as they come, until it ends. */
export async function eachLine(body: ReadableStream<Uint8Array>, take: (lines: string[]) => void): Promise<void> {
  let left = '';
  await eachText(body, (piece) => {
    const lines = (left + piece).split('\n');
    left = lines.pop() ?? '';
    if (lines.length > 0) {
      take(lines.filter((line) => line !== ''));
    }
  });
  if (left !== '') {
    take([left]);
  }
}

async function eachText(body: ReadableStream<Uint8Array>, take: (piece: string) => void): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) {
      return;
    }
    take(decoder.decode(value, { stream: true }));
  }
}
