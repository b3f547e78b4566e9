// Connecting an account: signing in and agreeing at the provider, coming back, and what happens when the account is gone.
import { accessible, choose, expect, type Page, picture, test, told } from './base';

const SHOP = '/api/v1/integrations/shop';

test.use({ elsewhere: [new URL(told('PROVIDER_URL')).origin] });

/** Where the person is after they were sent to the provider, and have signed in and agreed. */
async function agree(page: Page, button: string): Promise<void> {
  await page.getByRole('button', { name: button }).click();
  await expect(page.getByRole('heading', { name: 'Sign in and agree' })).toBeVisible();
  await page.getByLabel('Name').fill('alice');
  await page.getByRole('button', { name: 'Agree' }).click();
  await expect(page.getByRole('heading', { name: 'is connected' })).toBeVisible();
}

const resource = { endpoint: '/resource' };

test('a person connects an account, comes back, and calls are made in their name', async ({ page, api, sent }) => {
  expect((await sent('POST', `${SHOP}/call`, resource)).headers()['trunkline-error']).toBe('needs_reauth');
  await page.goto('/integrations/shop');
  await expect(page.getByText('No account is connected yet')).toBeVisible();
  await agree(page, 'Connect an account');
  await picture(page, 'connected');
  await accessible(page);
  await page.getByRole('link', { name: 'go back to Trunkline' }).click();
  await expect(page).toHaveURL(/\/integrations\/shop$/);
  await expect(page.getByText('An account is connected.')).toBeVisible();
  expect(await api('GET', `${SHOP}/oauth`)).toMatchObject({ state: 'connected', scope: 'read' });
  expect(await api('POST', `${SHOP}/call`, resource)).toMatchObject({ person: 'alice', scope: 'read' });
  // That an account was connected is in the activity, and is none of the two calls.
  await page.goto('/');
  await expect(page.getByRole('listitem').filter({ hasText: 'The shop' })).toContainText('2 calls');
  await page.goto('/activity?integration=shop');
  const noted = page.getByRole('table', { name: 'Calls' }).getByRole('row').filter({ hasText: 'connect' });
  await noted.getByRole('link').click();
  await expect(page.getByRole('heading', { name: 'An event' })).toBeVisible();
});

test('an integration whose calls need an account is added by its form, and connected', async ({ page, api }) => {
  const client = (await api('POST', '/api/v1/integrations/provider/proxy/reg', {
    redirect_uris: [`${told('TRUNKLINE_URL')}/api/v1/oauth/callback/by-form`],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    scope: 'read write',
  })) as { client_id: string; client_secret: string };
  await page.goto('/add/type/rest');
  await page.getByLabel('Integration ID').fill('by-form');
  await page.getByLabel(/^Base URL/).fill(told('PROVIDER_URL'));
  const take = async (name: string, choice: string) => {
    await choose(page.getByLabel(name, { exact: true }), choice);
  };
  await take('Auth type', 'oauth2');
  await take('Grant type', 'authorization_code');
  await page.getByLabel(/^Client ID/).fill(client.client_id);
  await page.getByLabel(/^Client secret/).fill(client.client_secret);
  await page.getByLabel('Authorization URL', { exact: true }).fill(`${told('PROVIDER_URL')}/auth`);
  await page.getByLabel('Token URL', { exact: true }).fill(`${told('PROVIDER_URL')}/token`);
  await page.getByLabel('Scope', { exact: true }).fill('read');
  const trial = page.getByRole('region', { name: 'Test before saving' });
  await trial.getByRole('button', { name: 'Test' }).click();
  await expect(trial.getByRole('status')).toContainText(/account/);
  await accessible(page);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByText('No account is connected yet')).toBeVisible();
  await agree(page, 'Connect an account');
  await page.getByRole('link', { name: 'go back to Trunkline' }).click();
  await expect(page).toHaveURL(/\/integrations\/by-form$/);
  await expect(page.getByText('An account is connected.')).toBeVisible();
  expect(await api('POST', '/api/v1/integrations/by-form/call', resource)).toMatchObject({ person: 'alice', scope: 'read' });
});

test('what a person refuses is said, and the account that was connected stays', async ({ page, api }) => {
  await page.goto('/integrations/shop');
  await page.getByRole('button', { name: 'Connect another account' }).click();
  await page.getByRole('button', { name: 'Refuse' }).click();
  await expect(page.getByRole('heading', { name: 'The shop was not connected' })).toBeVisible();
  await expect(page.getByText('not today')).toBeVisible();
  await page.goto('/integrations/shop');
  await expect(page.getByText('An account is connected.')).toBeVisible();
  await expect(page.getByText(/^forbidden, .*not today/)).toBeVisible();
  expect(await api('POST', `${SHOP}/call`, resource)).toMatchObject({ person: 'alice' });
});

test('an account that was withdrawn at the provider is connected again', async ({ page, api, sent }) => {
  for (const path of ['revoke-grants', 'revoke-all']) {
    await api('POST', `/api/v1/integrations/provider/proxy/${path}`, {});
  }
  expect((await sent('POST', `${SHOP}/call`, resource)).headers()['trunkline-error']).toBe('needs_reauth');
  await page.goto('/integrations/shop');
  await expect(page.getByText('The account has to be connected again')).toBeVisible();
  await picture(page, 'needs-reauth');
  await agree(page, 'Connect it again');
  await page.getByRole('link', { name: 'go back to Trunkline' }).click();
  await expect(page.getByText('An account is connected.')).toBeVisible();
  expect(await api('POST', `${SHOP}/call`, resource)).toMatchObject({ person: 'alice' });
});

test('an account is given up, after a question, and the provider knows it', async ({ page, api, sent }) => {
  await page.goto('/integrations/shop');
  await page.getByRole('button', { name: 'Forget it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Forget the account?' });
  await accessible(page);
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await expect(dialog).toHaveCount(0);
  expect(await api('GET', `${SHOP}/oauth`)).toMatchObject({ state: 'connected' });
  await page.getByRole('button', { name: 'Forget it' }).click();
  await dialog.getByRole('button', { name: 'Forget it' }).click();
  await expect(page.getByText('The account is forgotten, and the provider knows it')).toBeVisible();
  await expect(page.getByText('No account is connected yet')).toBeVisible();
  expect(await api('GET', `${SHOP}/oauth`)).toMatchObject({ state: 'not_connected' });
  expect((await sent('POST', `${SHOP}/call`, resource)).headers()['trunkline-error']).toBe('needs_reauth');
});
