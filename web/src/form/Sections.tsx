// The settings of an integration under headings that fold; those that were added can be taken away as a whole.
import Accordion from '@mui/material/Accordion';
import AccordionDetails from '@mui/material/AccordionDetails';
import AccordionSummary from '@mui/material/AccordionSummary';
import Box from '@mui/material/Box';
import Button from '@mui/material/Button';
import Stack from '@mui/material/Stack';
import Typography from '@mui/material/Typography';
import { Templates } from '@rjsf/mui';
import type { ObjectFieldTemplateProps } from '@rjsf/utils';
import { useState } from 'react';
import { label } from '../words';
import { type Section, SECTIONS, sectionOf } from './sections';
import { Level, levelOf } from './Titles';
import type { FormContext } from './unread';

/** What an editor tells the form about its settings. */
export interface Folding {
  /** Keys that the person added: where they stand is open. */
  added: string[];
  /** Keys that can be taken away. */
  removable: string[];
  remove: (key: string) => void;
}

const Plain = Templates.ObjectFieldTemplate!;

export function Sections(props: ObjectFieldTemplateProps) {
  const { folding, depth = 0 } = props.registry.formContext as FormContext;
  const { path } = props.fieldPathId;
  const level = levelOf(path, folding !== undefined) + depth;
  if (folding && path.length === 0) {
    return <Folded {...props} folding={folding} />;
  }
  return (
    <Level value={level}>
      {/* The form as a whole has the title of its page. */}
      {'x-first' in props.schema ? <FirstOnes {...props} first={props.schema['x-first'] as string[]} heading={level + 1} /> : <Plain {...props} title={props.title.trim()} />}
    </Level>
  );
}

/** What comes first, and the rest folded: but for what was set when the form began, which people look for. */
function FirstOnes({ first, heading, ...props }: ObjectFieldTemplateProps & { first: string[]; heading: number }) {
  const [set] = useState(() => Object.keys(props.formData ?? {}));
  const [open, setOpen] = useState(false);
  const isFirst = (name: string) => first.includes(name) || set.includes(name);
  const rest = props.properties.filter(({ name }) => !isFirst(name));
  const wrong = rest.some(({ name }) => props.errorSchema?.[name] !== undefined);
  return (
    <>
      <Plain {...props} properties={props.properties.filter(({ name }) => isFirst(name))} />
      {rest.length > 0 && (
        <Accordion disableGutters expanded={open || wrong} onChange={(_, to) => setOpen(to)} slotProps={{ heading: { component: `h${heading}` as 'h4' } }} sx={{ mt: 2, '&::before': { display: 'none' } }}>
          <AccordionSummary expandIcon={<Chevron />} aria-controls={`${props.fieldPathId.$id}-more`} id={`${props.fieldPathId.$id}-more-heading`} slotProps={{ content: { sx: { minWidth: 0 } } }}>
            <Typography component="span" sx={{ fontWeight: 650 }}>
              More
            </Typography>
            {/* Its name is short; what is in it is read there. */}
            <Typography component="span" aria-hidden variant="body2" color="textSecondary" noWrap sx={{ ml: 1.5, alignSelf: 'center' }}>
              {rest.map(({ name }) => label(name)).join(', ')}
            </Typography>
          </AccordionSummary>
          <AccordionDetails id={`${props.fieldPathId.$id}-more`}>
            <Stack spacing={2}>{rest.map(({ name, content }) => <Box key={name}>{content}</Box>)}</Stack>
          </AccordionDetails>
        </Accordion>
      )}
    </>
  );
}

function Folded({ properties, errorSchema, disabled, folding }: ObjectFieldTemplateProps & { folding: Folding }) {
  const [turned, setTurned] = useState<Partial<Record<string, boolean>>>({});
  return SECTIONS.map((section) => {
    const own = properties.filter(({ name }) => sectionOf(name) === section);
    if (own.length === 0) {
      return null;
    }
    const wrong = own.some(({ name }) => errorSchema?.[name] !== undefined);
    const open = section !== 'Advanced' || own.some(({ name }) => folding.added.includes(name));
    // What is added later opens what was closed before.
    const turn = `${section} ${folding.added.length}`;
    return (
      <Accordion
        key={section}
        disableGutters
        expanded={turned[turn] ?? (open || wrong)}
        onChange={(_, expanded) => setTurned({ ...turned, [turn]: expanded })}
        slotProps={{ heading: { component: 'h2' } }}
        sx={{ '&::before': { display: 'none' }, '& + &': { mt: -0.125 } }}
      >
        <AccordionSummary expandIcon={<Chevron />} aria-controls={`section-${section}`} id={`heading-${section}`}>
          <Typography component="span" sx={{ fontWeight: 650 }}>
            {section}
          </Typography>
          <Summary section={section} names={own.map(({ name }) => name)} wrong={wrong} />
        </AccordionSummary>
        <AccordionDetails id={`section-${section}`}>
          <Stack spacing={2}>
            {own.map(({ name, content }) => (
              <Box key={name}>
                {content}
                {!disabled && folding.removable.includes(name) && (
                  <Button size="small" color="error" aria-label={`Remove ${label(name)}`} onClick={() => folding.remove(name)}>
                    Remove
                  </Button>
                )}
              </Box>
            ))}
          </Stack>
        </AccordionDetails>
      </Accordion>
    );
  });
}

/** What stands in a section, so that nobody has to open it to see that. */
function Summary({ section, names, wrong }: { section: Section; names: string[]; wrong: boolean }) {
  return (
    <Typography component="span" variant="body2" color={wrong ? 'error' : 'textSecondary'} noWrap sx={{ ml: 1.5, alignSelf: 'center' }}>
      {wrong ? 'has an error' : section === 'Advanced' ? names.map(label).join(', ') : ''}
    </Typography>
  );
}

function Chevron() {
  return (
    <svg width="20" height="20" viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" aria-hidden>
      <path d="m6 9 6 6 6-6" />
    </svg>
  );
}
