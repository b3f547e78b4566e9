// A server that asks for no token: the page is open at once, and says what that means for tokens.
import { accessible, expect, picture, test } from './base';

test('the page opens without a token, and says that nobody is asked for one', async ({ page, api }) => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Connect your first service' })).toBeVisible();
  await page.getByRole('link', { name: 'Settings' }).click();
  const part = page.getByRole('region', { name: 'API tokens' });
  await expect(part.getByRole('alert')).toContainText('This server asks for no token');
  await accessible(page);
  await picture(page, 'open');
  await part.getByRole('button', { name: 'New token' }).click();
  await page.getByRole('dialog', { name: 'New token' }).getByLabel('Name').fill('later');
  await page.keyboard.press('Enter');
  const made = page.getByRole('dialog', { name: 'The token of later' });
  await expect(made.getByLabel('The token', { exact: true })).toHaveValue(/^tl_/);
  await accessible(page);
  await made.getByRole('button', { name: 'I have it' }).click();
  expect(await api('GET', '/api/v1/tokens')).toMatchObject({ required: false, tokens: [{ name: 'later' }] });
});
