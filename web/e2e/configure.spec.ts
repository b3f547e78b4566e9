// Configuring: what is saved is what was changed, and where two people save, the second one chooses.
import { accessible, expect, type Page, settled, test, told } from './base';

const service = told('HTTPBIN_URL');

interface Stored {
  name: string;
  description?: string;
}

type Data = Record<string, unknown>;

async function open(page: Page, id: string): Promise<void> {
  await page.goto(`/integrations/${id}/configure`);
  await expect(page.getByLabel('Name', { exact: true })).toBeEnabled();
}

const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true }).click();

test.beforeEach(async ({ api }, { testId }) => {
  await api('POST', '/api/v1/integrations/register', {
    integration_id: testId,
    name: 'Shop',
    type: 'rest',
    base_url: service,
    auth_type: 'bearer',
    auth_config: { token: 'canary-of-the-token' },
  });
});

test('a change is saved, and the secret stays what it was and is never shown', async ({ page, api }, { testId }) => {
  await open(page, testId);
  expect(await page.content()).not.toContain('canary');
  await page.getByLabel('Name', { exact: true }).fill('Another shop');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Another shop' })).toBeVisible();
  expect(await api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/bearer' })).toMatchObject({
    token: 'canary-of-the-token',
  });
});

/** The page of somebody, while somebody else has saved another description. */
async function conflict(page: Page, other: Page, id: string): Promise<void> {
  await open(page, id);
  await open(other, id);
  await other.getByLabel('Description', { exact: true }).fill('Theirs');
  await save(other);
  await expect(other.getByText(/^Saved/)).toBeVisible();
  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await save(page);
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed this integration' });
  await expect(dialog).toContainText('Mine');
  await expect(dialog).toContainText('Theirs');
}

test('what was typed stays while the integration is switched, and is saved as it is switched', async ({ page, api }, { testId }) => {
  await open(page, testId);
  await page.getByLabel('Description', { exact: true }).fill('Typed before');
  await page.getByRole('switch', { name: 'Shop is on' }).click();
  await expect(page.getByText('Shop is off')).toBeVisible();
  await settled(page);
  await expect(page.getByLabel('Description', { exact: true })).toHaveValue('Typed before');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  expect(await api('GET', `/api/v1/integrations/${testId}`)).toMatchObject({ description: 'Typed before', enabled: false });
});

test('where both changed the same, the second sees it and their own holds', async ({ page, context, api }, { testId }) => {
  const other = await context.newPage();
  await open(page, testId);
  await open(other, testId);
  await other.getByLabel('Name', { exact: true }).fill('Theirs');
  await save(other);
  await expect(other.getByText(/^Saved/)).toBeVisible();
  await page.getByLabel('Name', { exact: true }).fill('Mine');
  await save(page);
  await expect(page.getByRole('dialog').getByRole('row', { name: /^Name Mine Theirs/ })).toContainText('both changed it');
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('GET', `/api/v1/integrations/${testId}`)).toMatchObject({ name: 'Mine' });
});

