// Connections: what a tenant has of its own, from adding it to removing it.
import { accessible, expect, fact, type Page, test } from './base';

const SHOP = '/api/v1/integrations/shop';

/** Who the service says it was called by, through a connection. */
const through = (connection: string) => ({ endpoint: '/who', connection });

/** The page of a connection, once its form is there. */
async function open(page: Page, name: string): Promise<void> {
  await page.goto(`/integrations/shop/connections/${name}`);
  await expect(page.getByRole('button', { name: 'Save', exact: true })).toBeVisible();
}

/** Chooses whether a connection takes calls. */
async function turn(page: Page, to: 'On' | 'Off'): Promise<void> {
  await page.getByLabel('Enabled', { exact: true }).click();
  await page.getByRole('option', { name: to, exact: true }).click();
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

test('of two who save, the second is told, and nothing of the first is lost', async ({ page, context, api }) => {
  const other = await context.newPage();
  await open(page, 'acme');
  await open(other, 'acme');
  await other.getByLabel('Description', { exact: true }).fill('Theirs');
  await other.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(other.getByText(/^Saved/)).toBeVisible();
  await page.getByLabel('Description', { exact: true }).fill('Mine');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/Somebody else changed this connection/)).toBeVisible();
  expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ description: 'Theirs' });
  await page.getByRole('button', { name: 'Load it again' }).click();
  await expect(page.getByLabel('Description', { exact: true })).toHaveValue('Theirs');
  await page.getByLabel('Description', { exact: true }).fill('Mine');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText(/^Saved/)).toBeVisible();
  expect(await api('GET', `${SHOP}/connections/acme`)).toMatchObject({ description: 'Mine' });
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
