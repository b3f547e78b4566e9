// Which short messages stand at the foot of the page: the last thing that was told, and all that can still be undone.

export interface Notice {
  text: string;
  /** What it is about: a later message about the same takes its place. */
  about?: string;
  undo?: () => void;
}

/** A message that stands there, with what tells it from the others. */
export interface Standing extends Notice {
  key: string;
}

/** More than these would cover the page: the oldest goes. */
const MOST = 4;

/** With another message below the others. */
export function added(standing: Standing[], notice: Notice, number: number): Standing[] {
  const key = notice.about ?? `notice ${number}`;
  const others = standing.filter((one) => one.key !== key && one.undo);
  return [...others, { ...notice, key }].slice(-MOST);
}
