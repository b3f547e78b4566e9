// Figures of a stretch of time in words.
import { expect, test } from 'vitest';
import { perMinute, RANGES, share } from './range';

test('where something was called, the rate is not said to be nothing', () => {
  const hour = RANGES['1h'].length;
  expect([0, 1, 5, 6, 30, 90, 601, 1_000, 123_456].map((calls) => perMinute(calls, hour))).toEqual([
    '0', 'under 0.1', 'under 0.1', '0.1', '0.5', '1.5', '10', '17', '2,058',
  ]);
});

test('a share that is not all, or not nothing, is not said to be so', () => {
  expect([share(0, 5), share(0, 0), share(1, 1_000), share(2, 8), share(999, 1_000), share(3, 3)]).toEqual(['0%', '0%', '<1%', '25%', '>99%', '100%']);
});
