// No digit of a number changes between a text of JSON, a form, and the text that is sent.
import { expect, test } from 'vitest';
import { digits, isExact, isKept, kept, parse, rounded, spelled, stringify } from './exact';

test('a number that JavaScript has no room for is the same after a form', () => {
  for (const number of ['12345678901234567890', '-9007199254740993', '0.1000000000000000055511151231257827', '1e400', '1e-400']) {
    const text = `{"a":[{"n":${number}}],"b":"${number}"}`;
    const value = parse(text) as { a: [{ n: unknown }]; b: string };
    expect(isKept(value.a[0].n)).toBe(true);
    expect(value.b).toBe(number);
    // As forms, drafts and comparisons do.
    expect(stringify(structuredClone(JSON.parse(JSON.stringify(value))))).toBe(text);
    expect(spelled(value.a[0].n)).toBe(number);
    expect(kept(number)).toBe(value.a[0].n);
  }
});

test('a number that it has room for is one', () => {
  for (const number of ['0', '-0.0', '1.50', '1e3', '0.1', '0.30000000000000004', '9007199254740991', '1000000000000000000000', '5e-324']) {
    expect(parse(`[${number}]`)).toEqual([Number(number)]);
    expect(kept(number)).toBe(number);
    expect(isExact(`{"n": ${number}}`)).toBe(true);
  }
});

test('what looks like a number within a text stays there', () => {
  const value = { text: '12345678901234567890', quoted: '"12345678901234567890" \\', key12345678901234567890: '\\u000012345678901234567890' };
  expect(parse(JSON.stringify(value))).toEqual(value);
  expect(stringify(value)).toBe(JSON.stringify(value));
  expect(spelled('text')).toBe('text');
});

test('what is no JSON is said as the browser says it', () => {
  expect(() => parse('{"n": 12345678901234567890,')).toThrow(SyntaxError);
  expect(kept('12345678901234567890 apples')).toBe('12345678901234567890 apples');
});

test('how large a kept number is can be told', () => {
  expect(rounded(parse('{"n": [12345678901234567890], "t": "x"}'))).toEqual({ n: [12345678901234567000], t: 'x' });
  expect(digits(parse('12345678901234567890'))).toBe('12345678901234567890');
});
