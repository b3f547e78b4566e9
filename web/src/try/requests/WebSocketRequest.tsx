// A message over a WebSocket, and what the service sends by itself.
import FormControlLabel from '@mui/material/FormControlLabel';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import TextField from '@mui/material/TextField';
import type { ReactNode } from 'react';
import { Choice } from '../Choice';
import { Composed } from '../Composed';
import { Content } from '../Content';
import { useDraft } from '../draft';
import { listened, said } from '../forms/message';
import { Sender } from '../Sender';
import { useComposer } from '../useComposer';
import { namesOf, type RequestProps } from './props';
import { RequestForm } from './RequestForm';

const DOINGS = [
  ['send', 'Send'],
  ['listen', 'Listen'],
] as const;

/** Both are there all the time: one sends while one listens. */
export function WebSocketRequest(props: RequestProps) {
  const [doing, setDoing] = useDraft<'send' | 'listen'>(`${props.base.id}.websocket.doing`, 'send');
  const choice = <Choice label="What to do" options={DOINGS} value={doing} onChange={setDoing} />;
  return (
    <div>
      <div hidden={doing !== 'send'}>
        <Say {...props} beside={choice} />
      </div>
      <div hidden={doing !== 'listen'}>
        <Listen {...props} beside={choice} />
      </div>
    </div>
  );
}

interface Props extends RequestProps {
  beside: ReactNode;
}

function Say({ base, type, beside }: Props) {
  const composer = useComposer(`${base.id}.websocket.send`, said);
  const { fields, change } = composer;
  return (
    <Sender asked={{ ...base, kind: 'call', body: composer.text }} type={type} wrong={composer.wrong}>
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Composed composer={composer} others={fields.others} beside={beside}>
            <Content fields={fields} change={change} />
            <FormControlLabel
              control={<Switch size="small" checked={fields.wait} onChange={(_, wait) => change({ wait })} />}
              label="Wait for the reply"
            />
          </Composed>
        </RequestForm>
      )}
    </Sender>
  );
}

function Listen({ base, type, document, beside }: Props) {
  const composer = useComposer(`${base.id}.websocket.listen`, listened);
  const { fields, change } = composer;
  const names = namesOf(document, 'streams');
  return (
    <Sender asked={{ ...base, kind: 'stream', body: composer.text }} type={type} wrong={composer.wrong}>
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Composed composer={composer} others={fields.others} beside={beside}>
            <Stack>
              <TextField
                select
                label="Stream"
                value={fields.stream}
                onChange={(event) => change({ stream: event.target.value })}
                helperText={names.length === 0 ? 'The configuration names none under streams: all messages come' : ' '}
                slotProps={{ select: { native: true }, inputLabel: { shrink: true } }}
                sx={{ maxWidth: 420 }}
              >
                <option value="">all messages</option>
                {names.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </TextField>
            </Stack>
          </Composed>
        </RequestForm>
      )}
    </Sender>
  );
}
