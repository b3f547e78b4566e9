// Every page, on desk and phone, light and dark: accessible, nothing moves while it loads, and nobody else is asked.
import { accessible, expect, picture, settled, still, test, told } from './base';
import { PAGES, pathOfRecord, SIZES } from './places';
import { event, send } from './stripe';

// Each test is a page in four looks.
test.setTimeout(180_000);

test.beforeAll(async ({ request }) => {
  expect(await send(request, { to: 'shop', body: event('evt_1') })).toBeLessThan(300);
  PAGES.record = await pathOfRecord(request);
});

for (const name of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
  test(name, async ({ page }) => {
    const path = PAGES[name];
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      await page.goto(path);
      await settled(page);
      await still(page);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      expect.soft(over, `${path} is wider than a ${size}`).toBeLessThanOrEqual(0);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await picture(page, `${name}-${size}-${colorScheme}`);
        // Colours do not depend on the width.
        if (size === 'desk' || colorScheme === 'light') {
          await accessible(page);
        }
      }
    }
  });
}

test('a page asks for the token where the tab has none, and takes the right one', async ({ browser }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(told('TRUNKLINE_URL'));
  await expect(page.getByLabel('API token')).toBeFocused();
  await picture(page, 'door');
  await accessible(page);
  await page.getByLabel('API token').fill('wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toContainText('not a token');
  await page.getByLabel('API token').fill(told('TRUNKLINE_TOKEN'));
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Integrations' })).toBeVisible();
  await context.close();
});

test('each page has a title of its own, and says in the frame which part it is of', async ({ page }) => {
  const titles = new Set<string>();
  for (const path of Object.values(PAGES)) {
    await page.goto(path);
    await settled(page);
    titles.add(await page.title());
    await expect(page.getByRole('navigation', { name: 'Main' }).locator('[aria-current]'), path).toHaveCount(1);
  }
  expect(titles.size).toBe(Object.keys(PAGES).length);
  expect(titles).not.toContain('Trunkline');
});
