// CodeMirror as a component. Its styles are let in by the nonce of the page; its colours are those of the theme.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, startCompletion } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Annotation, Compartment, EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import { type Language, loaded } from './languages';

interface Props {
  labelledBy: string;
  describedBy: string;
  invalid: boolean;
  value: string;
  onChange: (value: string) => void;
  language: Language;
  onFocus?: () => void;
}

const colour = (name: string) => `var(--mui-palette-${name})`;

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '0.85rem', color: colour('text-primary') },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'ui-monospace, SFMono-Regular, Menlo, monospace', lineHeight: '1.5' },
  '.cm-content': { caretColor: colour('text-primary'), padding: '8px 0' },
  '.cm-line': { padding: '0 10px' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: colour('action-selected') },
  '.cm-tooltip': { backgroundColor: colour('background-paper'), color: colour('text-primary'), border: `1px solid ${colour('divider')}`, borderRadius: '6px' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: colour('primary-main'), color: colour('primary-contrastText') },
  '.cm-tooltip .cm-completionDetail': { color: 'inherit', fontStyle: 'normal', opacity: '0.85' },
  '.cm-tooltip.cm-completionInfo': { maxWidth: 'min(360px, 90vw)', padding: '6px 10px' },
  '.cm-diagnostic': { padding: '4px 10px' },
});

const colours = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier, tags.definitionKeyword], color: colour('primary-main') },
    { tag: [tags.string, tags.special(tags.string)], color: colour('success-main') },
    { tag: [tags.number, tags.bool, tags.null, tags.atom], color: colour('warning-main') },
    { tag: [tags.propertyName, tags.attributeName], color: colour('text-primary'), fontWeight: '600' },
    { tag: [tags.comment, tags.lineComment, tags.blockComment], color: colour('text-secondary') },
    { tag: tags.invalid, color: colour('error-main') },
  ]),
);

/** What comes from outside, which need not be told there. */
const GIVEN = Annotation.define<true>();

const nonce = document.querySelector<HTMLMetaElement>('meta[name="styles-nonce"]')?.content ?? '';

export default function Editor(props: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const language = useRef(new Compartment());
  const about = useRef(new Compartment());
  // What it tells others is told to whoever listens then.
  const latest = useRef(props);
  latest.current = props;
  // What was told and has not come back as the value: whoever types is ahead of what is drawn.
  const told = useRef<string[]>([]);
  const types = useRef(false);

  useEffect(() => {
    const made = new EditorView({
      parent: place.current!,
      state: EditorState.create({
        doc: latest.current.value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          history(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          autocompletion({ icons: false }),
          EditorView.lineWrapping,
          look,
          colours,
          language.current.of([]),
          about.current.of(attributes(latest.current)),
          // Tab goes on to the next field, as everywhere.
          keymap.of([
            {
              key: 'Mod-Enter',
              run: ({ dom }) => {
                dom.closest('form')?.requestSubmit();
                return true;
              },
            },
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...historyKeymap,
            ...lintKeymap,
            ...defaultKeymap,
          ]),
          EditorView.updateListener.of(({ docChanged, transactions, state }) => {
            if (docChanged && !transactions.some((one) => one.annotation(GIVEN))) {
              const text = state.doc.toString();
              types.current = transactions.some((one) => one.isUserEvent('input.type'));
              told.current.push(text);
              latest.current.onChange(text);
            }
          }),
          EditorView.domEventHandlers({
            focus: () => latest.current.onFocus?.(),
            beforeinput: replaced,
            keydown: ({ key }) => {
              // Whoever has closed a list of completions wants no other.
              types.current &&= key !== 'Escape';
            },
          }),
        ],
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, []);

  useEffect(() => {
    const now = view.current!.state.doc.toString();
    const at = told.current.indexOf(props.value);
    if (now !== props.value && at >= 0) {
      // Its own words, and more has been typed since.
      told.current.splice(0, at + 1);
      return;
    }
    told.current = [];
    if (now !== props.value) {
      view.current!.dispatch({ changes: { from: 0, to: now.length, insert: props.value }, annotations: GIVEN.of(true) });
    }
  }, [props.value]);

  useEffect(() => {
    let wanted = true;
    void loaded(props.language).then((extension) => {
      if (wanted) {
        view.current!.dispatch({ effects: language.current.reconfigure(extension) });
        if (types.current && view.current!.hasFocus) {
          // What can be completed was not known yet when the word was begun.
          startCompletion(view.current!);
        }
      }
    });
    return () => {
      wanted = false;
    };
  }, [props.language]);

  useEffect(() => {
    view.current!.dispatch({ effects: about.current.reconfigure(attributes(props)) });
  }, [props.labelledBy, props.describedBy, props.invalid]);

  return <div ref={place} style={{ height: '100%' }} />;
}

/** Types over a selection. Chromium would do so with styles in the text that the policy of the page forbids. */
function replaced({ inputType, data }: InputEvent, view: EditorView): boolean {
  const { from, to, empty } = view.state.selection.main;
  if (empty || view.composing || inputType !== 'insertText' || data === null) {
    return false;
  }
  const typed = () => view.state.update(view.state.replaceSelection(data), { userEvent: 'input.type', scrollIntoView: true });
  if (!view.state.facet(EditorView.inputHandler).some((handle) => handle(view, from, to, data, typed))) {
    view.dispatch(typed());
  }
  // It is done: the browser is kept from it.
  return true;
}

function attributes({ labelledBy, describedBy, invalid }: Props) {
  return EditorView.contentAttributes.of({
    'aria-labelledby': labelledBy,
    'aria-describedby': describedBy,
    'aria-invalid': String(invalid),
    spellcheck: 'false',
    autocapitalize: 'off',
  });
}
