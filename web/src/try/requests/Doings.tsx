// Several requests to one service, of which one is seen. All are there all the time: one sends while one listens.
import type { ComponentType, ReactNode } from 'react';
import { Choice } from '../Choice';
import { useDraft } from '../draft';
import type { RequestProps } from './props';

export interface DoingProps extends RequestProps {
  /** The choice of what to do. */
  beside: ReactNode;
}

interface Props extends RequestProps {
  /** What the choice is kept under. */
  name: string;
  /** Each by its key and its title; the first one is seen first. */
  doings: readonly (readonly [string, string, ComponentType<DoingProps>])[];
}

export function Doings({ name, doings, ...props }: Props) {
  const [doing, setDoing] = useDraft(`${props.base.id}.${name}.doing`, doings[0]![0]);
  const beside = <Choice label="What to do" options={doings.map(([key, title]) => [key, title] as const)} value={doing} onChange={setDoing} />;
  return (
    <div>
      {doings.map(([key, , Doing]) => (
        <div key={key} hidden={key !== doing}>
          <Doing {...props} beside={beside} />
        </div>
      ))}
    </div>
  );
}
