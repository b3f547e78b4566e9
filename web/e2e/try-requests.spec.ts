// Trying an integration: a request editor for each type, what comes back, streams, and what one copies.
import { execFileSync } from 'node:child_process';
import { accessible, expect, type Page, picture, settled, test, told } from './base';

// A machine that is busy takes its time.
test.setTimeout(180_000);

const TOKEN = told('TRUNKLINE_TOKEN');

test.beforeAll(async ({ request }) => {
  for (const document of [
    { integration_id: 'web', type: 'rest', base_url: told('HTTPBIN_URL') },
    { integration_id: 'books', type: 'sqlite', base_url: 'sqlite::memory:' },
    { integration_id: 'things', type: 'graphql', base_url: told('GRAPHQL_URL'), subscriptions: { protocol: 'websocket', buffer: { messages: 2000 } } },
    { integration_id: 'orders', type: 'message_queue', base_url: 'memory:try' },
  ]) {
    const headers = { 'Trunkline-Token': TOKEN };
    const answer = await request.post('/api/v1/integrations/register', { headers, data: document });
    // After a test that failed they are there.
    expect([201, 409], await answer.text()).toContain(answer.status());
  }
});

async function open(page: Page, id: string): Promise<void> {
  await page.goto(`/integrations/${id}/try`);
  await settled(page);
}

const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true }).filter({ visible: true });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).filter({ visible: true });
const reply = (page: Page) => page.getByRole('region', { name: 'Reply' }).filter({ visible: true });

/** Types over what stands in an editor. */
async function write(page: Page, name: string, text: string): Promise<void> {
  await field(page, name).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.press('Delete');
  await page.keyboard.insertText(text);
  await page.keyboard.press('Escape');
}

test('a request is written in a form and as JSON, and is there after a look elsewhere', async ({ page }) => {
  await open(page, 'web');
  await field(page, 'Path').fill('/get');
  await button(page, 'Add a parameter').click();
  await page.keyboard.type('page');
  await page.keyboard.press('Tab');
  await page.keyboard.type('2');
  await page.keyboard.press('Enter');
  await expect(reply(page)).toContainText('"page": "2"');
  await accessible(page);

  await button(page, 'JSON').click();
  await expect(field(page, 'Request')).toContainText('"page": "2"');
  await write(page, 'Request', '{"method": "POST", "endpoint": "/post", "json": {"n": 1.50}, "timeout": 9}');
  await button(page, 'Form').click();
  await expect(page.getByLabel('Method')).toHaveValue('POST');
  await expect(page.getByText('Also in the request, and kept: timeout')).toBeVisible();

  await page.getByRole('tab', { name: 'Body' }).click();
  await write(page, 'Body', '{"n": 2.50, "odd": "it\'s \\"so\\" $HOME `x`"}');
  await page.getByRole('tab', { name: 'Overview' }).click();
  await page.getByRole('tab', { name: 'Try it' }).click();
  await expect(field(page, 'Body')).toContainText('2.50');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('2.50');

  await page.getByRole('link', { name: 'Its record' }).click();
  await expect(page.getByRole('heading', { name: 'A call' })).toBeVisible();
  await expect(page.getByText('Request ID')).toBeVisible();
});

test('on a slow machine no key is lost of what is typed', async ({ page, context }) => {
  await open(page, 'web');
  await field(page, 'Path').fill('/post');
  const slow = await context.newCDPSession(page);
  await slow.send('Emulation.setCPUThrottlingRate', { rate: 12 });
  await button(page, 'Add a parameter').click();
  await page.keyboard.type('quickly');
  await expect(field(page, 'Name of parameter 1')).toHaveValue('quickly');
  await page.getByLabel('Method').selectOption('POST');
  await page.getByLabel('Kind of body').selectOption('text');
  await field(page, 'Body').click();
  const text = 'the quick brown fox jumps over the lazy dog';
  // One key after the other while the page is drawn, some of them before it is done with the last one.
  await page.evaluate(async (typed) => {
    const { port1, port2 } = new MessageChannel();
    const turn = () => new Promise((next) => ((port1.onmessage = next), port2.postMessage(null)));
    for (const [at, key] of [...typed].entries()) {
      document.execCommand('insertText', false, key);
      for (let turns = at % 4; turns > 0; turns -= 1) {
        await turn();
      }
    }
  }, text);
  await expect(field(page, 'Body')).toHaveText(text);
  await slow.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText(text);
});

test('a form that has no place for a request says so, and it is sent as it stands', async ({ page }) => {
  await open(page, 'web');
  await button(page, 'JSON').click();
  await write(page, 'Request', '{"method": "POST", "endpoint": "/post", "json": {"n": 12345678901234567890}}');
  await button(page, 'Form').click();
  await expect(page.getByText('The form has no place for all that the JSON says')).toBeVisible();
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('12345678901234567890');
});

