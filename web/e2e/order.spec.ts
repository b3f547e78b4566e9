// Every page, where its answers come one at a time: whichever comes first, and however late the others, nothing moves.
import type { Request, Route } from '@playwright/test';
import { expect, type Page, settled, still, test } from './base';
import { PAGES, pathOfRecord, SIZES } from './places';
import { event, send } from './stripe';

// Each test is a page that is loaded up to three times, and waits for each of its answers.
test.setTimeout(180_000);
// Recording what is done to so many pages takes longer than doing it.
test.use({ trace: 'off' });

/** Pages whose looks depend on what they are about. */
const MORE = {
  'overview, not called yet': '/integrations/payments',
  'overview, switched off': '/integrations/away',
  'no such integration': '/integrations/nothing',
  'the page of no such integration': '/integrations/nothing/limits',
  'connection with an account': '/integrations/mail/connections/default',
  'limits of a connection': '/integrations/shop/limits?connection=acme',
  'limits, switched off': '/integrations/away/limits',
  'try of a connector': '/integrations/payments/try',
  'list, filtered': '/?state=unhealthy',
  'no such record': '/activity/nothing',
};

test.beforeAll(async ({ request }) => {
  expect(await send(request, { to: 'shop', body: event('evt_1') })).toBeLessThan(300);
  PAGES.record = await pathOfRecord(request);
});

/** What a page asks for once it runs: answers of the API, and scripts that it needs for them. */
function isWaitedFor(request: Request, began: boolean): boolean {
  const { pathname } = new URL(request.url());
  return pathname.startsWith('/api/') ? !pathname.endsWith('/stream') : pathname === '/openapi.json' || (began && pathname.endsWith('.js'));
}

/** Which of the answers that are held comes next: that to what was asked for first, or last. */
type Order = 'first' | 'last';

/**
 * The orders in which a page is loaded. Late answers move most where they belong above the others, and are last; one column has
 * less to move than several.
 */
const LOADS: [keyof typeof SIZES, Order][] = [['desk', 'last'], ['desk', 'first'], ['phone', 'last']];

/**
 * Opens a page that gets what it asks for one at a time. What `fails` fits is not there in the end. Says whether the order made a
 * difference: whether the page ever waited for two answers at once.
 */
async function openSlowly(page: Page, path: string, order: Order, fails?: RegExp): Promise<boolean> {
  const held: Route[] = [];
  const asked = new Set<string>();
  const body = JSON.stringify({ title: 'It is down', detail: 'nobody is there', status: 502 });
  const answer = (route: Route) =>
    fails?.test(route.request().url()) ? route.fulfill({ status: 502, contentType: 'application/problem+json', body }) : route.continue();
  // The page before asks for nothing any more.
  await page.goto('about:blank');
  await page.unrouteAll();
  await page.route('**/*', (route) => {
    const request = route.request();
    const what = `${request.method()} ${new URL(request.url()).pathname}`;
    // What is asked for again and again is held the first time.
    if (asked.has(what) || !isWaitedFor(request, asked.size > 0)) {
      return answer(route);
    }
    asked.add(what);
    held.push(route);
    return undefined;
  });
  // What holds scripts back holds back that the page is loaded.
  await page.goto(path, { waitUntil: 'commit' });
  if (path !== PAGES.missing) {
    await expect.poll(() => held.length).toBeGreaterThan(0);
  }
  const isHeld = (request: Request) => held.some((route) => route.request() === request);
  let several = false;
  await settled(page, { calm: 100, isHeld });
  do {
    while (held.length > 0) {
      several ||= held.length > 1;
      await answer((order === 'first' ? held.shift() : held.pop())!);
      await settled(page, { calm: 100, isHeld });
    }
    await settled(page, { isHeld });
  } while (held.length > 0);
  return several;
}

for (const [name, path] of Object.entries({ ...PAGES, ...MORE })) {
  test(name, async ({ page }) => {
    let several = true;
    for (const [size, order] of LOADS) {
      // Where nothing waits for two answers at once, there is one order.
      if (order === 'first' && !several) {
        continue;
      }
      await page.setViewportSize(SIZES[size]);
      await test.step(`${size}, ${order} first`, async () => {
        several = await openSlowly(page, path || PAGES.record, order);
        await still(page);
      });
    }
  });
}

test('what cannot be loaded is said where it pushes nothing down', async ({ page }) => {
  for (const [size, order] of LOADS) {
    await page.setViewportSize(SIZES[size]);
    for (const path of [PAGES.list, PAGES.overview]) {
      await openSlowly(page, path, order, /\/health|\/summary/);
      await expect(page.getByRole('alert').first()).toContainText('nobody is there');
      await expect(page.getByRole('alert')).toHaveCount(path === PAGES.list ? 1 : 2);
      await still(page);
    }
  }
});
