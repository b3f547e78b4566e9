// What schemas become in forms.
import { expect, test } from 'vitest';
import { drawable } from './drawable';
import { listed, worded } from './several';

test('what is on or off can also be unset, and says what holds then', () => {
  const { schema, ui } = drawable({ type: ['boolean', 'null'], default: false }, 'compression', undefined);
  expect(schema).toMatchObject({ type: 'boolean', oneOf: [{ const: true }, { const: false }] });
  expect(schema.default).toBeUndefined();
  expect(ui).toEqual({ 'ui:widget': 'ChoiceWidget', 'ui:placeholder': 'Default (off)' });
  expect(drawable({ type: 'boolean' }, 'compression', undefined).ui['ui:placeholder']).toBe('Default');
});

test('one text or a list of them is written as a text, with what the schema says between them', () => {
  const words = { anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] };
  const scope = { description: 'What it is for.', anyOf: [{ ...words, 'x-apart': ' ' }, { type: 'null' }] };
  expect(drawable(scope, 'scope', undefined)).toEqual({
    schema: { title: 'Scope', description: 'What it is for.' },
    ui: { 'ui:field': 'WordsField', 'ui:apart': ' ' },
  });
  expect(drawable(words, 'audience', undefined).ui['ui:apart']).toBe('\n');
  const secret = { anyOf: [{ type: 'string', writeOnly: true }, { type: 'array', items: { type: 'string' } }] };
  expect(drawable(secret, 'keys', undefined).ui['ui:field']).toBe('JsonField');
});

test('what is written for one or several is nothing, one or a list', () => {
  expect(['', ' ', 'read', ' read  write '].map((text) => listed(text, ' '))).toEqual([undefined, undefined, 'read', ['read', 'write']]);
  expect(listed('https://a\n\nhttps://b c\n', '\n')).toEqual(['https://a', 'https://b c']);
  expect([undefined, 'read write', ['read', 'write']].map((value) => worded(value, ' '))).toEqual(['', 'read write', 'read write']);
});
