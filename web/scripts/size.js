// Says how much script the list needs before it is there, as it is sent, and refuses more than is agreed.
import { readFileSync, statSync } from 'node:fs';

/** Bytes, by gzip: what a phone on a slow line (1.6 Mbit/s) has in a second and a half. */
const MOST = 300_000;

const app = new URL('../dist/app/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', app), 'utf8'));

/** A chunk and all that it imports, but not what is loaded when it is wanted. */
function needed(name, found = new Set()) {
  if (!found.has(name)) {
    found.add(name);
    (manifest[name].imports ?? []).forEach((other) => needed(other, found));
  }
  return found;
}

const files = [...needed('index.html')].map((name) => manifest[name].file);
const sizes = files.map((file) => statSync(new URL(`packed/${file.replace('assets/', '')}.gz`, app)).size);
const all = sizes.reduce((sum, size) => sum + size, 0);
console.log(`the list's first load: ${all} bytes of script in ${files.length} files, of at most ${MOST}`);
if (all > MOST) {
  files.forEach((file, at) => console.error(`${sizes[at]} ${file}`));
  console.error('load what the list does not show when it is wanted: lazy in src/routes.tsx, or import() where it is used');
  process.exitCode = 1;
}
