// What is typed into the form of something that is stored: over the version it began with, through saves, and through what others save meanwhile.
import { type RefObject, useRef, useState } from 'react';
import { Problem } from '../api/client';
import { changes, merged, same } from '../changes';
import { marked, unmasked } from '../secrets';
import type { Data } from './SchemaForm';

/** What the server says where there is nothing to save over. */
const GONE = new Set(['unknown_integration', 'unknown_connection']);

export interface Stored {
  document: Data;
  /** The version, as `If-Match` takes it; empty where nothing is stored yet. */
  etag: string;
  /** Another where a secret is another. */
  secrets: string;
}

/** How what is typed is stored. */
export interface Store {
  /** Stores it over a version, and gives what is stored then; nothing where the page goes elsewhere. */
  put: (document: Data, etag: string) => Promise<Stored | undefined>;
  /** Reads what is stored now. */
  reread?: () => Promise<Stored>;
  /** Is told what the form shows from then on. */
  taken?: (stored: Stored) => void;
  /** Stores what is not there any more under its old name. */
  anew?: (document: Data) => Promise<Stored | undefined>;
  /** Whether it is known to be there no more. */
  removed?: boolean;
  /** Whether what it belongs to is there no more either, so that there is nowhere to store it. */
  lost?: boolean;
  /** Keys that are decided elsewhere than in the form: who saves it did not mean to decide them. */
  apart?: string[];
}

/** Two who changed the same: what both began with, and what each made of it. */
export interface Crossing {
  base: Stored;
  mine: Data;
  theirs: Stored;
}

export interface Edits {
  data: Data;
  change: (after: Data) => void;
  edited: boolean;
  saving: boolean;
  /** The same, for what looks at it before the page is drawn again. */
  savingNow: RefObject<boolean>;
  error: Error | undefined;
  /** What was edited is not there any more; what was typed is, without secrets that only the server had. */
  gone: boolean;
  /** What it belongs to is not there any more either. */
  lost: boolean;
  submit: () => void;
  crossing: Crossing | undefined;
  keepMine: () => Promise<void>;
  takeTheirs: () => void;
  goBack: () => void;
}

/** `stored` is what the form begins with. Where another version comes, what was typed stays, as long as that is not what the other one changed. */
export function useEdits(stored: Stored, { put, reread, taken, anew, removed = false, lost = false, apart = [] }: Store): Edits {
  const [begun, setBegun] = useState(stored);
  const [typed, setTyped] = useState(stored.document);
  // The version that was shown before the last save: the page may have it for a moment longer.
  const [passed, setPassed] = useState<string>();
  const [saving, setSaving] = useState(false);
  const [error, setError] = useState<Error>();
  const [missed, setMissed] = useState(false);
  const [crossing, setCrossing] = useState<Crossing>();
  const savingNow = useRef(false);
  const credentials = useRef<Record<string, unknown>>({});
  const shown = useRef(stored.etag);
  shown.current = stored.etag;
  const gone = removed || lost || missed;
  const data = gone ? (unmasked(typed) as Data) : typed;

  if (!saving && stored.etag !== begun.etag && stored.etag !== passed && !crosses(begun, typed, stored)) {
    setBegun(stored);
    setTyped(merged(begun.document, typed, stored.document) as Data);
  }

  const change = (after: Data) => {
    setError(undefined);
    if (same(after.auth_type, data.auth_type)) {
      setTyped(after);
      return;
    }
    // Credentials of one kind are none of another, and are there again with their kind.
    const { auth_config: _, ...rest } = after;
    credentials.current[String(data.auth_type)] = data.auth_config;
    const back = credentials.current[String(after.auth_type)];
    setTyped(back === undefined ? rest : { ...rest, auth_config: back });
  };
  /** Shows what is stored now, with what was typed since `sent` was. */
  const settle = (now: Stored, sent?: Data) => {
    credentials.current = {};
    setPassed(shown.current);
    setBegun(now);
    setTyped((typed) => (sent ? (merged(sent, typed, now.document) as Data) : now.document));
    setCrossing(undefined);
    setMissed(false);
    taken?.(now);
  };
  const save = async (document: Data, etag: string, sent = document) => {
    const now = await put(document, etag);
    if (now) {
      settle(now, sent);
    }
  };
  const saveAnew = async (mine: Data) => {
    const now = await anew?.(mine);
    if (now) {
      settle(now, mine);
    }
  };
  const saveOrAsk = async (mine: Data) => {
    try {
      await save(mine, begun.etag);
    } catch (refused) {
      if (anew && refused instanceof Problem && GONE.has(refused.body.kind ?? '')) {
        setMissed(true);
        return;
      }
      const theirs = refused instanceof Problem && refused.status === 412 ? await reread?.() : undefined;
      // What was refused for another reason is told as it is.
      if (!theirs || theirs.etag === begun.etag) {
        throw refused;
      }
      const was = marked(begun.document, begun.secrets);
      if (changes(was, was, marked(theirs.document, theirs.secrets)).every(({ key }) => apart.includes(key))) {
        await save(merged(begun.document, mine, theirs.document) as Data, theirs.etag, mine);
      } else {
        setCrossing({ base: begun, mine, theirs });
      }
    }
  };
  const submit = async () => {
    if (savingNow.current || lost) {
      return;
    }
    setSaving(true);
    savingNow.current = true;
    setError(undefined);
    try {
      await (gone ? saveAnew : saveOrAsk)(data);
    } catch (refused) {
      setError(refused as Error);
    } finally {
      setSaving(false);
      savingNow.current = false;
    }
  };
  return {
    data,
    change,
    edited: !same(typed, begun.document),
    saving,
    savingNow,
    error,
    gone,
    lost,
    submit: () => void submit(),
    crossing,
    keepMine: async () => {
      if (crossing) {
        const { base, mine, theirs } = crossing;
        await save(merged(base.document, mine, theirs.document) as Data, theirs.etag, mine);
      }
    },
    takeTheirs: () => crossing && settle(crossing.theirs),
    goBack: () => setCrossing(undefined),
  };
}

/** Whether somebody else changed what was changed here too. Then the form stays as it is, and who saves is asked. */
function crosses(begun: Stored, data: Data, stored: Stored): boolean {
  return changes(marked(begun.document, begun.secrets), marked(data, begun.secrets), marked(stored.document, stored.secrets)).some(({ both }) => both);
}
