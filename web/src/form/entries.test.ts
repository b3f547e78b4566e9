// What stands for one set of settings or several.
import { expect, test } from 'vitest';
import { entriesOf, isEntries, valueOf } from './entries';

test('one or several are drawn, and nothing begins with an empty one', () => {
  expect([undefined, { a: 1 }, [], [{ a: 1 }], 5, 'x', [1], null].map(isEntries)).toEqual([true, true, true, true, false, false, false, false]);
  expect([undefined, [], { a: 1 }, [{ a: 1 }, { b: 2 }]].map(entriesOf)).toEqual([[{}], [{}], [{ a: 1 }], [{ a: 1 }, { b: 2 }]]);
});

test('one stays one, a list stays a list, and what is emptied is gone', () => {
  expect(valueOf([{ a: 2 }], { a: 1 })).toEqual({ a: 2 });
  expect(valueOf([{ a: 2 }], undefined)).toEqual({ a: 2 });
  expect(valueOf([{ a: 2 }], [{ a: 1 }])).toEqual([{ a: 2 }]);
  expect(valueOf([{ a: 1 }, {}], { a: 1 })).toEqual([{ a: 1 }, {}]);
  expect(valueOf([{}], [{ a: 1 }])).toBeUndefined();
  expect(valueOf([], [{ a: 1 }])).toBeUndefined();
});
