// Puts a compressed copy of each file beside the build, so that the server compresses nothing while it answers.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const app = new URL('../dist/app/', import.meta.url);
const assets = new URL('assets/', app);
const packed = new URL('packed/', app);
mkdirSync(packed);
for (const name of readdirSync(assets)) {
  writeFileSync(new URL(`${name}.gz`, packed), gzipSync(readFileSync(new URL(name, assets)), { level: 9 }));
}
