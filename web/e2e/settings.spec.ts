// Settings: how it looks stays, which version runs is said, and a new master key seals what is stored.
import { accessible, expect, fact, type Page, test } from './base';

/** What the page is drawn in. */
const drawn = (page: Page) => page.evaluate(() => document.documentElement.dataset.theme);

test('the theme that is chosen stays, and that of the system is followed', async ({ page }) => {
  await page.emulateMedia({ colorScheme: 'light' });
  await page.goto('/settings');
  const choice = page.getByLabel('Theme of this browser');
  await expect(choice).toHaveValue('system');
  await choice.selectOption('dark');
  await expect.poll(() => drawn(page)).toBe('dark');
  await page.reload();
  await expect(choice).toHaveValue('dark');
  await expect.poll(() => drawn(page)).toBe('dark');
  await choice.selectOption('light');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.reload();
  await expect(choice).toHaveValue('light');
  await expect.poll(() => drawn(page)).toBe('light');
  await choice.selectOption('system');
  await expect.poll(() => drawn(page)).toBe('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(() => drawn(page)).toBe('light');
});

test('the version is that of the server', async ({ page, api }) => {
  const { version } = (await api('GET', '/api/v1/version')) as { version: string };
  await page.goto('/settings');
  await expect(fact(page, 'Version')).toHaveText(version);
});

interface Key {
  id: string;
  primary: boolean;
  envelopes: number;
}

test('a new master key seals what is stored, and the old one can go', async ({ page, api }) => {
  const keys = async () => (await api('GET', '/api/v1/keys')) as Key[];
  const [old] = await keys();
  await page.goto('/settings');
  const lines = page.getByRole('list', { name: 'Master keys' }).getByRole('listitem');
  await expect(lines).toHaveCount(1);
  await page.getByRole('button', { name: 'Rotate the master key' }).click();
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  await expect(page.getByText(/moved to the new key/)).toBeVisible();
  await expect(lines).toHaveCount(2);
  const after = await keys();
  expect(after.find(({ primary }) => primary)?.id).not.toBe(old!.id);
  expect(after.find(({ id }) => id === old!.id)?.envelopes).toBe(0);
  await page.getByRole('button', { name: `Remove the key ${old!.id}` }).click();
  await page.getByRole('dialog', { name: 'Remove this key?' }).getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByText('The key is removed')).toBeVisible();
  await expect(lines).toHaveCount(1);
  expect((await keys()).map(({ id }) => id)).not.toContain(old!.id);
  expect(await api('POST', '/api/v1/integrations/shop/call', { endpoint: '/who' })).toMatchObject({ authorization: 'Bearer sealed' });
});
