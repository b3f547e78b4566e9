// API tokens under Settings: one is made, seen once, used, and revoked.
import { accessible, expect, picture, test } from './base';

test('a token is made, seen once, copied, and revoked', async ({ page, request, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto('/settings');
  const part = page.getByRole('region', { name: 'API tokens' });
  await expect(part).toContainText('There is none yet.');
  await part.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await expect(dialog.getByLabel('Name')).toBeFocused();
  await accessible(page);
  await dialog.getByLabel('Name').fill('billing');
  await dialog.getByLabel('Holds').selectOption('90 days');
  await dialog.getByRole('button', { name: 'Make it' }).click();
  const made = page.getByRole('dialog', { name: 'The token of billing' });
  const shown = made.getByLabel('The token', { exact: true });
  await expect(shown).toHaveValue(/^tl_[\w-]{43}$/);
  const token = await shown.inputValue();
  await accessible(page);
  await picture(page, 'made');
  // A slip does not lose it.
  await page.keyboard.press('Escape');
  await expect(shown).toBeVisible();
  await made.getByRole('button', { name: 'Copy' }).click();
  await expect(page.getByText('Copied')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(token);
  await made.getByRole('button', { name: 'I have it' }).click();
  await expect(made).toBeHidden();

  const list = part.getByRole('list', { name: 'API tokens' });
  await expect(list).toContainText('billing');
  await expect(list).toContainText(`${token.slice(0, 8)}…`);
  await expect(list).toContainText('not used since the server was started, holds until');
  expect(await page.content()).not.toContain(token);
  const status = async () => (await request.get('/api/v1/version', { headers: { 'Trunkline-Token': token } })).status();
  expect(await status()).toBe(200);
  await page.reload();
  await expect(list).toContainText('last used just now');
  expect(await page.content()).not.toContain(token);

  await page.setViewportSize({ width: 390, height: 844 });
  await accessible(page);
  await picture(page, 'listed');
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(over).toBeLessThanOrEqual(0);

  await list.getByRole('button', { name: 'Revoke billing' }).click();
  const asked = page.getByRole('dialog', { name: 'Revoke billing?' });
  await asked.getByRole('button', { name: 'Keep it' }).click();
  expect(await status()).toBe(200);
  await list.getByRole('button', { name: 'Revoke billing' }).click();
  await asked.getByRole('button', { name: 'Revoke' }).click();
  await expect(page.getByText('billing is revoked')).toBeVisible();
  await expect(part).toContainText('There is none yet.');
  expect(await status()).toBe(401);
});

test('a name that is taken is told, and nothing that was typed is lost', async ({ page, api }) => {
  await api('POST', '/api/v1/tokens', { name: 'taken' });
  await page.goto('/settings');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await dialog.getByLabel('Name').fill('taken');
  await page.keyboard.press('Enter');
  await expect(dialog.getByRole('alert')).toContainText('another token has this name');
  await expect(dialog.getByLabel('Name')).toHaveValue('taken');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
});
