// A message over a WebSocket, and what the service sends by itself.
import FormControlLabel from '@mui/material/FormControlLabel';
import Switch from '@mui/material/Switch';
import TextField from '@mui/material/TextField';
import { Content } from '../Content';
import { listened, said } from '../forms/message';
import { useComposer } from '../useComposer';
import { type DoingProps, Doings } from './Doings';
import { namesOf, type RequestProps } from './props';
import { Request } from './Request';

export function WebSocketRequest(props: RequestProps) {
  return <Doings {...props} name="websocket" doings={DOINGS} />;
}

const DOINGS = [
  ['send', 'Send', Say],
  ['listen', 'Listen', Listen],
] as const;

function Say({ document: _, ...props }: DoingProps) {
  const composer = useComposer(`${props.base.id}.websocket.send`, said);
  const { fields, change } = composer;
  return (
    <Request {...props} composer={composer}>
      <Content fields={fields} change={change} />
      <FormControlLabel
        control={<Switch size="small" checked={fields.wait} onChange={(_, wait) => change({ wait })} />}
        label="Wait for the reply"
      />
    </Request>
  );
}

function Listen({ document, ...props }: DoingProps) {
  const composer = useComposer(`${props.base.id}.websocket.listen`, listened);
  const { fields, change } = composer;
  const names = namesOf(document, 'streams');
  return (
    <Request {...props} composer={composer} kind="stream">
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
    </Request>
  );
}
