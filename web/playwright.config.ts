// How the browser tests run. They are started from crates/cli/tests/browser, which starts the server and the services first.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'e2e',
  outputDir: `${process.env.TRUNKLINE_OUTPUT ?? '../target/browser/by-hand'}/failed`,
  reporter: 'list',
  // One server is what all tests of a spec look at, in the order in which they stand.
  workers: 1,
  // A test that passes the second time is a test that fails.
  retries: 0,
  forbidOnly: true,
  // Both on a machine that is busy.
  timeout: 120_000,
  expect: { timeout: 15_000 },
  use: {
    baseURL: process.env.TRUNKLINE_URL,
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium' },
    locale: 'en-GB',
    trace: 'retain-on-failure',
    // What moves is not what is tested, and a screenshot of it is never the same.
    contextOptions: { reducedMotion: 'reduce' },
  },
});