test('a number that JavaScript has no room for is sent and shown in its digits', async ({ page }) => {
  await open(page, 'web');
  await field(page, 'Path').fill('/post');
  await page.getByLabel('Method').selectOption('POST');
  await page.getByLabel('Kind of body').selectOption('json');
  await write(page, 'Body', '{"n": 12345678901234567890}');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('12345678901234567890');

  await open(page, 'orders');
  await field(page, 'Queue').fill('numbers');
  await write(page, 'Message', '{"n": 12345678901234567890}');
  await button(page, 'Publish').last().click();
  await expect(reply(page)).toContainText('message_id');
  await button(page, 'Pull').first().click();
  await field(page, 'Queue').fill('numbers');
  await button(page, 'Pull').last().click();
  await expect(reply(page)).toContainText('"n": 12345678901234567890');
  await button(page, 'Acknowledge').click();
});

test('of a request that is too long to be kept it is said', async ({ page }) => {
  await open(page, 'web');
  await page.getByLabel('Method').selectOption('POST');
  await page.getByLabel('Kind of body').selectOption('text');
  await write(page, 'Body', 'long '.repeat(60_000));
  const said = page.getByText('This request is too long to be kept');
  await expect(said).toBeVisible();
  await picture(page, 'try-too-long');
  await write(page, 'Body', 'short');
  await expect(said).toHaveCount(0);
});

test('a call is cancelled', async ({ page }) => {
  await open(page, 'web');
  await field(page, 'Path').fill('/delay/10');
  await button(page, 'Send').click();
  await button(page, 'Cancel').click();
  await expect(page.getByText('Cancelled.')).toBeVisible();
  await expect(button(page, 'Send')).toBeVisible();
});

test('an error says what to do, and what the service said', async ({ page }) => {
  await open(page, 'web');
  await field(page, 'Path').fill('/status/401');
  await button(page, 'Send').click();
  await expect(page.getByRole('alert')).toContainText('The service did not accept the credential');
  await accessible(page);
  await page.getByRole('link', { name: 'Give it a credential that the service accepts' }).click();
  await expect(page).toHaveURL(/\/integrations\/web\/configure$/);
});

test('bytes are saved as a file', async ({ page }) => {
  await open(page, 'web');
  await field(page, 'Path').fill('/image/png');
  await button(page, 'Send').click();
  await expect(page.getByText('of image/png, which is no text')).toBeVisible();
  const saved = page.waitForEvent('download');
  await button(page, 'Save as a file').click();
  expect((await saved).suggestedFilename()).toBe('reply.png');
});

test('rows stand in a table of which a part is drawn, and tables are completed', async ({ page, api }) => {
  await api('POST', '/api/v1/integrations/books/call', { query: 'create table if not exists publisher (id integer, motto text)' });
  await open(page, 'books');
  await write(page, 'Statement', 'select * from ');
  await page.keyboard.type('publi', { delay: 50 });
  await expect(page.getByRole('option', { name: 'publisher' })).toBeVisible();
  await page.keyboard.press('Escape');

  await write(page, 'Statement', 'with recursive c(n) as (select 1 union all select n + 1 from c where n < :most) select n, null as missing from c');
  await write(page, 'Parameters (JSON)', '{"most": 3000}');
  await page.keyboard.press('ControlOrMeta+Enter');
  const table = page.getByRole('table', { name: 'Rows' });
  await expect(table).toHaveAttribute('aria-rowcount', '3001');
  await expect(table.getByRole('row').nth(1)).toContainText('NULL');
  expect(await table.getByRole('row').count()).toBeLessThan(100);
  await picture(page, 'try-sql');
  await accessible(page);

  await write(page, 'Statement', "insert into publisher values (1, 'a'), (2, 'b')");
  await write(page, 'Parameters (JSON)', '');
  await button(page, 'Run').click();
  await expect(page.getByText('2 rows affected')).toBeVisible();
});

test('a word is completed that was begun before the tables were known', async ({ page, api }) => {
  await api('POST', '/api/v1/integrations/books/call', { query: 'create table if not exists publisher (id integer, motto text)' });
  await open(page, 'books');
  let go = () => {};
  const typed = new Promise<void>((done) => (go = done));
  await page.route('**/integrations/books/schema', async (route) => {
    await typed;
    await route.continue();
  });
  await write(page, 'Statement', 'select * from ');
  await page.keyboard.type('publi');
  go();
  await page.getByRole('option', { name: 'publisher' }).click();
  await expect(field(page, 'Statement')).toHaveText('select * from publisher');
});

