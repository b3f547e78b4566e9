// Settings: how it looks stays, and which version runs is said.
import { expect, fact, type Page, test } from './base';

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
