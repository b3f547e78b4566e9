// Activity as far back as it goes: scrolled to the very end, row by row there, and back to the top.
import { expect, picture, test, told } from './base';

const RECORDS = Number(told('RECORDS'));

// Each page of five hundred records is asked for when its place is seen.
test.setTimeout(300_000);

test('the oldest of very many calls is reached, and the newest again', async ({ page }) => {
  await page.goto('/activity');
  const table = page.getByRole('table', { name: 'Calls' });
  const body = page.getByRole('rowgroup', { name: 'Calls, newest first' });
  await expect(page.getByText(/^Live, .* records and older$/)).toBeVisible();
  // Whoever holds the End key: to the end of what is known, as soon as more is known.
  const known = await body.evaluate(
    (element) =>
      new Promise<number>((resolve) => {
        const table = element.closest('[role=table]')!;
        const down = () => {
          const all = Number(table.getAttribute('aria-rowcount'));
          if (all >= 0) {
            resolve(all - 1);
            return;
          }
          element.scrollTop = element.scrollHeight;
          requestAnimationFrame(down);
        };
        down();
      }),
  );
  expect(known).toBe(RECORDS);
  await body.press('End');
  const last = table.locator(`[aria-rowindex="${RECORDS + 1}"]`);
  await expect(last).toBeInViewport();
  await expect(last.getByRole('link')).toBeVisible();
  await picture(page, 'end');
  // A few rows up by the wheel are a few rows.
  await body.hover();
  await page.mouse.wheel(0, -360);
  await expect(table.locator(`[aria-rowindex="${RECORDS - 9}"]`)).toBeInViewport();
  await expect(last).not.toBeInViewport();
  await page.mouse.wheel(0, 720);
  await expect(last).toBeInViewport();
  // No more is drawn than is seen, and little around it.
  expect(await body.getByRole('row').count()).toBeLessThan(60);
  await body.press('Home');
  await expect(table.locator('[aria-rowindex="2"]').getByRole('link')).toBeInViewport();
});