test('fields of a schema are completed, an operation is chosen, and a subscription is listened to', async ({ page }) => {
  await open(page, 'things');
  await field(page, 'Document').click();
  await write(page, 'Document', 'query A { ');
  await page.keyboard.type('thi', { delay: 50 });
  await expect(page.getByRole('option', { name: 'things' })).toBeVisible();
  await page.keyboard.press('Escape');

  await write(page, 'Document', 'query A { things(first: 2) { name } }\nquery B { token }');
  await expect(page.getByText('the document has several')).toBeVisible();
  await page.getByLabel('Operation').selectOption('A');
  await button(page, 'Send').click();
  await expect(reply(page)).toContainText('thing 1');
  await accessible(page);

  await write(page, 'Document', 'subscription { count(to: 1200) }');
  await button(page, 'Listen').click();
  // All of them: the buffer holds as many. With the last one, which says that there are no more.
  const ended = page.getByText('Ended: 1,201 events, of which the latest 1,000 are kept and 201 were dropped');
  await expect(ended).toBeVisible({ timeout: 60_000 });
  await expect(page.getByRole('list', { name: 'Events' }).getByRole('button').last()).toContainText('complete');
  await button(page, 'Clear').click();
  await expect(page.getByText('Nothing to show.')).toBeVisible();
  await accessible(page);
});

test('messages are published while one listens, held still, taken and acknowledged', async ({ page }) => {
  await open(page, 'orders');
  await button(page, 'Listen').first().click();
  await field(page, 'Queue').fill('news');
  await button(page, 'Listen').last().click();
  await expect(page.getByText('Live: 0 events')).toBeVisible();
  await button(page, 'Publish').first().click();
  await field(page, 'Queue').fill('news');
  await button(page, 'Publish').last().click();
  await expect(reply(page)).toContainText('message_id');
  await button(page, 'Listen').first().click();
  await expect(page.getByText('Live: 1 event')).toBeVisible();
  await button(page, 'Pause').click();
  await expect(page.getByText('Paused: 1 event')).toBeVisible();
  await button(page, 'Stop').click();
  await expect(page.getByText('Ended: 1 event')).toBeVisible();
  await accessible(page);

  await button(page, 'Publish').first().click();
  await field(page, 'Queue').fill('work');
  await button(page, 'Publish').last().click();
  await button(page, 'Pull').first().click();
  await field(page, 'Queue').fill('work');
  await field(page, 'Wait').fill('5s');
  await button(page, 'Pull').last().click();
  await button(page, 'Acknowledge').click();
  await expect(page.getByText('acknowledged', { exact: true })).toBeVisible();
  await accessible(page);
});

test('where the event goes that has the keyboard, the list of events has it', async ({ page, api }) => {
  await open(page, 'orders');
  await button(page, 'Listen').first().click();
  await field(page, 'Queue').fill('many');
  await button(page, 'Listen').last().click();
  await expect(page.getByText('Live: 0 events')).toBeVisible();
  const publish = () => api('POST', '/api/v1/integrations/orders/call', { queue: 'many', message: 'one of many' });
  await publish();
  const list = page.getByRole('list', { name: 'Events' });
  await list.getByRole('button').first().focus();
  for (let messages = 0; messages < 60; messages += 1) {
    await publish();
  }
  await expect(page.getByText('Live: 61 events')).toBeVisible();
  await expect(list).toBeFocused();
  await button(page, 'Stop').click();
});

test('what is copied runs in a shell, and holds no secret', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, 'web');
  await button(page, 'JSON').click();
  const odd = `it's "odd" $HOME \`id\` \\ 日本`;
  await write(page, 'Request', JSON.stringify({ method: 'POST', endpoint: '/post', json: { odd } }, null, 2));
  for (const kind of ['curl', 'Trunkline command']) {
    await button(page, 'Copy as…').click();
    await page.getByRole('menuitem', { name: kind }).click();
    await expect(page.getByText('Copied. It takes the token from TRUNKLINE_API_TOKEN.')).toBeVisible();
    const line = await page.evaluate(() => navigator.clipboard.readText());
    expect(line).not.toContain(TOKEN);
    const env = { PATH: `${told('TRUNKLINE_FOLDER')}:${process.env.PATH}`, TRUNKLINE_API_TOKEN: TOKEN };
    const answer = JSON.parse(execFileSync('sh', ['-c', line], { env, encoding: 'utf8' })) as { json: unknown };
    expect(answer.json).toEqual({ odd });
  }
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });

  test.describe('each editor', () => {
    for (const id of ['web', 'books', 'things', 'orders']) {
      test(id, async ({ page }) => {
        await open(page, id);
        await picture(page, `try-${id}-phone`);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        expect(wide, 'it is no wider than the window').toBeLessThanOrEqual(0);
        await accessible(page);
      });
    }
  });
});
