// What every spec stands on: a person who has given the token, the API beside the pages, and rules that hold on all of them.
import AxeBuilder from '@axe-core/playwright';
import { type APIResponse, test as bare, expect, type Locator, type Page, type Request } from '@playwright/test';

export { expect, type Page };

const URL_OF_SERVER = process.env.TRUNKLINE_URL ?? '';
const TOKEN = process.env.TRUNKLINE_TOKEN ?? '';

/** What the Rust test says of its services. */
export function told(name: string): string {
  const value = process.env[name];
  if (value === undefined) {
    throw new Error(`${name} is not set: run this by cargo nextest run --workspace -E 'binary_id(trunkline-cli::browser)'`);
  }
  return value;
}

interface Api {
  (method: string, path: string, body?: unknown): Promise<unknown>;
}

interface Fixtures {
  /** Asks the API as a program does, and gives whatever it answers. A text is JSON as it is. */
  sent: (method: string, path: string, body?: unknown) => Promise<APIResponse>;
  /** Calls the API as a program does; an answer that is no success fails the test. */
  api: Api;
  /** Errors that pages may show in the console, for tests that bring them about. */
  expected: RegExp[];
  /** Origins that pages lead to, beside the server's own. */
  elsewhere: string[];
}

/** Console messages of Chromium for answers that pages show to the person. */
const ANSWERS = /^Failed to load resource: the server responded with a status of (4\d\d|502)/;

export const test = bare.extend<Fixtures>({
  sent: async ({ request }, use) => {
    await use((method, path, body) => request.fetch(path, { method, data: body, headers: { 'Trunkline-Token': TOKEN, ...(typeof body === 'string' ? { 'Content-Type': 'application/json' } : {}) } }));
  },
  api: async ({ sent }, use) => {
    await use(async (method, path, body) => {
      const answer = await sent(method, path, body);
      expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
      return answer.status() === 204 ? undefined : answer.json();
    });
  },
  expected: [[], { option: true }],
  elsewhere: [[], { option: true }],
  context: async ({ context, expected, elsewhere }, use) => {
    const wrong: string[] = [];
    // A page that is still blank has no storage.
    await context.addInitScript((token) => location.origin !== 'null' && sessionStorage.setItem('trunkline.token', token), TOKEN);
    await context.addInitScript(watchShifts);
    context.on('request', (request) => {
      const { origin, protocol } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && ![URL_OF_SERVER, ...elsewhere].includes(origin)) {
        wrong.push(`a request to another host: ${request.url()}`);
      }
      // A stream is under way for as long as its page is.
      if (!new URL(request.url()).pathname.endsWith('/stream')) {
        underWay.add(request);
      }
    });
    context.on('requestfinished', (request) => underWay.delete(request));
    context.on('requestfailed', (request) => underWay.delete(request));
    context.on('console', (message) => {
      if (message.type() === 'error' && ![ANSWERS, ...expected].some((known) => known.test(message.text()))) {
        wrong.push(`in the console: ${message.text()}`);
      }
    });
    context.on('weberror', (error) => wrong.push(`not caught: ${error.error().stack}`));
    await use(context);
    expect(wrong).toEqual([]);
  },
});

interface Watched {
  shifts: { value: number; what: string }[];
}

/** Notes what moves on its own: not within half a second of what the person did (the `hadRecentInput` of browsers). */
function watchShifts(): void {
  const watched = window as unknown as Watched;
  watched.shifts = [];
  const name = (node: Node | null) =>
    node instanceof Element ? `<${node.tagName.toLowerCase()}> ${node.textContent.slice(0, 60)}` : String(node?.nodeName);
  const place = ({ x, y, width, height }: DOMRectReadOnly) => `${width}x${height} at ${x},${y}`;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & {
      value: number;
      hadRecentInput: boolean;
      sources: { node: Node | null; previousRect: DOMRectReadOnly; currentRect: DOMRectReadOnly }[];
    })[]) {
      if (!entry.hadRecentInput) {
        watched.shifts.push({ value: entry.value, what: entry.sources.map(({ node, previousRect, currentRect }) => `${name(node)} ${place(previousRect)} to ${place(currentRect)}`).join('; ') });
      }
    }
  }).observe({ type: 'layout-shift', buffered: true });
}

/** A tenth of what counts as good (https://web.dev/articles/cls): a line of a few words may move within its place. */
const STILL = 0.01;

/** Nothing that anybody would notice has moved on the page since it was loaded. */
export async function still(page: Page): Promise<void> {
  const shifts = await page.evaluate(() => (window as unknown as Watched).shifts);
  const moved = shifts.reduce((sum, { value }) => sum + value, 0);
  expect.soft(moved, `${page.url()}: ${JSON.stringify(shifts)}`).toBeLessThan(STILL);
}

/** What pages have asked for and not got yet. */
const underWay = new Set<Request>();

/** Waits until the page has asked for nothing more for half a second, or `calm` milliseconds, beside what `isHeld`, and has painted what it got. */
export async function settled(page: Page, { calm = 500, isHeld = () => false }: { calm?: number; isHeld?: (request: Request) => boolean } = {}): Promise<void> {
  let since = Date.now();
  await expect
    .poll(() => {
      if ([...underWay].some((request) => request.frame().page() === page && !isHeld(request))) {
        since = Date.now();
      }
      return Date.now() - since;
    }, { intervals: [50], timeout: 30_000 })
    .toBeGreaterThan(calm);
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
}

/** Nothing that keeps people from using the page, or makes it hard (WCAG 2.2 AA and good practice, as far as axe can tell). */
export async function accessible(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  const grave = violations.filter(({ impact }) => impact !== 'minor');
  const said = grave.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join('\n')}`);
  expect.soft(said, page.url()).toEqual([]);
}

/**
 * Chooses one of a list that opens. By the keyboard: a mouse button that is held for a moment, as on a machine that is busy, chooses
 * what opens below it.
 */
export async function choose(list: Locator, option: string): Promise<void> {
  await list.press('ArrowDown');
  await list.page().getByRole('option', { name: option, exact: true }).click();
}

/** The value of one of the facts of a page, by its name. */
export function fact(page: Page, name: string): Locator {
  return page.locator('dt', { hasText: new RegExp(`^${name}$`) }).locator('xpath=following-sibling::dd[1]');
}

/** Keeps a picture of the page, for people to look at: as it is once colours have changed. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${process.env.TRUNKLINE_OUTPUT ?? '../target/browser/by-hand'}/${name}.png`, fullPage: true, animations: 'disabled' });
}
