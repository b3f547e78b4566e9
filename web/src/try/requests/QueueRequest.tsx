// Messages of a queue: one is published, some are taken, or they are listened to; and each is said to be dealt with.
import Box from '@mui/material/Box';
import FormControlLabel from '@mui/material/FormControlLabel';
import Stack from '@mui/material/Stack';
import Switch from '@mui/material/Switch';
import TextField from '@mui/material/TextField';
import type { Event } from '../../api/sse';
import { isObject } from '../../objects';
import { Content } from '../Content';
import { heard, published, pulled } from '../forms/message';
import { parsed } from '../json';
import { Message, type MessageOf } from '../Message';
import { Rows } from '../Rows';
import { useComposer } from '../useComposer';
import { useSettle } from '../useSettle';
import { type DoingProps, Doings } from './Doings';
import type { RequestProps } from './props';
import { Request } from './Request';

export function QueueRequest(props: RequestProps) {
  return <Doings {...props} name="queue" doings={DOINGS} />;
}

const DOINGS = [
  ['publish', 'Publish', Publish],
  ['pull', 'Pull', Pull],
  ['listen', 'Listen', Listen],
] as const;

function Publish(props: DoingProps) {
  const composer = useComposer(`${props.base.id}.queue.publish`, published);
  const { fields, change } = composer;
  return (
    <Request {...props} composer={composer} sendLabel={fields.wait ? 'Ask' : 'Publish'}>
      <Queue value={fields.queue} onChange={(queue) => change({ queue })} />
      <Content fields={fields} change={change} />
      <Rows what="header" rows={fields.headers} onChange={(headers) => change({ headers })} />
      <FormControlLabel
        control={<Switch size="small" checked={fields.wait} onChange={(_, wait) => change({ wait })} />}
        label="Wait for the answer of whoever deals with it"
      />
    </Request>
  );
}

function Pull(props: DoingProps) {
  const composer = useComposer(`${props.base.id}.queue.pull`, pulled);
  const { fields, change } = composer;
  const settle = useSettle(props.base);
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
    <Request {...props} composer={composer} show={show} sendLabel="Pull">
      <Box sx={FIELDS}>
        <Queue value={fields.queue} onChange={(queue) => change({ queue })} />
        <TextField label="At most" value={fields.max} onChange={(event) => change({ max: event.target.value })} helperText="messages" />
        <TextField label="Wait" value={fields.wait} onChange={(event) => change({ wait: event.target.value })} helperText="such as 2s" />
        <TextField label="Group" value={fields.group} onChange={(event) => change({ group: event.target.value })} helperText="not of RabbitMQ" />
      </Box>
      <Auto auto={fields.auto} onChange={(auto) => change({ auto })} />
    </Request>
  );
}

function Listen(props: DoingProps) {
  const composer = useComposer(`${props.base.id}.queue.listen`, heard);
  const { fields, change } = composer;
  const settle = useSettle(props.base);
  const showEvent = ({ name, data }: Event) => {
    const message = name === 'message' ? parsed(data) : undefined;
    return isObject(message) && 'token' in message ? <Message message={message as MessageOf} settle={settle} bare /> : null;
  };
  return (
    <Request {...props} composer={composer} kind="stream" showEvent={showEvent}>
      <Box sx={FIELDS}>
        <Queue value={fields.queue} onChange={(queue) => change({ queue })} />
        <TextField label="Group" value={fields.group} onChange={(event) => change({ group: event.target.value })} helperText="who shares the messages" />
        <TextField label="From" value={fields.from} onChange={(event) => change({ from: event.target.value })} helperText="earliest, latest, a time, an offset" />
      </Box>
      <Auto auto={fields.auto} onChange={(auto) => change({ auto })} />
    </Request>
  );
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

function Auto({ auto, onChange }: { auto: boolean; onChange: (auto: boolean) => void }) {
  return (
    <FormControlLabel
      control={<Switch size="small" checked={auto} onChange={(_, checked) => onChange(checked)} />}
      label="Acknowledge by itself: what is taken does not come again"
    />
  );
}
