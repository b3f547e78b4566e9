// What can be undone stays until it is, or until it is told anew.
import { expect, test } from 'vitest';
import { added, type Notice, type Standing } from './notices';

const undo = () => {};
const told = (...notices: Notice[]) => notices.reduce<Standing[]>((standing, notice, number) => added(standing, notice, number), []).map(({ text }) => text);

test('each of two switches can be undone', () => {
  expect(told({ text: 'A is off', about: 'a', undo }, { text: 'B is off', about: 'b', undo }, { text: 'Copied' })).toEqual(['A is off', 'B is off', 'Copied']);
});

test('what is only told gives way to the next', () => {
  expect(told({ text: 'Copied' }, { text: 'Saved' })).toEqual(['Saved']);
});

test('of one switch only the last turn can be undone', () => {
  expect(told({ text: 'A is off', about: 'a', undo }, { text: 'B is off', about: 'b', undo }, { text: 'A is on', about: 'a', undo })).toEqual(['B is off', 'A is on']);
});

test('they do not fill the page', () => {
  expect(told(...['a', 'b', 'c', 'd', 'e'].map((text) => ({ text, about: text, undo })))).toEqual(['b', 'c', 'd', 'e']);
});
