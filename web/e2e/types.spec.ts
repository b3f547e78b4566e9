// Integrations of every type: found under Add, tried before they are saved, saved, and called once in their editor.
import { accessible, expect, type Page, picture, test, told } from './base';

// A machine that is busy takes its time.
test.setTimeout(120_000);

const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true }).filter({ visible: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).filter({ visible: true });
const reply = (page: Page) => page.getByRole('region', { name: 'Reply' }).filter({ visible: true });
const trial = (page: Page) => page.getByRole('region', { name: 'Test before saving' });

/** Types over what stands in an editor. */
async function write(page: Page, name: string, text: string): Promise<void> {
  await field(page, name).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Escape');
}

/** Begins an integration: finds its protocol among those that are offered. */
async function begin(page: Page, protocol: string, id: string, url: string): Promise<void> {
  await page.goto('/add');
  const offers = page.getByRole('region', { name: 'Any other service, by its protocol' });
  await offers.getByRole('link').filter({ has: page.getByRole('heading', { name: protocol, exact: true }) }).click();
  await expect(page.getByRole('heading', { name: `Add ${protocol}` })).toBeVisible();
  await page.getByLabel('Integration ID').fill(id);
  await page.getByLabel(/^Base URL/).fill(url);
}

/** Adds a setting to the form, and gives its field. */
async function setting(page: Page, name: string, field = name) {
  await page.getByLabel('Add a setting').fill(name);
  await page.getByRole('option', { name, exact: true }).click();
  return page.getByLabel(field, { exact: true });
}

/** Tests what stands in the form, saves it, and goes to its editor. */
async function add(page: Page, id: string): Promise<void> {
  await button(page, 'Test').click();
  await expect(trial(page).getByRole('status')).toContainText('The service answered');
  await accessible(page);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page).toHaveURL(new RegExp(`/integrations/${id}$`));
  await page.getByRole('tab', { name: 'Try it' }).click();
}

test('REST', async ({ page }) => {
  await begin(page, 'REST', 'rest', told('HTTPBIN_URL'));
  await add(page, 'rest');
  await field(page, 'Path').fill('/anything/here');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('/anything/here');
});

test('GraphQL, with what its schema completes', async ({ page }) => {
  await begin(page, 'GraphQL', 'graphql', told('GRAPHQL_URL'));
  await add(page, 'graphql');
  await expect(async () => {
    // Where the schema was not there yet, what was typed is no beginning any more.
    await write(page, 'Document', '{ ');
    await page.keyboard.type('thi', { delay: 50 });
    await expect(page.getByRole('option', { name: 'things' })).toBeVisible({ timeout: 5_000 });
  }).toPass();
  await page.keyboard.press('Escape');
  await write(page, 'Document', '{ things(first: 3) { name } }');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('thing 2');
});

test('WebSocket, with what comes by itself', async ({ page }) => {
  await begin(page, 'WebSocket', 'websocket', told('SOCKETS_URL'));
  await add(page, 'websocket');
  await write(page, 'Message', '{"n": 1.5}');
  await button(page, 'Send').last().click();
  await expect(reply(page)).toContainText('"n": 1.5');
  await button(page, 'Listen').first().click();
  await button(page, 'Listen').last().click();
  await expect(page.getByText('Live: 0 events')).toBeVisible();
  await button(page, 'Send').first().click();
  await write(page, 'Message', '{"op": "subscribe", "channel": "news"}');
  await page.getByRole('switch', { name: 'Wait for the reply' }).filter({ visible: true }).uncheck();
  await button(page, 'Send').last().click();
  await button(page, 'Listen').first().click();
  await expect(page.getByText('Live: 3 events')).toBeVisible();
  await page.getByRole('list', { name: 'Events' }).getByRole('button').last().click();
  await expect(page.getByRole('region', { name: 'What comes' })).toContainText('"n": 2');
  await accessible(page);
  await picture(page, 'try-websocket');
});

for (const [protocol, type] of [
  ['PostgreSQL', 'postgres'],
  ['MySQL, MariaDB', 'mysql'],
  ['SQLite', 'sqlite'],
] as const) {
  test(`${protocol}, with a table of rows`, async ({ page, api }) => {
    const url = process.env[`${type.toUpperCase()}_URL`];
    test.skip(url === undefined, `${protocol} is not installed`);
    if (type !== 'sqlite') {
      await begin(page, protocol, type, url!.replace(/p%40ss/, 'wrong'));
      await button(page, 'Test').click();
      await expect(trial(page).getByRole('status')).toContainText(/password|denied/i);
      await page.getByLabel(/^Base URL/).fill(url!);
    } else {
      await begin(page, protocol, type, url!);
    }
    await add(page, type);
    expect(JSON.stringify(await api('GET', `/api/v1/integrations/${type}`))).not.toContain('p%40ss');
    await write(page, 'Statement', 'select 7 as number, null as gap');
    await button(page, 'Run').click();
    const rows = page.getByRole('table', { name: 'Rows' }).getByRole('row');
    await expect(rows).toHaveCount(2);
    await expect(rows.last()).toContainText('NULL');
    await picture(page, `try-${type}`);
  });
}

