// Connections: what a tenant has of its own, from adding it to removing it; where two people save, the second one chooses.
import { accessible, choose, expect, fact, type Page, picture, test, told } from './base';

const SHOP = '/api/v1/integrations/shop';

/** Who the service says it was called by, through a connection. */
const through = (connection: string) => ({ endpoint: '/who', connection });

/** The page of a connection, once its form is there. */
async function open(page: Page, name: string): Promise<void> {
  await page.goto(`/integrations/shop/connections/${name}`);
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeVisible();
}

const save = (page: Page) => page.getByRole('button', { name: 'Save', exact: true }).click();

/** Chooses whether a connection takes calls. */
async function turn(page: Page, to: 'On' | 'Off'): Promise<void> {
  await choose(page.getByLabel('Enabled', { exact: true }), to);
}

test('one is added with a credential of its own, is checked, and is called with it', async ({ page, api }) => {
  await page.goto('/integrations/shop/connections');
  await page.getByRole('link', { name: 'Add', exact: true }).click();
  await page.getByRole('textbox', { name: 'Connection' }).fill('no good name');
  await expect(page.getByText(/letters A-Z .* no spaces/)).toBeVisible();
  await page.getByRole('textbox', { name: 'Connection' }).fill('acme');
  await page.getByLabel('Description', { exact: true }).fill('A tenant');
  await page.getByLabel('Token', { exact: true }).fill('canary-of-acme');
  await accessible(page);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('acme is added')).toBeVisible();
  await expect(page).toHaveURL(/\/connections\/acme$/);
  await expect(fact(page, 'Why')).toHaveText('answered');
  await page.getByRole('button', { name: 'Run the test' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'Credential: done' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Run the test' })).toBeFocused();
  expect(await page.content()).not.toContain('canary');
  expect(await api('POST', `${SHOP}/call`, through('acme'))).toMatchObject({ authorization: 'Bearer canary-of-acme' });
  expect(await api('POST', `${SHOP}/call`, through('default'))).toMatchObject({ authorization: 'Bearer of-all' });
  await page.getByRole('link', { name: 'Connections', exact: true }).first().click();
  const tenant = page.getByRole('list', { name: 'Connections' }).getByRole('listitem').filter({ hasText: 'acme' });
  await expect(tenant).toContainText('A tenant');
  await expect(tenant).toContainText('last call went well');
  await expect(tenant).toContainText('healthy');
  await page.getByLabel('Search connections').fill('nobody');
  await expect(page.getByText('No connection fits.')).toBeVisible();
  await page.getByLabel('Search connections').fill('ACM');
  await expect(tenant).toBeVisible();
});

test('a request is tried through one', async ({ page }) => {
  await page.goto('/integrations/shop/try');
  await page.getByRole('combobox', { name: 'Connection' }).fill('acme');
  await page.getByRole('option', { name: 'acme' }).click();
  await page.getByLabel('Path', { exact: true }).fill('/who');
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await expect(page.getByText('Bearer canary-of-acme')).toBeVisible();
});

test('what is changed is saved, and what is off refuses calls', async ({ page, api, sent }) => {
  await open(page, 'acme');
  await page.getByLabel('Description', { exact: true }).fill('Another tenant');
  await turn(page, 'Off');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ description: 'Another tenant', enabled: false });
  expect((await sent('POST', `${SHOP}/call`, through('acme'))).headers()['trunkline-error']).toBe('disabled');
  await turn(page, 'On');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(async () => {
    expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ enabled: true });
  }).toPass();
  expect(await api('POST', `${SHOP}/call`, through('acme'))).toMatchObject({ authorization: 'Bearer canary-of-acme' });
});

test('one says whether it is on where nothing says so, and is checked again by hand', async ({ page, api }) => {
  await api('POST', `${SHOP}/connections`, { connection: 'plain' });
  await page.goto('/integrations/shop/connections');
  const tenant = page.getByRole('list', { name: 'Connections' }).getByRole('listitem').filter({ hasText: 'plain' });
  await expect(tenant).toContainText('unknown: nobody has called or checked it yet');
  await accessible(page);
  await open(page, 'plain');
  await expect(page.getByLabel('Enabled', { exact: true })).toHaveText('Default (on)');
  await expect(fact(page, 'Why')).toHaveText('answered');
  await api('PATCH', SHOP, { probe: { endpoint: '/down' } });
  await page.getByRole('button', { name: 'Check again' }).click();
  await expect(fact(page, 'Why')).not.toHaveText('answered');
  await expect(page.getByRole('region', { name: 'Health' })).toContainText('503');
  await api('PATCH', SHOP, { probe: { endpoint: '/up' } });
  await page.getByRole('button', { name: 'Check again' }).click();
  await expect(fact(page, 'Why')).toHaveText('answered');
});

