// Adding an integration: by vendor with a wrong and a right key, by protocol, and without a mouse.
import { accessible, choose, expect, fact, type Page, picture, test, told } from './base';

const service = told('HTTPBIN_URL');

/** Runs the test of an integration's page and waits for what it says. */
async function tested(page: Page, says: RegExp): Promise<void> {
  await page.getByRole('button', { name: 'Run the test' }).click();
  await expect(page.getByRole('region', { name: 'Test' }).getByRole('status')).toContainText(says);
}

test('a vendor asks only for what it needs, and a wrong key is told in its own words', async ({ page, api }) => {
  await page.goto('/add');
  await page.getByLabel('Search services and protocols').fill('stripe');
  await page.getByRole('link', { name: /Stripe/ }).click();
  await expect(page.getByRole('heading', { name: 'Add Stripe' })).toBeVisible();
  await page.getByLabel('ID').fill('payments');
  const key = page.getByLabel('Secret key');
  await key.fill('a password');
  await expect(page.getByRole('main')).toContainText('begins with sk_ or rk_');
  // It looks like a key, so only the service can tell: before anything is saved, and after.
  await key.fill('rk_test_wrong');
  const trial = page.getByRole('region', { name: 'Test before saving' });
  await trial.getByRole('button', { name: 'Test' }).click();
  await expect(trial.getByRole('listitem').filter({ hasText: 'Credential: failed' })).toBeVisible();
  await expect(trial.getByRole('listitem').filter({ hasText: 'Connection: done' })).toBeVisible();
  await expect(trial.getByRole('status')).toContainText('401');
  await accessible(page);
  await picture(page, 'add-tested');
  await key.fill('sk_test_right');
  await expect(trial).toContainText('The form has changed since');
  await trial.getByRole('button', { name: 'Test' }).click();
  await expect(trial.getByRole('status')).toContainText('The service answered');
  await expect(trial.getByRole('listitem').filter({ hasText: 'Credential: done' })).toBeVisible();
  expect(await api('GET', '/api/v1/integrations/list')).toEqual([]);
  await key.fill('rk_test_wrong');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page).toHaveURL(/\/integrations\/payments$/);
  await tested(page, /Unauthorized|401/);
  // In the same steps, and in the words of the service.
  const again = page.getByRole('region', { name: 'Test' });
  await expect(again.getByRole('listitem').filter({ hasText: 'Connection: done' })).toBeVisible();
  await expect(again.getByRole('listitem').filter({ hasText: 'Credential: failed' })).toBeVisible();
  await expect(again.getByLabel('What the service said')).toBeVisible();

  await page.getByRole('tab', { name: 'Configure' }).or(page.getByRole('link', { name: 'Configure' })).first().click();
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeVisible();
  await accessible(page);
  const stored = (await api('GET', '/api/v1/integrations/payments')) as { inputs: Record<string, string> };
  expect(stored.inputs.secret_key).toBe('********');
});

test('what a vendor can do has forms, and a list is read over all its pages', async ({ page, api }) => {
  await api('POST', '/api/v1/integrations/register', { integration_id: 'books', connector: 'stripe', inputs: { secret_key: 'sk_test_right' } });
  await page.goto('/integrations/books/try');
  const choose = async (action: string) => {
    await page.getByRole('combobox', { name: 'What to do' }).fill(action);
    await page.getByRole('option', { name: action, exact: true }).click();
  };
  await choose('Create a customer');
  for (const name of ['Ada', 'Grace', 'Edsger']) {
    await page.getByLabel('Name', { exact: true }).fill(name);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await expect(page.getByRole('region', { name: 'Reply' })).toContainText(`"name": "${name}"`);
  }
  await choose('List customers');
  await page.getByLabel('Limit', { exact: true }).fill('2');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Reply' })).toContainText('"has_more": true');
  await page.getByRole('switch', { name: 'Read all pages' }).check();
  await page.getByRole('button', { name: 'Read all pages' }).click();
  const records = page.getByRole('region', { name: 'Records' });
  await expect(records.getByRole('status')).toContainText(/^3 records/);
  await expect(records).toContainText('"name": "Ada"');
  await accessible(page);
  await records.getByRole('link', { name: 'Its calls' }).click();
  const calls = page.getByRole('table', { name: 'Calls' }).getByRole('row');
  await expect(calls.filter({ hasText: 'create customer (POST)' })).toHaveCount(3);
  // Three customers, the first page alone, and all of them in two pages.
  await expect(calls).toHaveCount(1 + 3 + 1 + 2);
  await page.getByLabel('Action').fill('create_customer');
  await expect(page).toHaveURL(/action=create_customer/);
  await expect(calls).toHaveCount(1 + 3);
  await calls.last().getByRole('link').click();
  await expect(fact(page, 'Action')).toHaveText('create customer');
});

test('any other service is added by its protocol', async ({ page, api }) => {
  await page.goto('/add');
  await page.getByRole('link', { name: /REST|HTTP/ }).first().click();
  await page.getByLabel('Integration ID').fill('things');
  await page.getByLabel('Name', { exact: true }).fill('Things');
  const trial = page.getByRole('region', { name: 'Test before saving' });
  await page.getByLabel(/^Base URL/).fill('http://no-such-host.invalid');
  await trial.getByRole('button', { name: 'Test' }).click();
  await expect(trial.getByRole('listitem').filter({ hasText: 'Name of the host (DNS): failed' })).toBeVisible();
  await page.getByLabel(/^Base URL/).fill(service);
  await trial.getByRole('button', { name: 'Test' }).click();
  await expect(trial.getByRole('status')).toContainText('The service answered');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page).toHaveURL(/\/integrations\/things$/);
  await expect(page.getByRole('heading', { name: 'Things' })).toBeVisible();
  await tested(page, /answered/);
  const stored = (await api('GET', '/api/v1/integrations/things')) as Record<string, unknown>;
  expect(stored).toMatchObject({ integration_id: 'things', name: 'Things', type: 'rest', base_url: service });
});