/** What a broker declares, and whether it keeps messages only for groups that were there before. */
const BROKERS: Record<string, { declares?: string; late?: boolean }> = {
  Redis: { declares: '{"orders": {}, "news": {}}' },
  NATS: { declares: '{"orders": {}, "news": {}}' },
  RabbitMQ: { declares: '{"orders": {}, "news": {}}' },
  Kafka: { declares: '{"orders": {}, "news": {}}' },
  MQTT: { late: true },
};

for (const [broker, { declares, late = false }] of Object.entries(BROKERS)) {
  test(`a message queue of ${broker}, where messages are published, heard and taken`, async ({ page }) => {
    const url = process.env[`${broker.toUpperCase()}_URL`];
    test.skip(url === undefined, `${broker} is not installed`);
    const id = broker.toLowerCase();
    await begin(page, 'Message queue', id, url!);
    if (declares) {
      await (await setting(page, 'Declare', 'Declare (JSON)')).fill(declares);
    }
    await add(page, id);
    if (late) {
      await button(page, 'Pull').first().click();
      await field(page, 'Queue').fill('orders');
      await button(page, 'Pull').last().click();
      await expect(reply(page)).toContainText('No message was there.');
      await button(page, 'Publish').first().click();
    }
    await field(page, 'Queue').fill('orders');
    await button(page, 'Publish').last().click();
    await expect(reply(page)).toContainText('message_id');

    await button(page, 'Pull').first().click();
    await field(page, 'Queue').fill('orders');
    await field(page, 'Wait').fill('10s');
    // A group of Kafka may be sharing out for longer than one pull waits.
    await expect(async () => {
      await button(page, 'Pull').last().click();
      await expect(reply(page)).toContainText('"hello": "world"', { timeout: 12_000 });
    }).toPass();
    await button(page, 'Acknowledge').click();
    await expect(page.getByText('acknowledged', { exact: true })).toBeVisible();

    await button(page, 'Listen').first().click();
    await field(page, 'Queue').fill('news');
    await button(page, 'Listen').last().click();
    await expect(page.getByText('Live: 0 events')).toBeVisible();
    await button(page, 'Publish').first().click();
    await field(page, 'Queue').fill('news');
    await button(page, 'Publish').last().click();
    await expect(reply(page)).toContainText('message_id');
    await button(page, 'Listen').first().click();
    await expect(page.getByText('Live: 1 event', { exact: true })).toBeVisible();
    const event = page.getByRole('list', { name: 'Events' }).getByRole('button');
    await expect(event).toHaveText(/\{\s*"hello":\s*"world"\s*\}$/);
    await event.click();
    await expect(page.getByRole('region', { name: 'What comes' })).toContainText('"message_id"');
    await picture(page, `listen-${id}`);
    await button(page, 'Stop').click();
    await expect(page.getByText('Ended: 1 event')).toBeVisible();
  });
}

test('a driver of any language, asked in JSON', async ({ page, api }) => {
  await begin(page, 'Custom', 'files', told('FILES_URL'));
  await button(page, 'Test').click();
  await expect(trial(page).getByRole('status')).toContainText('the driver does not accept driver_token');
  await page.getByLabel('Driver token', { exact: true }).fill(told('DRIVER_TOKEN'));
  await add(page, 'files');
  expect(await api('GET', '/api/v1/integrations/files')).toMatchObject({ driver_token: '********' });
  await write(page, 'Request (JSON)', '{"action": "get", "file": "customers"}');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('Grace');
  await accessible(page);
});

test('a driver that says what it can be asked for, asked by a form', async ({ page }) => {
  await begin(page, 'Custom', 'adder', told('ADDER_URL'));
  await add(page, 'adder');
  await page.getByLabel('First').fill('19');
  await page.getByLabel('Second').fill('23');
  await page.getByLabel('Note').fill('a sum');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('"sum": 42');
  await button(page, 'JSON').click();
  await expect(field(page, 'Request')).toContainText('"second": 23');
  await accessible(page);
});
