// The list: nothing yet, cards with their switch, search, and a server that is away.
import { accessible, choose, expect, picture, settled, still, test, told } from './base';

const service = told('HTTPBIN_URL');

test('where nothing is connected yet, one is led to adding', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Connect your first service' })).toBeVisible();
  await accessible(page);
  await page.getByRole('link', { name: 'Add an integration' }).click();
  await expect(page.getByRole('heading', { name: 'Add an integration' })).toBeVisible();
});

test('each integration has a card that says how it is', async ({ page, api }) => {
  for (const [id, name, type] of [
    ['shop', 'The shop', 'rest'],
    ['stock', 'Stock', 'rest'],
    ['catalog', 'Catalog', 'graphql'],
  ]) {
    await api('POST', '/api/v1/integrations/register', { integration_id: id, name, type, base_url: service });
  }
  await api('POST', '/api/v1/integrations/register', { integration_id: 'till', name: 'Payments', connector: 'stripe', inputs: { secret_key: 'sk_test_1' }, base_url: service });
  await api('POST', '/api/v1/integrations/shop/call', { endpoint: '/json' });
  await page.goto('/');
  const cards = page.getByRole('list', { name: 'Integrations' }).getByRole('listitem');
  await expect(cards).toHaveCount(4);
  await expect(cards.filter({ hasText: 'Payments' })).toContainText('Stripe');
  const shop = cards.filter({ has: page.getByRole('link', { name: 'The shop', exact: true }) });
  await expect(shop).toContainText('1 call');
  await expect(shop).toContainText(/healthy/i);
  await settled(page);
  await still(page);
});

test('a switch turns an integration off, and undo turns it on again', async ({ page, api }) => {
  const enabled = async () => ((await api('GET', '/api/v1/integrations/shop')) as { enabled?: boolean }).enabled ?? true;
  await page.goto('/');
  const toggle = page.getByRole('switch', { name: 'The shop is on' });
  await expect(toggle).toBeChecked();
  await toggle.click();
  await expect(page.getByText('The shop is off', { exact: true })).toBeVisible();
  await expect(toggle).not.toBeChecked();
  expect(await enabled()).toBe(false);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByText('The shop is on', { exact: true })).toBeVisible();
  await expect(toggle).toBeChecked();
  expect(await enabled()).toBe(true);
});

test('of two switches each is undone by itself, and the keyboard stays where it undid', async ({ page, api }) => {
  const enabled = async (id: string) => ((await api('GET', `/api/v1/integrations/${id}`)) as { enabled?: boolean }).enabled ?? true;
  await page.goto('/');
  await page.getByRole('switch', { name: 'The shop is on' }).click();
  await page.getByRole('switch', { name: 'Stock is on' }).click();
  const shop = page.getByRole('alert').filter({ hasText: 'The shop is off' });
  await expect(page.getByRole('alert').filter({ hasText: 'Stock is off' })).toBeVisible();
  await picture(page, 'notices');
  await shop.getByRole('button', { name: 'Undo' }).focus();
  await page.keyboard.press('Enter');
  const again = page.getByRole('alert').filter({ hasText: 'The shop is on' });
  await expect(again.getByRole('button', { name: 'Undo' })).toBeFocused();
  expect([await enabled('shop'), await enabled('stock')]).toEqual([true, false]);
  await page.getByRole('alert').filter({ hasText: 'Stock is off' }).getByRole('button', { name: 'Undo' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Stock is on' })).toBeVisible();
  expect(await enabled('stock')).toBe(true);
  await accessible(page);
});

test('the keyboard follows to the page that a link leads to', async ({ page }) => {
  await page.goto('/');
  await page.getByRole('link', { name: 'The shop', exact: true }).press('Enter');
  await expect(page.getByRole('heading', { name: 'The shop', level: 1 })).toBeFocused();
  // A tab is still there.
  await page.getByRole('tab', { name: 'Limits' }).press('Enter');
  await expect(page).toHaveURL(/\/limits$/);
  await expect(page.getByRole('tab', { name: 'Limits' })).toBeFocused();
  await page.getByRole('link', { name: 'Settings' }).press('Enter');
  await expect(page.getByRole('heading', { name: 'Settings', level: 1 })).toBeFocused();
  await page.goBack();
  await expect(page.getByRole('heading', { name: 'The shop', level: 1 })).toBeFocused();
});

test('a search is in the address, and what it finds is shown again by a link', async ({ page, api }) => {
  await page.goto('/');
  const cards = page.getByRole('list', { name: 'Integrations' }).getByRole('listitem');
  await page.getByLabel('Search').fill('SHOP the');
  await expect(cards).toHaveCount(1);
  await expect(page).toHaveURL(/\?q=/);
  await page.reload();
  await expect(page.getByLabel('Search')).toHaveValue('SHOP the');
  await expect(cards).toHaveCount(1);
  await page.getByLabel('Search').fill('nothing like that');
  await expect(page.getByText('No integration fits.')).toBeVisible();
  await page.getByRole('button', { name: 'Show all' }).click();
  await expect(cards).toHaveCount(4);
  await page.getByLabel('Search').fill('stripe');
  await expect(cards).toHaveCount(1);
  await expect(cards).toContainText('Payments');
  await page.getByLabel('Search').fill('');
  await expect(cards).toHaveCount(4);
  await choose(page.getByLabel('Type'), 'graphql');
  await expect(cards).toHaveCount(1);
  await expect(page).toHaveURL(/type=graphql/);
  // What was turned on again is known to be well once it is called, and for a minute.
  await api('POST', '/api/v1/integrations/shop/call', { endpoint: '/json' });
  await page.goto('/?state=off');
  await expect(page.getByText('No integration fits.')).toBeVisible();
  await choose(page.getByLabel('State'), 'healthy');
  await expect(cards.filter({ hasText: 'The shop' })).toHaveCount(1);
});

test.describe('where the server cannot be reached', () => {
  test.use({ expected: [/ERR_INTERNET_DISCONNECTED/] });

  test('what was loaded stays, a switch says why it did not turn, and all goes on afterwards', async ({ page, context }) => {
    await page.goto('/');
    const toggle = page.getByRole('switch', { name: 'The shop is on' });
    await expect(toggle).toBeChecked();
    await settled(page);
    await context.setOffline(true);
    await toggle.click();
    await expect(page.getByText(/The shop stays on: the server did not answer/)).toBeVisible();
    await expect(toggle).toBeChecked();
    await expect(page.getByRole('link', { name: 'The shop', exact: true })).toBeVisible();
    await context.setOffline(false);
    await toggle.click();
    await expect(page.getByText('The shop is off', { exact: true })).toBeVisible();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect(toggle).toBeChecked();
  });
});
