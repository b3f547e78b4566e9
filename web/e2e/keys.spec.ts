// Master keys: a new one seals what is stored, is seen at it and stopped halfway, and takes over in the end.
import { accessible, expect, type Page, picture, settled, still, test } from './base';

interface Key {
  id: string;
  primary: boolean;
  envelopes: number;
}

/** As many as the test has made. */
const ENTRIES = 100;

const lines = (page: Page) => page.getByRole('list', { name: 'Master keys' }).getByRole('listitem');
const begin = (page: Page) => page.getByRole('button', { name: 'Rotate the master key' });

async function rotate(page: Page): Promise<void> {
  await begin(page).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
}

// Another program holds the database until the rotation is asked to stop, so that nothing is moved before.
test('a rotation is seen in the page, also in one that is loaded again, and stops where one wants it to', async ({ page, api }) => {
  const keys = async () => (await api('GET', '/api/v1/keys')) as Key[];
  const [old] = await keys();
  await page.goto('/settings');
  await expect(lines(page)).toHaveCount(1);
  await begin(page).click();
  await accessible(page);
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  await expect(page.getByRole('dialog')).toHaveCount(0);
  const bar = page.getByRole('progressbar', { name: 'Rotation of the master key' });
  await expect(page.getByText(`0 of ${ENTRIES} entries sealed anew`)).toBeVisible();
  await expect(bar).toHaveAttribute('aria-valuenow', '0');
  await expect(begin(page)).toBeDisabled();

  await page.reload();
  await expect(page.getByText(`0 of ${ENTRIES} entries sealed anew`)).toBeVisible();
  await expect(begin(page)).toBeDisabled();
  await settled(page);
  await still(page);
  await accessible(page);
  await picture(page, 'under-way');

  await page.getByRole('button', { name: 'Stop the rotation' }).click();
  const said = page.getByRole('status').getByRole('alert');
  await expect(said).toContainText(/\d+ entries are still sealed with an older key\. Nothing is lost/);
  await expect(bar).toHaveCount(0);
  await accessible(page);
  await picture(page, 'stopped');
  const halfway = await keys();
  const left = halfway.find(({ id }) => id === old!.id)!.envelopes;
  expect(halfway.map(({ envelopes }) => envelopes).reduce((sum, one) => sum + one)).toBe(ENTRIES);
  expect(left).toBeGreaterThan(0);
  await expect(said).toContainText(`${left} entries`);
  // Both open what they have sealed, and the older one cannot go.
  for (const integration of ['i0', `i${ENTRIES - 1}`]) {
    expect(await api('POST', `/api/v1/integrations/${integration}/call`, { endpoint: '/who' })).toMatchObject({ authorization: 'Bearer sealed' });
  }
  await expect(page.getByRole('button', { name: `Remove the key ${old!.id}` })).toBeDisabled();

  await page.getByRole('button', { name: 'Go on with the rotation' }).click();
  await expect(page.getByText(`${left} entries moved to the new key`)).toBeVisible();
  await expect(lines(page)).toHaveCount(2);
  expect((await keys()).map(({ id, envelopes }) => [id === old!.id, envelopes])).toEqual([
    [false, ENTRIES],
    [true, 0],
  ]);
});

test('a new master key seals what is stored, and the old ones can go', async ({ page, api }) => {
  const keys = async () => (await api('GET', '/api/v1/keys')) as Key[];
  const before = await keys();
  await page.goto('/settings');
  await expect(lines(page)).toHaveCount(before.length);
  await rotate(page);
  await expect(page.getByText(`${ENTRIES} entries moved to the new key`)).toBeVisible();
  await expect(lines(page)).toHaveCount(before.length + 1);
  await settled(page);
  await picture(page, 'rotated');
  for (const { id } of before) {
    await page.getByRole('button', { name: `Remove the key ${id}` }).click();
    await page.getByRole('dialog', { name: 'Remove this key?' }).getByRole('button', { name: 'Remove it' }).click();
    await expect(page.getByRole('button', { name: `Remove the key ${id}` })).toHaveCount(0);
  }
  await expect(page.getByText('The key is removed')).toBeVisible();
  await expect(lines(page)).toHaveCount(1);
  expect((await keys()).map(({ envelopes }) => envelopes)).toEqual([ENTRIES]);
  expect(await api('POST', '/api/v1/integrations/i0/call', { endpoint: '/who' })).toMatchObject({ authorization: 'Bearer sealed' });
});
