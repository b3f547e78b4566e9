// Starts the real binary on a port of its own, with nothing stored, for as long as somebody works with it.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL('../../target', import.meta.url));
const binary = process.env.TRUNKLINE_BIN ?? join(target, 'debug', 'trunkline');

/** Runs `work(url)` with a server that is started with `args` and `env`. */
export async function withServer({ args = [], env = {} }, work) {
  const home = mkdtempSync(join(tmpdir(), 'trunkline-web-'));
  const listen = ['serve', '--listen', '127.0.0.1:0', '--data', join(home, 'data'), ...args];
  const child = spawn(binary, listen, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  try {
    await work(await address(child));
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.kill()) {
      await ended;
    }
    rmSync(home, { recursive: true, force: true });
  }
}

/** The URL that the server says it listens on. */
function address(child) {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk) => {
      said += chunk;
      const url = /listens on (http:\/\/\S+)/.exec(said);
      if (url) {
        resolve(url[1]);
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${binary} ended with ${code}: ${said}`)));
  });
}
