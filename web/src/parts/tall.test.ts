// A list of any height is scrolled to both of its ends, and no row is left out by who scrolls slowly.
import { expect, test } from 'vitest';
import { heightOf, moved, type Spot, TALLEST } from './tall';

const ROW = 36;
const VIEW = 720;
const TOP: Spot = { top: 0, shift: 0 };
const offset = ({ top, shift }: Spot) => top + shift;

test('a list that browsers can scroll is scrolled by them', () => {
  const whole = 200_000 * ROW;
  expect(heightOf(whole)).toBe(whole);
  expect(moved(TOP, 5_000_000, whole, VIEW)).toEqual({ top: 5_000_000, shift: 0 });
});

for (const rows of [300_000, 3_000_000, 50_000_000]) {
  const whole = rows * ROW;

  test(`the end, the middle and the beginning of ${rows} rows are reached at once`, () => {
    expect(heightOf(whole)).toBe(TALLEST);
    const most = TALLEST - VIEW;
    const end = moved(TOP, most, whole, VIEW);
    expect(offset(end)).toBeCloseTo(whole - VIEW, 3);
    expect(offset(moved(end, most / 2, whole, VIEW))).toBeCloseTo((whole - VIEW) / 2, 3);
    expect(moved(end, 0, whole, VIEW)).toEqual(TOP);
  });

  test(`who scrolls ${rows} rows by the wheel sees each, to the end`, () => {
    const most = TALLEST - VIEW;
    let spot = moved(TOP, most - 3_000, whole, VIEW);
    let steps = 0;
    // Less than a view from the end one is there.
    while (offset(spot) < whole - VIEW - 0.5) {
      const next = moved(spot, Math.min(most, spot.top + 100), whole, VIEW);
      expect(offset(next)).toBeGreaterThan(offset(spot));
      expect(offset(next) - offset(spot)).toBeLessThanOrEqual(VIEW + 100);
      spot = next;
      expect((steps += 1)).toBeLessThan(200_000);
    }
    for (let back = 0; back < 1_000; back += 1) {
      const next = moved(spot, spot.top - 100, whole, VIEW);
      expect(offset(spot) - offset(next)).toBeCloseTo(100, 3);
      spot = next;
    }
  });
}

test('rows that are added at the end move nothing that is seen, and are below it', () => {
  const whole = 300_000 * ROW;
  const end = moved(TOP, TALLEST - VIEW, whole, VIEW);
  const grown = moved(end, end.top, whole + 500 * ROW, VIEW);
  expect(offset(grown)).toBeCloseTo(offset(end), 3);
  expect(grown.top).toBeLessThan(TALLEST - VIEW);
});

test('a list that grows too tall while one looks at its end stays where it is', () => {
  const before = TALLEST - ROW;
  const end = moved(TOP, before - VIEW, before, VIEW);
  const grown = moved(end, end.top, before + 500 * ROW, VIEW);
  expect(offset(grown)).toBeCloseTo(offset(end), 3);
});
