// A request in its form, or as JSON; one chooses, and both say the same.
import Alert from '@mui/material/Alert';
import Stack from '@mui/material/Stack';
import ToggleButton from '@mui/material/ToggleButton';
import ToggleButtonGroup from '@mui/material/ToggleButtonGroup';
import Typography from '@mui/material/Typography';
import type { ReactNode } from 'react';
import { Code } from './code/Code';
import type { Composer, View } from './useComposer';

const JSON_LANGUAGE = { name: 'json' } as const;

interface Props<F> {
  composer: Composer<F>;
  /** Members of the request that the form does not show. */
  others?: Record<string, unknown>;
  /** Beside the choice, such as what else can be done. */
  beside?: ReactNode;
  children: ReactNode;
}

export function Composed<F>({ composer, others = {}, beside, children }: Props<F>) {
  const names = Object.keys(others);
  return (
    <Stack spacing={2}>
      <Stack direction="row" sx={{ justifyContent: 'space-between', alignItems: 'center', flexWrap: 'wrap', gap: 1 }}>
        {beside ?? <span />}
        <ToggleButtonGroup
          exclusive
          size="small"
          aria-label="How the request is written"
          value={composer.view}
          onChange={(_, view: View | null) => view && composer.look(view)}
        >
          <ToggleButton value="form" sx={{ textTransform: 'none' }}>
            Form
          </ToggleButton>
          <ToggleButton value="json" sx={{ textTransform: 'none' }}>
            JSON
          </ToggleButton>
        </ToggleButtonGroup>
      </Stack>
      {composer.view === 'json' ? (
        <Code
          label="Request"
          language={JSON_LANGUAGE}
          height={240}
          value={composer.text}
          onChange={composer.type}
          error={composer.wrong}
          help="The same as the body of a call over the API"
        />
      ) : composer.fits ? (
        <>
          {children}
          {names.length > 0 && (
            <Typography variant="body2" color="textSecondary">
              Also in the request, and kept: {names.join(', ')}. See it as JSON.
            </Typography>
          )}
        </>
      ) : (
        <Alert severity="info" role="status">
          The form has no place for all that the JSON says. It is sent as it stands there.
        </Alert>
      )}
    </Stack>
  );
}
