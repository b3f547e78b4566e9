// What schemas become in forms.
import { expect, test } from 'vitest';
import { drawable } from './drawable';

test('what is on or off can also be unset, and says what holds then', () => {
  const { schema, ui } = drawable({ type: ['boolean', 'null'], default: false }, 'compression', undefined);
  expect(schema).toMatchObject({ type: 'boolean', oneOf: [{ const: true }, { const: false }] });
  expect(schema.default).toBeUndefined();
  expect(ui).toEqual({ 'ui:widget': 'ChoiceWidget', 'ui:placeholder': 'Default (off)' });
  expect(drawable({ type: 'boolean' }, 'compression', undefined).ui['ui:placeholder']).toBe('Default');
});
