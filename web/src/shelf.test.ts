// A log stays in order and in bounds, whatever comes and however far one scrolls.
import { expect, test } from 'vitest';
import { at, empty, HELD, newer, type Numbered, older, putBack, refill, type Shelf, SIZE, total } from './shelf';

/** Records from a number down to another. */
const from = (first: number, last: number): Numbered[] => Array.from({ length: first - last + 1 }, (_, n) => ({ number: first - n }));

/** So many whole pages, the newest record of which has the number of all. */
function pages(count: number): Shelf<Numbered> {
  let shelf: Shelf<Numbered> = empty;
  for (let page = count; page > 0; page -= 1) {
    shelf = older(shelf, from(page * SIZE, (page - 1) * SIZE + 1));
  }
  return shelf;
}

test('older records follow, until the server has fewer than were asked for', () => {
  const two = pages(2);
  expect([total(two), two.ended]).toEqual([2 * SIZE, false]);
  expect(at(two, SIZE).record?.number).toBe(SIZE);
  const all = older(older(empty, from(SIZE + 3, 4)), from(3, 1));
  expect([total(all), all.ended, at(all, SIZE + 2).record?.number]).toEqual([SIZE + 3, true, 1]);
});

test('newer records go before the others, each once', () => {
  const shelf = newer(older(empty, from(5, 1)), [{ number: 5 }, { number: 6 }, { number: 7 }]);
  expect([0, 1, 2, 6].map((place) => at(shelf, place).record?.number)).toEqual([7, 6, 5, 1]);
  expect(total(shelf)).toBe(7);
});

test('a log that is watched for long does not grow: what is old is read again by scrolling', () => {
  let shelf: Shelf<Numbered> = { ...older(empty, from(10, 1)), ended: true };
  for (let batch = 0; batch < 3 * HELD; batch += 1) {
    shelf = newer(shelf, from(10 + (batch + 1) * SIZE, 11 + batch * SIZE));
  }
  expect(shelf.pages.length).toBe(HELD);
  expect(shelf.ended).toBe(false);
});

test('far pages are put back, keep their place, and are filled again', () => {
  const many = putBack(pages(HELD + 8), HELD + 7);
  expect(many.pages.filter(({ records }) => records).length).toBe(HELD);
  expect(total(many)).toBe((HELD + 8) * SIZE);
  const { first, last } = many.pages[0]!;
  expect(at(many, 0).record).toBeUndefined();
  expect(at(refill(many, 0, from(first, last)), 0).record?.number).toBe(first);
});

test('where the server has forgotten records, the log ends there', () => {
  const many = putBack(pages(HELD + 8), 0);
  const place = HELD + 7;
  const { first } = many.pages[place]!;
  const cut = refill(many, place, from(first, first - 9));
  expect([total(cut), cut.ended]).toEqual([(HELD + 7) * SIZE + 10, true]);
  expect(refill(many, place, []).pages.length).toBe(place);
});