test('a check that takes long is cancelled, and the keyboard stays on its button', async ({ page }) => {
  await open(page, 'plain');
  await expect(fact(page, 'Why')).toHaveText('answered');
  const isHealth = (url: URL) => url.pathname.endsWith('/health');
  // It never comes to its end by itself.
  await page.route(isHealth, () => {});
  const health = page.getByRole('region', { name: 'Health' });
  await health.getByRole('button', { name: 'Check again' }).click();
  const given = page.waitForEvent('requestfailed', (request) => isHealth(new URL(request.url())));
  await expect(health.getByRole('progressbar')).toBeVisible();
  await health.getByRole('button', { name: 'Cancel' }).press('Enter');
  await given;
  await expect(health.getByRole('button', { name: 'Check again' })).toBeFocused();
  await expect(fact(page, 'Why')).toHaveText('answered');
  await page.unroute(isHealth);
  await health.getByRole('button', { name: 'Check again' }).press('Enter');
  await expect(health.getByRole('progressbar')).toHaveCount(0);
  await expect(health.getByRole('button', { name: 'Check again' })).toBeFocused();
});

test('the first check of a page is cancelled too', async ({ page }) => {
  const isHealth = (url: URL) => url.pathname.endsWith('/health');
  await page.route(isHealth, () => {});
  await open(page, 'plain');
  const health = page.getByRole('region', { name: 'Health' });
  await health.getByRole('button', { name: 'Cancel' }).click();
  await expect(health).toContainText('Cancelled: nothing is known yet.');
  await page.unroute(isHealth);
  await health.getByRole('button', { name: 'Check again' }).click();
  await expect(fact(page, 'Why')).toHaveText('answered');
});

test('more connections are shown by the keyboard, which goes to the first of them where there are no more', async ({ page, api }, { testId }) => {
  await api('POST', '/api/v1/integrations/register', { integration_id: testId, type: 'rest', base_url: ((await api('GET', SHOP)) as { base_url: string }).base_url });
  for (let tenant = 10; tenant < 65; tenant += 1) {
    await api('POST', `/api/v1/integrations/${testId}/connections`, { connection: `tenant-${tenant}` });
  }
  await page.goto(`/integrations/${testId}/connections`);
  const tenants = page.getByRole('list', { name: 'Connections' }).getByRole('listitem');
  // The default one is beside the fifty that a page has.
  await expect(tenants).toHaveCount(51);
  await page.getByRole('button', { name: 'Show more' }).press('Enter');
  await expect(tenants).toHaveCount(56);
  await expect(tenants.nth(51).getByRole('link').first()).toBeFocused();
});

test('where the integration is removed meanwhile, what was typed can be copied', async ({ page, context, api }, { testId }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  const begin = async () => {
    await api('POST', '/api/v1/integrations/register', { integration_id: testId, type: 'rest', base_url: ((await api('GET', SHOP)) as { base_url: string }).base_url });
    await api('POST', `/api/v1/integrations/${testId}/connections`, { connection: 'acme' });
  };
  const removed = page.getByRole('alert').filter({ hasText: 'was removed meanwhile' });
  for (const path of ['connections/acme', 'connect']) {
    await begin();
    await page.goto(`/integrations/${testId}/${path}`);
    await page.getByLabel('Description', { exact: true }).fill('Typed before');
    await api('DELETE', `/api/v1/integrations/${testId}`);
    await removed.getByRole('button', { name: 'Copy it' }).click();
    await expect(page.getByText('Copied', { exact: true })).toBeVisible();
    expect(JSON.parse(await clipboard())).toMatchObject({ description: 'Typed before' });
    await expect(page.getByRole('button', { name: path === 'connect' ? 'Add' : 'Save', exact: true })).toBeDisabled();
    await accessible(page);
  }
  await begin();
  await page.goto(`/integrations/${testId}/try`);
  await page.getByLabel('Path', { exact: true }).fill('/typed/before');
  await api('DELETE', `/api/v1/integrations/${testId}`);
  await removed.getByRole('button', { name: 'Copy it' }).click();
  await expect.poll(clipboard).toContain('/typed/before');
});