test('what the server refuses is told, and nothing that was typed is lost', async ({ page }) => {
  await page.goto('/add/type/rest');
  await page.getByLabel('Integration ID').fill('things');
  await page.getByLabel(/^Base URL/).fill(service);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('alert')).toContainText('an integration of this id exists');
  await expect(page.getByLabel(/^Base URL/)).toHaveValue(service);
});

test('all of it can be done by keyboard', async ({ page }) => {
  await page.goto('/');
  await expect(page.getByRole('link', { name: 'Add', exact: true })).toBeVisible();
  /** Goes on by tabulator until what is named has the focus, as somebody without a mouse does. */
  const to = async (target: ReturnType<Page['getByRole']>) => {
    for (let tabs = 0; tabs < 60; tabs += 1) {
      await page.keyboard.press('Tab');
      if (await target.evaluate((element) => element === document.activeElement)) {
        return;
      }
    }
    throw new Error(`60 tabs did not lead to ${target}`);
  };
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await to(page.getByRole('link', { name: 'Add', exact: true }));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Add an integration' })).toBeVisible();
  await to(page.getByLabel('Search services and protocols'));
  await page.keyboard.type('rest');
  const rest = page.getByRole('link', { name: /rest/i }).last();
  await to(rest);
  await page.keyboard.press('Enter');
  await to(page.getByLabel('Integration ID'));
  await page.keyboard.type('by-keyboard');
  await to(page.getByLabel(/^Base URL/));
  await page.keyboard.type(service);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/integrations\/by-keyboard$/);
  await expect(page.getByRole('heading', { name: 'by-keyboard' })).toBeVisible();
});

test('what is not known by name leads to what can be added by its protocol', async ({ page }) => {
  await page.goto('/add');
  await page.getByLabel('Search services and protocols').fill('no such service');
  await expect(page.getByRole('status').filter({ hasText: 'no such service' })).toBeVisible();
  await expect(page.getByRole('link', { name: /^REST/ })).toBeVisible();
  await accessible(page);
  await page.goto('/add/type/nope');
  await expect(page.getByRole('heading', { name: 'No such type' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add', exact: true })).toHaveCount(0);
  await page.goto('/integrations/nope');
  await expect(page.getByRole('heading', { name: 'No such integration' })).toBeVisible();
  await page.getByRole('link', { name: 'All integrations' }).click();
  await expect(page).toHaveURL(/\/$/);
});

test('an id that is taken is told at its field, and who takes no webhooks shows no address for them', async ({ page, api }, { testId }) => {
  await api('POST', '/api/v1/integrations/register', { integration_id: testId, type: 'rest', base_url: service });
  await page.goto('/add/type/rest');
  await page.getByLabel('Integration ID').fill(testId);
  await page.getByLabel(/^Base URL/).fill(service);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('listitem').filter({ hasText: /^is taken/ })).toBeVisible();
  // Whose configuration says nothing of webhooks has no address for them.
  await page.goto(`/integrations/${testId}/webhooks`);
  await expect(page.getByText(/^It takes no webhooks/)).toBeVisible();
  await expect(page.getByText('/hooks/')).toHaveCount(0);
  await api('DELETE', `/api/v1/integrations/${testId}`);
});

test('of an account, what its grant needs is asked for, and the rest is folded', async ({ page }) => {
  await page.goto('/add/type/rest');
  await page.getByLabel('Integration ID').fill('by-browser');
  await choose(page.getByLabel('Auth type'), 'oauth2');
  await expect(page.getByLabel('Authorization URL', { exact: true })).toBeHidden();
  await choose(page.getByLabel('Grant type'), 'authorization_code');
  await expect(page.getByLabel('Authorization URL', { exact: true })).toBeVisible();
  await expect(page.getByText('/api/v1/oauth/callback/by-browser')).toBeVisible();
  const more = page.getByRole('button', { name: 'More', exact: true });
  await more.click();
  await expect(page.getByLabel('Revocation URL', { exact: true })).toBeVisible();
  await accessible(page);
});

test('what was typed for another way to authenticate is no part of it, and is there when that is chosen again', async ({ page, api }) => {
  await page.goto('/add/connector/notion');
  await page.getByLabel('ID').fill('pages');
  await page.getByLabel('Token').fill('ntn_typed_first');
  const way = page.getByRole('combobox', { name: 'Way to authenticate' });
  await choose(way, 'Connect with Notion');
  await page.getByLabel('OAuth client ID').fill('client');
  await page.getByLabel('OAuth client secret').fill('of-the-client');
  await choose(way, 'Internal integration token');
  await expect(page.getByLabel('Token')).toHaveValue('ntn_typed_first');
  await choose(way, 'Connect with Notion');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page).toHaveURL(/\/integrations\/pages/);
  await expect(page.getByRole('button', { name: 'Connect with Notion' })).toBeVisible();
  expect(await api('GET', '/api/v1/integrations/pages')).toMatchObject({ auth: 'oauth', inputs: { client_id: 'client' } });
});
