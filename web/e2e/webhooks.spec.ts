// Webhooks: signed as Stripe signs them, listed, forwarded again, and put aside where nobody takes them.
import { readFile } from 'node:fs/promises';
import type { Download } from '@playwright/test';
import { accessible, expect, fact, picture, test } from './base';
import { event, send } from './stripe';

async function content(file: Download): Promise<Buffer> {
  return readFile(await file.path());
}

test('one that is signed is forwarded and listed', async ({ page, api }) => {
  await page.goto('/integrations/shop/webhooks');
  await expect(page.getByText('No webhook has come yet.')).toBeVisible();
  expect(await send(page.request, { to: 'shop', body: event('evt_false'), secret: 'another secret' })).toBe(401);
  expect(await send(page.request, { to: 'shop', body: event('evt_1') })).toBeLessThan(300);
  const path = '/api/v1/integrations/shop/events/evt_1';
  await expect.poll(() => api('GET', path)).toMatchObject({ state: 'forwarded' });
  await page.reload();
  const items = page.getByRole('list', { name: 'Webhooks' }).getByRole('listitem');
  await expect(items).toHaveCount(1);
  await expect(items).toContainText('charge.succeeded');
  await expect(items).toContainText('to target: forwarded, 1 attempt');
  await accessible(page);
  await expect(page.getByRole('button', { name: 'Forward evt_1 once more' })).toHaveCount(0);
});

test('one that nobody takes says how often it was tried, and why it failed, and is forwarded again by hand', async ({ page, api }) => {
  expect(await send(page.request, { to: 'broken', body: event('evt_2') })).toBeLessThan(300);
  const path = '/api/v1/integrations/broken/events/evt_2';
  await expect.poll(() => api('GET', path)).toMatchObject({ state: 'put_aside' });
  await page.goto('/integrations/broken/webhooks');
  const item = page.getByRole('list', { name: 'Webhooks' }).getByRole('listitem');
  await expect(item).toContainText('put aside');
  await expect(item).toContainText(/to target: put aside, 3 attempts: .*503/);
  await accessible(page);
  await page.getByRole('button', { name: 'Forward evt_2 once more' }).click();
  await expect(page.getByText('evt_2 is forwarded once more to target')).toBeVisible();
  await expect.poll(() => api('GET', path)).toMatchObject({ state: 'put_aside', deliveries: [{ attempts: 3 }] });
});

test('one of them has a page of its own, by a link: what came, how it was checked, and what may be done', async ({ page, api }) => {
  await page.goto('/integrations/shop/webhooks');
  await page.getByRole('link', { name: 'charge.succeeded, evt_1' }).click();
  await expect(page).toHaveURL(/\/integrations\/shop\/webhooks\/evt_1$/);
  await page.reload();
  await expect(page.getByRole('heading', { name: 'charge.succeeded' })).toBeVisible();
  await expect(fact(page, 'Signature checked')).toHaveText('as Stripe signs');
  await expect(fact(page, 'Signed')).toBeVisible();
  await expect(fact(page, 'Sent by')).toHaveText('Stripe/1.0');
  await expect(fact(page, 'Kind')).toHaveText('application/json');
  // In lines, and in the digits that it came in.
  await expect(page.getByLabel('Body')).toHaveText('{\n  "id": "evt_1",\n  "type": "charge.succeeded",\n  "amount": 12345678901234567890.50\n}');
  await page.getByText(/^\d+ headers$/).click();
  await expect(page.getByLabel('Headers')).toContainText(/stripe-signature: t=\d+,v1=[0-9a-f]{64}/);
  await accessible(page);
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as a file' }).click();
  const file = await saved;
  expect(file.suggestedFilename()).toBe('webhook.json');
  expect((await content(file)).toString()).toBe(event('evt_1'));
  await page.getByRole('button', { name: 'Forward again to target' }).click();
  await expect(page.getByText('evt_1 is forwarded once more to target')).toBeVisible();
  await expect.poll(() => api('GET', '/api/v1/integrations/shop/events/evt_1')).toMatchObject({ state: 'forwarded' });
  await expect(page.getByRole('list', { name: 'Attempts to forward it to target' }).getByRole('listitem')).toContainText('forwarded');
});

test('each attempt says why it failed, and leads to its call', async ({ page }) => {
  await page.goto('/integrations/broken/webhooks/evt_2');
  const tries = page.getByRole('list', { name: 'Attempts to forward it to target' }).getByRole('listitem');
  await expect(tries).toHaveCount(3);
  await expect(tries.first()).toContainText(/unavailable: .*503/);
  await accessible(page);
  await picture(page, 'put-aside');
  await tries.first().getByRole('link', { name: 'Its record' }).click();
  await expect(page.getByRole('heading', { name: 'A call' })).toBeVisible();
  await expect(fact(page, 'Result')).toHaveText('unavailable');
});

test('what is another text, or none at all, is shown as it came, or saved', async ({ page, api }) => {
  expect(await send(page.request, { to: 'shop', body: 'a=1&b=two', type: 'application/x-www-form-urlencoded' })).toBeLessThan(300);
  expect(await send(page.request, { to: 'shop', body: Buffer.from([0xff, 0, 1]), type: 'image/png' })).toBeLessThan(300);
  const [bytes, form] = (await api('GET', '/api/v1/integrations/shop/events')) as { id: string }[];
  await page.goto(`/integrations/shop/webhooks/${form!.id}`);
  await expect(page.getByLabel('Body')).toHaveText('a=1&b=two');
  await page.goto(`/integrations/shop/webhooks/${bytes!.id}`);
  await expect(page.getByText('3 bytes of image/png, which is no text.')).toBeVisible();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Save as a file' }).click();
  expect([...(await content(await saved))]).toEqual([0xff, 0, 1]);
});

test('one that is not there says so', async ({ page }) => {
  await page.goto('/integrations/shop/webhooks/none');
  await expect(page.getByRole('alert')).toContainText('no such event');
  await page.getByRole('link', { name: 'All webhooks' }).click();
  await expect(page.getByRole('list', { name: 'Webhooks' })).toBeVisible();
});