test('the values that an integration leaves open are fields, and those of credentials are not shown', async ({ page, api }, { testId }) => {
  const { base_url } = (await api('GET', SHOP)) as { base_url: string };
  await api('POST', '/api/v1/integrations/register', {
    integration_id: testId,
    type: 'rest',
    base_url: `${base_url}/{{connection.site}}`,
    auth_type: 'bearer',
    auth_config: { token: '{{connection.pass}}' },
  });
  await page.goto(`/integrations/${testId}/connect`);
  await page.getByRole('textbox', { name: 'Connection' }).fill('acme');
  await page.getByLabel('Site', { exact: true }).fill('of-acme');
  const pass = page.getByLabel('Pass', { exact: true });
  await expect(pass).toHaveAttribute('type', 'password');
  await pass.fill('canary-of-acme');
  await accessible(page);
  await picture(page, 'values');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('acme is added')).toBeVisible();
  const call = () => api('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/who', connection: 'acme' });
  expect(await call()).toEqual({ path: '/of-acme/who', authorization: 'Bearer canary-of-acme' });
  await expect(page.getByLabel('Site', { exact: true })).toHaveValue('of-acme');
  await expect(pass).toHaveValue('');
  await page.getByLabel('Site', { exact: true }).fill('another');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await call()).toEqual({ path: '/another/who', authorization: 'Bearer canary-of-acme' });
});

test('the inputs that an integration of a vendor leaves open are asked for in the words of its connector', async ({ page, api }, { testId }) => {
  await api('POST', '/api/v1/integrations/register', { integration_id: testId, connector: 'jira', inputs: { site: 'acme' } });
  await page.goto(`/integrations/${testId}/connect`);
  await page.getByRole('textbox', { name: 'Connection' }).fill('acme');
  await expect(page.getByLabel('Site', { exact: true })).toHaveCount(0);
  await page.getByLabel('Email', { exact: true }).fill('nobody');
  await expect(page.getByText(/does not have the form that is wanted, such as ada@acme/)).toBeVisible();
  await page.getByLabel('Email', { exact: true }).fill('ada@acme.example');
  await page.getByLabel('API token', { exact: true }).fill('canary-of-acme');
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('acme is added')).toBeVisible();
  const { values } = (await api('GET', `/api/v1/integrations/${testId}/connections/acme`)) as { values: object };
  expect(Object.keys(values).sort()).toEqual(['api_token', 'email']);
});

test.describe('where the server cannot be reached', () => {
  test.use({ expected: [/ERR_INTERNET_DISCONNECTED/] });

  test('what cannot be added stays as it was typed, also from those who would leave', async ({ page, context, api }) => {
    await page.goto('/integrations/shop/connect');
    await page.getByRole('textbox', { name: 'Connection' }).fill('later');
    await page.getByLabel('Token', { exact: true }).fill('typed-once');
    await context.setOffline(true);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText('the server did not answer');
    await page.getByRole('tab', { name: 'Overview' }).click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).getByRole('button', { name: 'Stay' }).click();
    await context.setOffline(false);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(page.getByText('later is added')).toBeVisible();
    expect(await api('POST', `${SHOP}/call`, through('later'))).toMatchObject({ authorization: 'Bearer typed-once' });
  });
});

test('of two who save, the second chooses, and nothing of either is lost unasked', async ({ page, context, api }) => {
  const other = await context.newPage();
  await open(page, 'acme');
  await open(other, 'acme');
  await other.getByLabel('Description', { exact: true }).fill('Theirs');
  await save(other);
  await expect(other.getByText(/^Saved/)).toBeVisible();
  await page.getByLabel('Description', { exact: true }).fill('Mine');
  await turn(page, 'Off');
  await save(page);
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed this connection' });
  await expect(dialog.getByRole('row', { name: /^Description Mine Theirs/ })).toContainText('both changed it');
  await accessible(page);
  await dialog.getByRole('button', { name: 'Back to the form' }).click();
  await expect(page.getByLabel('Description', { exact: true })).toHaveValue('Mine');
  expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ description: 'Theirs' });
  await save(page);
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ description: 'Mine', enabled: false });
  await turn(page, 'On');
  await save(page);
  await expect.poll(() => api('GET', `${SHOP}/connections/acme`)).toMatchObject({ enabled: true });
});

