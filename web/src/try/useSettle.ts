// Says to a broker what has become of messages.
import { useState } from 'react';
import type { Asked } from './copy/asked';
import { read } from './reply/read';
import { send } from './send';

export const WAYS = [
  ['ack', 'Acknowledge', 'acknowledged'],
  ['requeue', 'Put back', 'put back'],
  ['reject', 'Reject', 'rejected'],
  ['dead_letter', 'Put aside', 'put aside'],
] as const;

export type Way = (typeof WAYS)[number][0];

export interface Settle {
  /** By token, what was said, or why that failed. */
  done: Record<string, { way: Way; error?: string }>;
  settle: (token: string, way: Way) => void;
}

export function useSettle({ id, connection }: Pick<Asked, 'id' | 'connection'>): Settle {
  const [done, setDone] = useState<Settle['done']>({});
  const settle = async (token: string, way: Way) => {
    const set = (error?: string) => setDone((now) => ({ ...now, [token]: { way, ...(error ? { error } : {}) } }));
    set();
    try {
      const reply = await send(
        {
          path: `/api/v1/integrations/${encodeURIComponent(id)}/call`,
          body: JSON.stringify({ [way]: [token] }),
          headers: connection ? { 'Trunkline-Connection': connection } : {},
        },
        AbortSignal.timeout(60_000),
      );
      const { problem } = read(reply);
      set(reply.ok ? undefined : (problem?.detail ?? `the server answered ${reply.status}`));
    } catch {
      set('the server did not answer');
    }
  };
  return { done, settle: (token, way) => void settle(token, way) };
}
