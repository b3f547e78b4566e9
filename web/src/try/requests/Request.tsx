// A request from its form to its reply: written in fields or as JSON, sent or listened by, and what comes of it.
import type { ReactNode } from 'react';
import type { Event } from '../../api/sse';
import { Composed } from '../Composed';
import { Sender } from '../Sender';
import type { Composer } from '../useComposer';
import type { RequestProps } from './props';
import { RequestForm } from './RequestForm';

interface Props<F> extends Pick<RequestProps, 'base' | 'type'> {
  composer: Composer<F>;
  /** Whether it is sent once, or what comes by it is listened to. */
  kind?: 'call' | 'stream';
  /** What is sent, where that is not what the composer says. */
  body?: string;
  /** What else keeps it from being sent. */
  wrong?: string;
  sendLabel?: string;
  show?: (text: string) => ReactNode;
  showEvent?: (event: Event) => ReactNode;
  /** Beside the choice of how it is written. */
  beside?: ReactNode;
  /** The fields. */
  children: ReactNode;
}

export function Request<F extends { others: Record<string, unknown> }>({ base, type, composer, kind = 'call', body, wrong = '', beside, children, ...shown }: Props<F>) {
  return (
    <Sender asked={{ ...base, kind, body: body ?? composer.text }} type={type} wrong={composer.wrong || wrong} {...shown}>
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Composed composer={composer} others={composer.fields.others} beside={beside}>
            {children}
          </Composed>
        </RequestForm>
      )}
    </Sender>
  );
}
