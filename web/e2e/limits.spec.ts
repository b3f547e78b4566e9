// Limits: what is seen in the page and done there, proved by what the next call says.
import { accessible, expect, fact, picture, test } from './base';

const SHOP = '/api/v1/integrations/shop';
const BUSY = '/api/v1/integrations/busy';

interface State {
  state: { breaker: { state: string }; rate_limit: { paused_for_seconds?: number }; cache: { entries: number; bytes: number } };
}

test('a circuit that is opened by hand refuses calls until it is closed', async ({ page, api, sent }) => {
  await page.goto('/integrations/shop/limits');
  await expect(fact(page, 'Circuit')).toHaveText('closed');
  await page.getByRole('button', { name: 'Open it' }).click();
  const dialog = page.getByRole('dialog', { name: 'Open the circuit?' });
  await accessible(page);
  await dialog.getByRole('button', { name: 'Open it' }).click();
  await expect(fact(page, 'Circuit')).toHaveText('forced open');
  await expect(page.getByRole('button', { name: 'Open it' })).toBeDisabled();
  // It can be done no more, and keeps the keyboard.
  await expect(page.getByRole('button', { name: 'Open it' })).toBeFocused();
  expect(((await api('GET', SHOP)) as State).state.breaker.state).toBe('forced_open');
  expect((await sent('POST', `${SHOP}/call`, { endpoint: '/up' })).headers()['trunkline-error']).toBe('circuit_open');
  await page.getByRole('button', { name: 'Close it' }).click();
  await expect(fact(page, 'Circuit')).toHaveText('closed');
  await expect(page.getByRole('button', { name: 'Close it' })).toBeFocused();
  expect(((await api('GET', SHOP)) as State).state.breaker.state).toBe('closed');
  expect(await api('POST', `${SHOP}/call`, { endpoint: '/up' })).toMatchObject({ path: '/up' });
});

test('a circuit that was open for long enough says that the next call is let through, and can be kept open', async ({ page, api, sent }, { testId }) => {
  const { base_url } = (await api('GET', SHOP)) as { base_url: string };
  await api('POST', '/api/v1/integrations/register', {
    integration_id: testId,
    type: 'rest',
    base_url,
    breaker: { consecutive_failures: 1, open_for: '1s' },
    retry_config: { max_attempts: 1 },
  });
  await sent('POST', `/api/v1/integrations/${testId}/call`, { endpoint: '/down' });
  await page.goto(`/integrations/${testId}/limits`);
  await expect(fact(page, 'Circuit')).toHaveText('open');
  await expect(fact(page, 'Tried again')).toHaveText('with the next call');
  await page.getByRole('button', { name: 'Keep it open' }).click();
  await page.getByRole('dialog', { name: 'Keep the circuit open?' }).getByRole('button', { name: 'Keep it open' }).click();
  await expect(fact(page, 'Circuit')).toHaveText('forced open');
});

test('what is left of a rate limit is seen while calls are made', async ({ page, api }) => {
  await page.goto('/integrations/busy/limits');
  await expect(page.getByText('10 of 10 left')).toBeVisible();
  for (let calls = 0; calls < 3; calls += 1) {
    await api('POST', `${BUSY}/call`, { endpoint: '/up' });
  }
  await expect(page.getByText('7 of 10 left')).toBeVisible();
});

test('a pause that the service asks for is seen', async ({ page, api, sent }) => {
  await page.goto('/integrations/busy/limits');
  await expect(page.getByText('7 of 10 left')).toBeVisible();
  await expect(page.getByText('Paused by the service for')).toHaveCount(0);
  expect((await sent('POST', `${BUSY}/call`, { endpoint: '/busy' })).headers()['trunkline-error']).toBe('rate_limited');
  await expect(fact(page, 'Paused by the service for')).toHaveText(/^(\d\d s|1 min)$/);
  expect(((await api('GET', BUSY)) as State).state.rate_limit.paused_for_seconds).toBeGreaterThan(0);
});

test('replies that are kept are forgotten, and the next call asks the service', async ({ page, api, sent }) => {
  const call = async () => {
    const answer = await sent('POST', `${SHOP}/call`, { endpoint: '/kept' });
    return { status: answer.headers()['cache-status'] ?? '', body: await answer.json() };
  };
  expect((await call()).body).toEqual({ asked: 1 });
  const again = await call();
  expect(again.body).toEqual({ asked: 1 });
  expect(again.status).toContain('hit');
  const kept = ((await api('GET', SHOP)) as State).state.cache;
  expect(kept.entries).toBe(1);
  await page.goto('/integrations/shop/limits');
  await expect(fact(page, 'Kept')).toHaveText('1 reply');
  await expect(fact(page, 'Size')).toHaveText(`${kept.bytes} bytes`);
  await expect(page.getByText(`${kept.bytes} bytes of 67 MB`)).toBeVisible();
  await accessible(page);
  await picture(page, 'kept');
  await page.getByRole('button', { name: 'Forget all replies' }).click();
  await page.getByRole('dialog', { name: 'Forget all replies?' }).getByRole('button', { name: 'Forget them' }).click();
  await expect(page.getByText(/The replies are forgotten/)).toBeVisible();
  await expect(fact(page, 'Kept')).toHaveText('0 replies');
  const after = await call();
  expect(after.body).toEqual({ asked: 2 });
  expect(after.status).toContain('fwd=');
});
