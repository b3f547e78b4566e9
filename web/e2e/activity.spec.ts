// Activity: calls as they happen, what is looked for in the address, and one call with its attempts.
import { accessible, expect, fact, settled, test, told } from './base';

const call = (id: string) => `/api/v1/integrations/${id}/call`;

test('calls show up while one looks, and wait while one has paused', async ({ page, api }) => {
  await page.goto('/activity');
  await expect(page.getByText(/^Live/)).toBeVisible();
  await api('POST', call('shop'), { endpoint: '/one' });
  const rows = page.getByRole('table', { name: 'Calls' }).getByRole('row');
  await expect(rows.filter({ hasText: 'shop' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Pause' }).click();
  await api('POST', call('stock'), { endpoint: '/two' });
  await page.getByRole('button', { name: '1 new' }).click();
  await expect(rows.filter({ hasText: 'stock' })).toHaveCount(1);
  await page.getByRole('button', { name: 'Go on' }).click();
  await api('POST', call('stock'), { endpoint: '/three' });
  await expect(rows.filter({ hasText: 'stock' })).toHaveCount(2);
});

test('what is looked for is in the address, and is found again by it', async ({ page, sent }) => {
  await sent('POST', call('stock'), { endpoint: '/down' });
  await page.goto('/activity');
  const rows = page.getByRole('table', { name: 'Calls' }).getByRole('row');
  await expect(rows.filter({ hasText: 'shop' })).toHaveCount(1);
  await page.getByLabel('Integration', { exact: true }).fill('stock');
  await expect(page).toHaveURL(/integration=stock/);
  await expect(rows.filter({ hasText: 'shop' })).toHaveCount(0);
  await page.getByLabel('Result').selectOption('unavailable');
  await expect(page).toHaveURL(/kind=unavailable/);
  // The head, and the one that failed.
  await expect(rows).toHaveCount(2);
  await page.reload();
  await expect(page.getByLabel('Integration', { exact: true })).toHaveValue('stock');
  await expect(rows).toHaveCount(2);
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(rows.filter({ hasText: 'shop' })).toHaveCount(1);
});

test('who comes back from a call finds the list where it was left', async ({ page, api }) => {
  for (let calls = 0; calls < 40; calls += 1) {
    await api('POST', call('shop'), { endpoint: '/one' });
  }
  await page.goto('/activity?integration=shop');
  const list = page.getByRole('rowgroup', { name: 'Calls, newest first' });
  await expect(list.getByRole('link').first()).toBeVisible();
  await list.evaluate((element) => element.scrollTo({ top: 400 }));
  await list.getByRole('link').nth(12).click();
  await expect(page.getByRole('heading', { name: 'A call' })).toBeVisible();
  await api('POST', call('shop'), { endpoint: '/one' });
  await page.goBack();
  await expect(page.getByRole('button', { name: '1 new' })).toBeVisible();
  expect(await list.evaluate((element) => element.scrollTop)).toBe(400);
});

test('where the row goes that has the keyboard, the list has it', async ({ page, api }) => {
  await page.goto('/activity?integration=shop');
  const list = page.getByRole('rowgroup', { name: 'Calls, newest first' });
  await list.getByRole('link').first().focus();
  for (let calls = 0; calls < 60; calls += 1) {
    await api('POST', call('shop'), { endpoint: '/one' });
  }
  await expect(list).toBeFocused();
  await expect(page.getByText(/^Live/)).toBeVisible();
});

test('what is no status is said, and each kind of result can be looked for', async ({ page }) => {
  await page.goto('/activity');
  await page.getByLabel('Status').fill('40');
  await expect(page.getByText(/^Three digits/)).toBeVisible();
  await page.getByLabel('Status').fill('200');
  await expect(page).toHaveURL(/status=200/);
  await expect(page.getByText(/^Three digits/)).toHaveCount(0);
  await expect(page.getByLabel('Result').locator('option', { hasText: 'request timeout' })).toHaveCount(1);
});

test('a call with retries shows each of its attempts, also to whoever gets its link', async ({ page, browser, sent }) => {
  const answer = await sent('POST', call('shop'), { endpoint: '/flaky' });
  expect(answer.headers()['trunkline-attempts']).toBe('3');
  const request = answer.headers()['trunkline-request-id']!;
  await page.goto('/activity');
  await page.locator(`a[href="/activity/${request}"]`).click();
  await expect(page).toHaveURL(new RegExp(`/activity/${request}$`));
  const attempts = page.getByRole('list', { name: 'Attempts' });
  await expect(attempts.getByText(/^\d\. /)).toHaveText(['1. unavailable, 503', '2. unavailable, 503', '3. ok, 200']);
  await expect(fact(page, 'Request ID')).toHaveText(request);
  await settled(page);
  await accessible(page);

  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(page.url());
  await other.getByLabel('API token').fill(told('TRUNKLINE_TOKEN'));
  await other.keyboard.press('Enter');
  await expect(other.getByRole('list', { name: 'Attempts' }).getByText(/^\d\. /)).toHaveCount(3);
  await context.close();
});

test('from one call one gets to those of the same integration before and after it', async ({ page, sent }) => {
  const made = async (id: string) => (await sent('POST', call(id), { endpoint: '/next' })).headers()['trunkline-request-id']!;
  const first = await made('stock');
  await made('shop');
  const second = await made('stock');
  await page.goto(`/activity/${first}`);
  await page.getByRole('link', { name: 'Call after' }).click();
  await expect(page).toHaveURL(new RegExp(`/activity/${second}$`));
  // It was the last one.
  await expect(page.getByRole('button', { name: 'Call after' })).toBeDisabled();
  await page.getByRole('link', { name: 'Call before' }).click();
  await expect(page).toHaveURL(new RegExp(`/activity/${first}$`));
});

test('a phone says what became of a call, and of one integration whose it was', async ({ page, sent }) => {
  await page.setViewportSize({ width: 390, height: 844 });
  await sent('POST', call('stock'), { endpoint: '/down' });
  await page.goto('/integrations/stock/activity');
  const table = page.getByRole('table', { name: 'Calls' });
  await expect(table.getByRole('columnheader')).toHaveText([/^Time \(.+\)$/, 'Connection', 'Result']);
  await expect(table.getByRole('row').nth(1).getByRole('cell')).toHaveText([/\d/, 'default', 'unavailable (3)']);
});
