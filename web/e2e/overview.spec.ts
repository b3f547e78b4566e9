// Overview: what calls were made is what figures, charts, the table and the card of the list say.
import { accessible, expect, fact, type Page, picture, settled, still, test } from './base';

// A zone without summer time, and not the one of the server.
test.use({ timezoneId: 'Asia/Tokyo' });

const call = (endpoint: string, id = 'shop') => ['POST', `/api/v1/integrations/${id}/call`, { endpoint }] as const;

/** The texts of a chart, which people see and others read in the table. */
const chart = (page: Page, title: string) => page.getByRole('heading', { name: title, exact: true }).locator('xpath=..');

const DURATION = /^\d[\d.,]* (ms|s)$/;

test('where nothing was called, that is said rather than drawn', async ({ page }) => {
  await page.goto('/integrations/shop');
  for (const title of ['Calls', 'Latency']) {
    await expect(chart(page, title)).toContainText('No calls in this stretch of time');
  }
  await expect(fact(page, 'Calls per minute')).toHaveText('0');
  await expect(fact(page, '95% within')).toHaveText('—');
  await settled(page);
  await still(page);
  await picture(page, 'nothing');
});

test('calls, errors and what came from the cache are counted, and drawn over axes that say what they measure', async ({ page, api, sent }) => {
  for (let calls = 0; calls < 3; calls += 1) {
    await api(...call('/up'));
    // The first of these asks the service.
    await api(...call('/kept'));
  }
  for (let calls = 0; calls < 2; calls += 1) {
    expect((await sent(...call('/down'))).status()).toBe(502);
  }
  await api(...call('/up', 'quiet'));
  await page.goto('/integrations/shop');
  for (const [name, value] of [
    ['Calls', '8'],
    ['Calls per minute', '0.1'],
    ['Errors', '2 (25%)'],
    ['From the cache', '2 (25%)'],
    ['Attempts', '6'],
  ] as const) {
    await expect(fact(page, name), name).toHaveText(value);
  }
  for (const percentile of ['50% within', '95% within', '99% within']) {
    await expect(fact(page, percentile)).toHaveText(DURATION);
  }

  const calls = chart(page, 'Calls');
  for (const words of ['Errors', 'Other calls', 'Of all, from the cache', 'Calls in 1 min', 'Time (GMT+9)']) {
    await expect(calls.getByText(words, { exact: true })).toBeVisible();
  }
  expect(await calls.getByText(/^\d\d:\d0$/).count()).toBeGreaterThan(4);
  const latency = chart(page, 'Latency');
  for (const words of ['50%', '95%', '99%', 'Time that calls took', 'Time (GMT+9)']) {
    await expect(latency.getByText(words, { exact: true })).toBeVisible();
  }
  // The times on the axis have a unit, each.
  expect(await latency.getByText(DURATION).count()).toBeGreaterThan(2);
  await expect(page.getByText('No calls in this stretch of time')).toHaveCount(0);

  await page.getByText('As a table').click();
  const table = page.getByRole('region', { name: 'Figures as a table' });
  const rows = await table.locator('tbody tr').evaluateAll((all) => all.map((row) => [...row.querySelectorAll('td')].map((cell) => cell.textContent)));
  for (const [from] of rows) {
    expect(from).toMatch(/\d{4}, \d\d:\d\d:00 GMT\+9$/);
  }
  const sums = [1, 2, 3].map((at) => rows.reduce((sum, row) => sum + Number(row[at]), 0));
  expect(sums).toEqual([8, 2, 2]);
  await settled(page);
  await accessible(page);
  await picture(page, 'figures');

  await page.getByRole('button', { name: '15 min' }).click();
  await expect(calls.getByText('Calls in 30 s', { exact: true })).toBeVisible();
  await expect(fact(page, 'Calls per minute')).toHaveText('0.5');
});

test('what was called once is not said to be called never', async ({ page }) => {
  await page.goto('/integrations/quiet');
  await expect(fact(page, 'Calls')).toHaveText('1');
  await expect(fact(page, 'Calls per minute')).toHaveText('under 0.1');
});

test('the card of the list draws the same hour, errors in their colour', async ({ page }) => {
  await page.goto('/');
  const card = page.getByRole('list', { name: 'Integrations' }).getByRole('listitem').filter({ has: page.getByRole('link', { name: 'shop', exact: true }) });
  await expect(card).toContainText('8 calls, 2 errors');
  const drawn = card.getByRole('img', { name: '8 calls in the last hour, 2 errors' });
  await expect(drawn).toBeVisible();
  const heights = await drawn.locator('g').evaluateAll((stretches) =>
    stretches.map((stretch) => [...stretch.querySelectorAll('rect')].map((bar) => ({ height: Number(bar.getAttribute('height')), colour: getComputedStyle(bar).fill }))),
  );
  expect(heights).toHaveLength(12);
  const called = heights.filter(([all]) => all!.height > 0);
  expect(called.length).toBeGreaterThan(0);
  const failed = called.filter(([, errors]) => errors!.height > 0);
  expect(failed.length).toBeGreaterThan(0);
  for (const [all, errors] of failed) {
    expect(errors!.colour).not.toBe(all!.colour);
    expect(errors!.height).toBeLessThanOrEqual(all!.height);
  }
  await picture(page, 'card');
});
