// Messages of a queue: one is published, some are taken, or they are listened to; and each is said to be dealt with.
import Box from '@mui/material/Box';
import FormControlLabel from '@mui/material/FormControlLabel';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import TextField from '@mui/material/TextField';
import type { ReactNode } from 'react';
import { Choice } from '../Choice';
import { Composed } from '../Composed';
import { Content } from '../Content';
import { useDraft } from '../draft';
import type { Event } from '../../api/sse';
import { heard, published, pulled } from '../forms/message';
import { parsed } from '../json';
import { isObject } from '../../objects';
import { Message, type MessageOf } from '../Message';
import { Rows } from '../Rows';
import { Sender } from '../Sender';
import { useComposer } from '../useComposer';
import { useSettle } from '../useSettle';
import type { RequestProps } from './props';
import { RequestForm } from './RequestForm';

type Doing = 'publish' | 'pull' | 'listen';

const DOINGS = [
  ['publish', 'Publish'],
  ['pull', 'Pull'],
  ['listen', 'Listen'],
] as const;

/** All three are there all the time: one publishes while one listens. */
export function QueueRequest(props: RequestProps) {
  const [doing, setDoing] = useDraft<Doing>(`${props.base.id}.queue.doing`, 'publish');
  const choice = <Choice label="What to do" options={DOINGS} value={doing} onChange={setDoing} />;
  return (
    <div>
      <div hidden={doing !== 'publish'}>
        <Publish {...props} beside={choice} />
      </div>
      <div hidden={doing !== 'pull'}>
        <Pull {...props} beside={choice} />
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

function Queue({ value, onChange }: { value: string; onChange: (queue: string) => void }) {
  return (
    <TextField
      label="Queue"
      value={value}
      onChange={(event) => onChange(event.target.value)}
      helperText="or topic, subject, stream"
      slotProps={{ htmlInput: { spellCheck: false, autoCapitalize: 'off' } }}
    />
  );
}

const FIELDS = { display: 'grid', gap: 1.5, gridTemplateColumns: { xs: '1fr', sm: 'repeat(auto-fit, minmax(150px, 1fr))' } };

function Publish({ base, type, beside }: Props) {
  const composer = useComposer(`${base.id}.queue.publish`, published);
  const { fields, change } = composer;
  return (
    <Sender asked={{ ...base, kind: 'call', body: composer.text }} type={type} wrong={composer.wrong} sendLabel={fields.wait ? 'Ask' : 'Publish'}>
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Composed composer={composer} others={fields.others} beside={beside}>
            <Queue value={fields.queue} onChange={(queue) => change({ queue })} />
            <Content fields={fields} change={change} />
            <Rows what="header" rows={fields.headers} onChange={(headers) => change({ headers })} />
            <FormControlLabel
              control={<Switch size="small" checked={fields.wait} onChange={(_, wait) => change({ wait })} />}
              label="Wait for the answer of whoever deals with it"
            />
          </Composed>
        </RequestForm>
      )}
    </Sender>
  );
}

function Pull({ base, type, beside }: Props) {
  const composer = useComposer(`${base.id}.queue.pull`, pulled);
  const { fields, change } = composer;
  const settle = useSettle(base);
  const show = (text: string) => {
    const messages = parsed(text)?.messages;
    return (
      Array.isArray(messages) && (
        <Stack spacing={1}>
          {messages.length === 0 && <span>No message was there.</span>}
          {(messages as MessageOf[]).map((message, at) => (
            <Message key={String(message.token ?? at)} message={message} settle={settle} />
          ))}
        </Stack>
      )
    );
  };
  return (
    <Sender asked={{ ...base, kind: 'call', body: composer.text }} type={type} wrong={composer.wrong} show={show} sendLabel="Pull">
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Composed composer={composer} others={fields.others} beside={beside}>
            <Box sx={FIELDS}>
              <Queue value={fields.queue} onChange={(queue) => change({ queue })} />
              <TextField label="At most" value={fields.max} onChange={(event) => change({ max: event.target.value })} helperText="messages" />
              <TextField label="Wait" value={fields.wait} onChange={(event) => change({ wait: event.target.value })} helperText="such as 2s" />
              <TextField label="Group" value={fields.group} onChange={(event) => change({ group: event.target.value })} helperText="not of RabbitMQ" />
            </Box>
            <Auto auto={fields.auto} onChange={(auto) => change({ auto })} />
          </Composed>
        </RequestForm>
      )}
    </Sender>
  );
}

function Listen({ base, type, beside }: Props) {
  const composer = useComposer(`${base.id}.queue.listen`, heard);
  const { fields, change } = composer;
  const settle = useSettle(base);
  const showEvent = ({ name, data }: Event) => {
    const message = name === 'message' ? parsed(data) : undefined;
    return isObject(message) && 'token' in message ? <Message message={message as MessageOf} settle={settle} bare /> : null;
  };
  return (
    <Sender asked={{ ...base, kind: 'stream', body: composer.text }} type={type} wrong={composer.wrong} showEvent={showEvent}>
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Composed composer={composer} others={fields.others} beside={beside}>
            <Box sx={FIELDS}>
              <Queue value={fields.queue} onChange={(queue) => change({ queue })} />
              <TextField label="Group" value={fields.group} onChange={(event) => change({ group: event.target.value })} helperText="who shares the messages" />
              <TextField label="From" value={fields.from} onChange={(event) => change({ from: event.target.value })} helperText="earliest, latest, a time, an offset" />
            </Box>
            <Auto auto={fields.auto} onChange={(auto) => change({ auto })} />
          </Composed>
        </RequestForm>
      )}
    </Sender>
  );
}

function Auto({ auto, onChange }: { auto: boolean; onChange: (auto: boolean) => void }) {
  return (
    <FormControlLabel
      control={<Switch size="small" checked={auto} onChange={(_, checked) => onChange(checked)} />}
      label="Acknowledge by itself: what is taken does not come again"
    />
  );
}