test('where both typed a credential, the second is asked, and neither is shown', async ({ page, context, api }) => {
  const other = await context.newPage();
  await open(page, 'acme');
  await open(other, 'acme');
  await other.getByLabel('Token', { exact: true }).fill('canary-of-theirs');
  await save(other);
  await expect(other.getByText(/^Saved/)).toBeVisible();
  await page.getByLabel('Token', { exact: true }).fill('canary-of-mine');
  await save(page);
  const dialog = page.getByRole('dialog', { name: 'Somebody else changed this connection' });
  await expect(dialog.getByRole('row', { name: /another secret/ })).toContainText('both changed it');
  await expect(dialog).not.toContainText('canary');
  expect(await api('POST', `${SHOP}/call`, through('acme'))).toMatchObject({ authorization: 'Bearer canary-of-theirs' });
  await dialog.getByRole('button', { name: 'Keep mine' }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('POST', `${SHOP}/call`, through('acme'))).toMatchObject({ authorization: 'Bearer canary-of-mine' });
});

test('where a token is revoked meanwhile, nothing that was typed is lost, whatever others saved', async ({ page, api }) => {
  const made = (await api('POST', '/api/v1/tokens', { name: 'of a connection' })) as { id: string; token: string };
  await open(page, 'acme');
  await page.evaluate((token) => sessionStorage.setItem('trunkline.token', token), made.token);
  await page.getByLabel('Description', { exact: true }).fill('Typed before');
  await api('PATCH', `${SHOP}/connections/acme`, { metadata: { of: 'theirs' } });
  await api('DELETE', `/api/v1/tokens/${made.id}`);
  await save(page);
  await page.getByLabel('API token').fill(told('TRUNKLINE_TOKEN'));
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Description', { exact: true })).toHaveValue('Typed before');
  await expect(page.getByLabel('Metadata (JSON)')).toHaveValue(/theirs/);
  await save(page);
  await expect.poll(() => api('GET', `${SHOP}/connections/acme`)).toMatchObject({ description: 'Typed before', metadata: { of: 'theirs' } });
});

test('where it is removed meanwhile, what was typed stays and is added anew', async ({ page, api }) => {
  await api('POST', `${SHOP}/connections`, { connection: 'short', auth_config: { token: 'of-short' } });
  await open(page, 'short');
  await page.getByLabel('Description', { exact: true }).fill('Typed before');
  await api('DELETE', `${SHOP}/connections/short`);
  await save(page);
  await expect(page.getByRole('alert').filter({ hasText: 'This connection was removed meanwhile' })).toBeVisible();
  await page.getByLabel('Token', { exact: true }).fill('typed-anew');
  await page.getByRole('button', { name: 'Add it anew' }).click();
  await expect(page.getByText('short is added')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeVisible();
  expect(await api('GET', `${SHOP}/connections/short`)).toMatchObject({ description: 'Typed before' });
  expect(await api('POST', `${SHOP}/call`, through('short'))).toMatchObject({ authorization: 'Bearer typed-anew' });
});

test('one is removed, after a question, and calls that name it fail', async ({ page, api, sent }) => {
  await open(page, 'acme');
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Remove acme?' });
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect(dialog).toHaveCount(0);
  expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ connection: 'acme' });
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await dialog.getByRole('button', { name: 'Remove' }).click();
  await expect(page.getByText('acme is removed')).toBeVisible();
  await expect(page.getByRole('list', { name: 'Connections' })).not.toContainText('acme');
  expect((await sent('GET', `${SHOP}/connections/acme`)).status()).toBe(404);
  expect((await sent('POST', `${SHOP}/call`, through('acme'))).headers()['trunkline-error']).toBe('unknown_connection');
});
