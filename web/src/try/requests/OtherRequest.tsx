// A request of a type that has no editor of its own: a driver's, or one that a program brought along.
import { Code } from '../code/Code';
import { Composed } from '../Composed';
import { useDraft } from '../draft';
import type { Shape } from '../forms/shape';
import { written } from '../json';
import { isObject } from '../../objects';
import { SchemaForm } from '../../form/SchemaForm';
import { Sender } from '../Sender';
import { useComposer } from '../useComposer';
import { useSchema } from '../useSchema';
import type { RequestProps } from './props';
import { RequestForm } from './RequestForm';

const JSON_REQUEST = { name: 'json' } as const;

interface Any {
  request: Record<string, unknown>;
}

const any: Shape<Any> = {
  begin: { request: {} },
  write: ({ request }) => ({ text: written(request), wrong: '' }),
  read: (request) => ({ request }),
};

export function OtherRequest(props: RequestProps) {
  const { schema } = useSchema(props.base.id, props.base.connection, props.type === 'custom');
  return describes(schema) ? <Described {...props} schema={schema} /> : <Plain {...props} />;
}

/** Whether what a driver publishes is a JSON Schema of requests that a form can be made of. */
function describes(schema: unknown): schema is Record<string, unknown> {
  return isObject(schema) && schema.type === 'object' && isObject(schema.properties);
}

function Described({ base, type, schema }: RequestProps & { schema: Record<string, unknown> }) {
  const composer = useComposer(`${base.id}.described`, any);
  return (
    <Sender asked={{ ...base, kind: 'call', body: composer.text }} type={type} wrong={composer.wrong}>
      {(send, buttons) =>
        composer.view === 'form' && composer.fits ? (
          <Composed composer={composer}>
            <SchemaForm schema={schema} data={composer.fields.request} prefix="request" onChange={(request) => composer.change({ request })} onSubmit={send}>
              {buttons}
            </SchemaForm>
          </Composed>
        ) : (
          <RequestForm send={send} buttons={buttons}>
            <Composed composer={composer}>{null}</Composed>
          </RequestForm>
        )
      }
    </Sender>
  );
}

function Plain({ base, type }: RequestProps) {
  const [text, setText] = useDraft(`${base.id}.request`, '{}');
  let wrong = '';
  try {
    JSON.parse(text);
  } catch (error) {
    wrong = `not JSON yet: ${(error as Error).message}`;
  }
  return (
    <Sender asked={{ ...base, kind: 'call', body: text }} type={type} wrong={wrong}>
      {(send, buttons) => (
        <RequestForm send={send} buttons={buttons}>
          <Code label="Request (JSON)" language={JSON_REQUEST} height={240} value={text} onChange={setText} help="The same as the body of a call over the API" />
        </RequestForm>
      )}
    </Sender>
  );
}
