// The words of a form: titles as headings in the order of the page, and descriptions as paragraphs.
import Typography from '@mui/material/Typography';
import { Templates } from '@rjsf/mui';
import type { ArrayFieldTitleProps, DescriptionFieldProps, FieldTemplateProps, TitleFieldProps } from '@rjsf/utils';
import { createContext, useContext } from 'react';

/** How deep the heading of an object is: h2 below the title of a page, for instance. */
export const Level = createContext(2);

/** The level of what stands at `path`: in a form with sections, those are headings too. */
export function levelOf(path: readonly unknown[], sections: boolean): number {
  return path.length + (sections ? 2 : 1);
}

export function Title({ id, title }: TitleFieldProps) {
  return <Heading id={id} title={title} level={useContext(Level)} />;
}

/** A list has no object of its own around it. */
export function ListTitle({ fieldPathId, title }: ArrayFieldTitleProps) {
  const level = useContext(Level) + 1;
  return title ? <Heading id={`${fieldPathId.$id}__title`} title={title} level={level} /> : null;
}

function Heading({ id, title, level }: { id: string; title: string; level: number }) {
  const component = `h${Math.min(level, 6)}` as 'h2';
  return (
    <Typography id={id} variant="subtitle1" component={component} sx={{ fontWeight: 650, borderBottom: 1, borderColor: 'divider' }}>
      {title}
    </Typography>
  );
}

export function Description({ id, description }: DescriptionFieldProps) {
  return description ? (
    <Typography id={id} variant="body2" color="textSecondary" sx={{ my: 0.5, overflowWrap: 'anywhere' }}>
      {description}
    </Typography>
  ) : null;
}

const Plain = Templates.FieldTemplate!;

/** A field with its description below it, not in the line of another text. */
export function Field(props: FieldTemplateProps) {
  const { displayLabel, rawDescription, description, errors } = props;
  const said = displayLabel && rawDescription ? description : undefined;
  const below = (
    <>
      {said}
      {errors}
    </>
  );
  return <Plain {...props} rawDescription="" errors={below} />;
}
