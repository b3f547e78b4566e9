// The foot of a form of something that is stored: what saves it, what went wrong, and what to do where others changed or removed it.
import Box from '@mui/material/Box';
import type { ReactNode } from 'react';
import { stringify } from '../exact';
import { Act } from '../parts/Act';
import { Conflict } from '../parts/Conflict';
import { Removed } from '../parts/Removed';
import { Trouble } from '../parts/Trouble';
import { Unsaved } from '../parts/Unsaved';
import { marked } from '../secrets';
import type { Edits } from './useEdits';

interface Props {
  edits: Edits;
  /** What is edited, such as `integration`. */
  what: string;
  label: string;
  disabled?: boolean;
  /** Beside the button. */
  children?: ReactNode;
}

export function Saving({ edits, what, label, disabled = false, children }: Props) {
  const { data, edited, saving, savingNow, error, gone, lost, crossing, keepMine, takeTheirs, goBack } = edits;
  return (
    <>
      <Unsaved edited={edited} saving={savingNow} />
      {gone && (
        <Removed text={stringify(data, 2)}>
          {lost
            ? `The integration was removed meanwhile, and this ${what} with it. What stands in the form stays here until you leave the page.`
            : `This ${what} was removed meanwhile. What stands in the form is still here: add it anew, with its secrets typed again, or leave the page.`}
        </Removed>
      )}
      {error && <Trouble error={error} />}
      <Box sx={{ display: 'flex', gap: 1, flexWrap: 'wrap' }}>
        <Act type="submit" variant="contained" disabled={disabled} busy={saving || lost}>
          {gone && !lost ? 'Add it anew' : label}
        </Act>
        {children}
      </Box>
      {crossing && (
        <Conflict
          what={what}
          base={marked(crossing.base.document, crossing.base.secrets)}
          mine={marked(crossing.mine, crossing.base.secrets)}
          theirs={marked(crossing.theirs.document, crossing.theirs.secrets)}
          onBack={goBack}
          onTheirs={takeTheirs}
          onMine={keepMine}
        />
      )}
    </>
  );
}
