// Configuring: what is saved is what was changed, and where two people save, the second one chooses.
import { accessible, choose, expect, type Page, picture, settled, test, told } from './base';

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

test('a number that JavaScript has no room for stays what it is, and is saved as it is typed', async ({ page, sent }, { testId }) => {
  const path = `/api/v1/integrations/${testId}`;
  const stored = async () => (await sent('GET', path)).text();
  await sent('PATCH', path, '{"metadata": {"account": 12345678901234567890}}');
  await open(page, testId);
  await page.getByLabel('Name', { exact: true }).fill('Renamed');
  await save(page);
  await expect(page.getByRole('heading', { name: 'Renamed' })).toBeVisible();
  expect(await stored()).toContain('"account":12345678901234567890');
  await page.getByRole('button', { name: /^Advanced/ }).click();
  const field = page.getByLabel('Metadata (JSON)');
  await expect(field).toHaveValue(/"account": 12345678901234567890/);
  await field.fill('{"account": 12345678901234567890, "other": -9007199254740993}');
  await save(page);
  await expect.poll(stored).toContain('"other":-9007199254740993');
  expect(await stored()).toContain('"account":12345678901234567890');
  // The server has no room for more than 64 bits: it says so, and stores nothing that is only nearly the same.
  const whole = await stored();
  await field.fill('{"account": 18446744073709551616}');
  await save(page);
  await expect(page.getByText(/too large to be stored as it is/).first()).toBeVisible();
  await expect(field).toHaveValue('{"account": 18446744073709551616}');
  expect(JSON.parse(await stored()).metadata).toEqual(JSON.parse(whole).metadata);
});

test('what is typed while a save runs is there when it is done, and the keyboard is where it was', async ({ page, api }, { testId }) => {
  await open(page, testId);
  const [name, description] = [page.getByLabel('Name', { exact: true }), page.getByLabel('Description', { exact: true })];
  let go = () => {};
  const held = new Promise<void>((done) => (go = done));
  await page.route(`**/api/v1/integrations/${testId}`, async (route) => {
    if (route.request().method() === 'PUT') {
      await held;
    }
    await route.continue();
  });
  await name.fill('Renamed');
  await page.getByLabel(/^Token/).fill('another');
  await page.getByLabel(/^Token/).press('Enter');
  await description.pressSequentially('Typed mean');
  go();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  await expect(page.getByLabel(/^Token/)).toHaveValue('');
  await description.pressSequentially('while');
  await expect(description).toHaveValue('Typed meanwhile');
  expect(await api('GET', `/api/v1/integrations/${testId}`)).not.toHaveProperty('description');
  await save(page);
  await expect.poll(() => api('GET', `/api/v1/integrations/${testId}`)).toMatchObject({ name: 'Renamed', description: 'Typed meanwhile' });
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeFocused();
  expect(await api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/bearer' })).toMatchObject({ token: 'another' });
});

test('where the integration is removed meanwhile, what was typed stays and is added anew', async ({ page, context, api }, { testId }) => {
  await open(page, testId);
  await page.getByLabel('Name', { exact: true }).fill('Typed before');
  await api('DELETE', `/api/v1/integrations/${testId}`);
  await expect(page.getByRole('alert')).toContainText('This integration was removed meanwhile');
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('Typed before');
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('alert').getByRole('button', { name: 'Copy it' }).click();
  await expect(page.getByText('Copied', { exact: true })).toBeVisible();
  expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toMatchObject({ name: 'Typed before' });
  await settled(page);
  await picture(page, 'removed');
  await accessible(page);
  await page.getByLabel(/^Token/).fill('typed-anew');
  await page.getByRole('button', { name: 'Add it anew' }).click();
  await expect(page).toHaveURL(new RegExp(`/integrations/${testId}$`));
  await expect(page.getByRole('heading', { name: 'Typed before' })).toBeVisible();
  expect(await api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/bearer' })).toMatchObject({ token: 'typed-anew' });
});

test('who looks at another way to authenticate finds what was typed for the first one', async ({ page, api }, { testId }) => {
  await open(page, testId);
  const take = async (way: string) => {
    await choose(page.getByRole('combobox', { name: 'Auth type' }), way);
  };
  await page.getByLabel(/^Token/).fill('typed-once');
  await take('basic');
  await page.getByLabel('Username').fill('somebody');
  await take('bearer');
  await expect(page.getByLabel(/^Token/)).toHaveValue('typed-once');
  await take('basic');
  await expect(page.getByLabel('Username')).toHaveValue('somebody');
  await take('bearer');
  await save(page);
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/bearer' })).toMatchObject({ token: 'typed-once' });
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test('both versions are looked through with the keyboard alone', async ({ page, context }, { testId }) => {
    await conflict(page, await context.newPage(), testId);
    const both = page.getByRole('region', { name: 'What both changed' });
    await picture(page, 'conflict-phone');
    await both.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => both.evaluate(({ scrollLeft }) => scrollLeft)).toBeGreaterThan(0);
    await accessible(page);
  });
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
    await choose(page.getByLabel('Auth type'), 'bearer');
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

test('limits of a rate are fields, one or several, and JSON where one wants that', async ({ page, api }, { testId }) => {
  const stored = async () => ((await api('GET', `/api/v1/integrations/${testId}`)) as Data).rate_limit;
  const limit = (at: number) => page.getByRole('group', { name: `Rate limit ${at}` });
  const field = (at: number, name: string) => limit(at).getByLabel(name, { exact: true });
  await open(page, testId);
  await page.getByLabel('Add a setting').fill('rate');
  await page.getByRole('option', { name: 'Rate limit' }).click();
  await field(1, 'Requests').fill('0');
  await expect(limit(1)).toContainText('is at least 1');
  await save(page);
  await expect(field(1, 'Requests')).toBeFocused();
  expect(await stored()).toBeUndefined();
  await field(1, 'Requests').fill('10');
  await field(1, 'Per').fill('1m');
  await field(1, 'Burst').fill('2');
  await accessible(page);
  await save(page);
  await expect.poll(stored).toEqual({ requests: 10, per: '1m', burst: 2 });

  await page.getByRole('button', { name: 'Rate limit: one more' }).click();
  await field(2, 'Requests').fill('1000');
  await field(2, 'Per').fill('24h');
  await limit(2).getByRole('button', { name: 'More' }).click();
  await field(2, 'Max wait').fill('3s');
  await accessible(page);
  await picture(page, 'limits-in-fields');
  await save(page);
  await expect.poll(stored).toEqual([{ requests: 10, per: '1m', burst: 2 }, { requests: 1000, per: '24h', max_wait: '3s' }]);

  await limit(1).getByRole('button', { name: 'Remove Rate limit 1' }).click();
  await page.getByRole('button', { name: 'Rate limit as JSON' }).click();
  const text = page.getByLabel('Rate limit (JSON)');
  await expect(text).toHaveValue(/^\[\s+\{[^]*"requests": 1000/);
  await text.fill('{"requests": 5, "per": 1, "weights": {"POST": 2}}');
  await page.getByRole('button', { name: 'Rate limit in fields' }).click();
  await expect(field(1, 'Per')).toHaveValue('1');
  await field(1, 'Requests').fill('6');
  await save(page);
  // What nobody touched is as it was written.
  await expect.poll(stored).toEqual({ requests: 6, per: 1, weights: { POST: 2 } });
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