test('where both typed a secret, the second is asked, and neither secret is shown', async ({ page, context, api }, { testId }) => {
  const other = await context.newPage();
  await open(page, testId);
  await open(other, testId);
  await other.getByLabel(/^Token/).fill('canary-of-theirs');
  await save(other);
  await expect(other.getByText(/^Saved/)).toBeVisible();
  await page.getByLabel(/^Token/).fill('canary-of-mine');
  await save(page);
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed this integration' });
  await expect(dialog.getByRole('row', { name: /another secret/ })).toContainText('both changed it');
  await expect(dialog).not.toContainText('canary');
  const token = async () => ((await api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/bearer' })) as { token: string }).token;
  expect(await token()).toBe('canary-of-theirs');
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await token()).toBe('canary-of-mine');
});

test('what fields are for is told to those who do not see it', async ({ page }, { testId }) => {
  await open(page, testId);
  await expect(page.getByLabel(/^Base URL/)).toHaveAccessibleDescription(/https:/);
  await expect(page.getByLabel(/^Token/)).toHaveAccessibleDescription(/\w+/);
  await expect(page.getByLabel('Auth type', { exact: true })).toHaveAccessibleDescription(/shows the service who it is/);
});

test('of two who save, the second can take what the first one saved', async ({ page, context, api }, { testId }) => {
  await conflict(page, await context.newPage(), testId);
  await accessible(page);
  await page.getByRole('button', { name: 'Take theirs' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByLabel('Description', { exact: true })).toHaveValue('Theirs');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Shop');
  expect((await api('GET', `/api/v1/integrations/${testId}`)) as Stored).toMatchObject({ name: 'Shop', description: 'Theirs' });
});

test('of two who save, the second can keep their own beside what only the first one changed', async ({ page, context, api }, { testId }) => {
  await conflict(page, await context.newPage(), testId);
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  const stored = (await api('GET', `/api/v1/integrations/${testId}`)) as Stored;
  expect(stored.name).toBe('Mine');
  expect(stored.description).toBe('Theirs');
});

test('of two who save, the second can go back to what they typed', async ({ page, context }, { testId }) => {
  await conflict(page, await context.newPage(), testId);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Mine');
});

test('nothing changes but what was changed, in the form that it was written in', async ({ page, api }, { testId }) => {
  const before: Data = { ...((await api('GET', `/api/v1/integrations/${testId}`)) as Data), rate_limit: { requests: 5, per: 1 }, timeout: 2.5 };
  delete before.state;
  await api('PUT', `/api/v1/integrations/${testId}`, before);
  await open(page, testId);
  await page.getByLabel('Name', { exact: true }).fill('Renamed');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  const { state: _, ...after } = (await api('GET', `/api/v1/integrations/${testId}`)) as Data;
  expect(after).toEqual({ ...before, name: 'Renamed' });
});

test('a setting is added and taken away as a whole', async ({ page, api }, { testId }) => {
  await open(page, testId);
  const add = async (setting: string) => {
    await page.getByLabel('Add a setting').fill(setting);
    await page.getByRole('option', { name: setting, exact: true }).click();
  };
  await add('Cache config');
  await page.getByRole('button', { name: 'Remove Cache config' }).click();
  await add('TLS');
  await expect(page.getByRole('button', { name: /^Advanced/ })).toHaveAttribute('aria-expanded', 'true');
  await page.getByRole('button', { name: 'Remove TLS' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Plain');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  const stored = (await api('GET', `/api/v1/integrations/${testId}`)) as Data;
  expect(Object.keys(stored)).not.toContain('cache_config');
  expect(Object.keys(stored)).not.toContain('tls');
});

test('what the server refuses stands at its field, and nothing that was typed is lost', async ({ page }) => {
  await page.goto('/add/type/rest');
  await page.getByLabel('Integration ID').fill('typed');
  await page.getByLabel('Name', { exact: true }).fill('Typed');
  await page.getByLabel(/^Base URL/).fill('ftp://elsewhere');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('alert').first()).toContainText('base_url: must begin with https:// or http://');
  await expect(page.getByRole('listitem').filter({ hasText: /^must begin with https:\/\/ or http:\/\/$/ })).toBeVisible();
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Typed');
});

test.describe('where the server cannot be reached', () => {
  test.use({ expected: [/ERR_INTERNET_DISCONNECTED/] });

  const silent = 'the server did not answer';

  test('what cannot be added stays as it was typed, and is added afterwards', async ({ page, context, api }, { testId }) => {
    const id = `${testId}-new`;
    await page.goto('/add/type/rest');
    await page.getByLabel('Integration ID').fill(id);
    await page.getByLabel(/^Base URL/).fill(service);
    await page.getByLabel('Auth type').click();
    await page.getByRole('option', { name: 'bearer', exact: true }).click();
    await page.getByLabel(/^Token/).fill('typed-once');
    await context.setOffline(true);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText(silent);
    await expect(page.getByLabel('Integration ID')).toHaveValue(id);
    await expect(page.getByLabel(/^Token/)).toHaveValue('typed-once');
    await context.setOffline(false);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`/integrations/${id}$`));
    expect(await api('POST', `/api/v1/integrations/${id}/call`, { endpoint: '/bearer' })).toMatchObject({ token: 'typed-once' });
  });

  test('what cannot be saved stays as it was typed, and is saved afterwards', async ({ page, context, api }, { testId }) => {
    await open(page, testId);
    await page.getByLabel('Name', { exact: true }).fill('Renamed');
    await page.getByLabel(/^Token/).fill('another');
    await context.setOffline(true);
    await save(page);
    await expect(page.getByRole('alert')).toContainText(silent);
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Renamed');
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Stay' }).click();
    await context.setOffline(false);
    await save(page);
    await expect(page.getByText(/^Saved/)).toBeVisible();
    expect((await api('GET', `/api/v1/integrations/${testId}`)) as Stored).toMatchObject({ name: 'Renamed' });
    expect(await api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/bearer' })).toMatchObject({ token: 'another' });
  });
});

test('where a token is revoked meanwhile, the page asks for another, and nothing that was typed is lost', async ({ page, api }, { testId }) => {
  const made = (await api('POST', '/api/v1/tokens', { name: testId })) as { id: string; token: string };
  await open(page, testId);
  await page.evaluate((token) => sessionStorage.setItem('trunkline.token', token), made.token);
  await page.getByLabel('Name', { exact: true }).fill('Typed before');
  await api('DELETE', `/api/v1/tokens/${made.id}`);
  await save(page);
  await expect(page.getByLabel('API token')).toBeFocused();
  await accessible(page);
  await page.getByLabel('API token').fill(told('TRUNKLINE_TOKEN'));
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Typed before');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect((await api('GET', `/api/v1/integrations/${testId}`)) as Stored).toMatchObject({ name: 'Typed before' });
});

test('leaving asks where something is not saved', async ({ page }, { testId }) => {
  await open(page, testId);
  const overview = page.getByRole('link', { name: 'Overview' }).or(page.getByRole('tab', { name: 'Overview' })).first();
  await page.getByLabel('Name', { exact: true }).fill('Not saved');
  await overview.click();
  const dialog = page.getByRole('dialog', { name: 'Leave without saving?' });
  await expect(dialog.getByRole('button', { name: 'Stay' })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Not saved');
  await overview.click();
  await dialog.getByRole('button', { name: 'Leave' }).click();
  await expect(page).toHaveURL(new RegExp(`/integrations/${testId}$`));
});

test('the inputs of a connector are a form, in which a secret is not shown but replaced', async ({ page, api }, { testId }) => {
  const id = `${testId}-stripe`;
  const inputs = { secret_key: 'sk_test_canary', account: 'acct_1' };
  await api('POST', '/api/v1/integrations/register', { integration_id: id, connector: 'stripe', inputs });
  await open(page, id);
  await expect(page.getByLabel('Connected account')).toHaveValue('acct_1');
  expect(await page.content()).not.toContain('canary');
  const key = page.getByLabel('Secret key');
  await expect(key).toHaveAttribute('type', 'password');
  await expect(key).toHaveValue('');
  await page.getByLabel('Connected account').fill('acct_2');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  const stored = (await api('GET', `/api/v1/integrations/${id}`)) as Data;
  expect(stored.inputs).toEqual({ secret_key: '********', account: 'acct_2' });
});

test('what is no JSON yet is led to, and nothing is saved without it', async ({ page, api }, { testId }) => {
  await open(page, testId);
  await page.getByLabel('Add a setting').fill('metadata');
  await page.getByRole('option', { name: /metadata/i }).click();
  const field = page.getByLabel('Metadata (JSON)');
  await field.fill('{"of": "sales",');
  await save(page);
  await expect(field).toBeFocused();
  await expect(page.getByText('not JSON yet')).toBeVisible();
  await field.fill('{"of": "sales"}');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('GET', `/api/v1/integrations/${testId}`)).toMatchObject({ metadata: { of: 'sales' } });
});
