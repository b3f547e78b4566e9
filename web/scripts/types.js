// Writes src/api/types.ts, the types of the API, from the OpenAPI document of a server; with --check, says whether they are current.
import { readFileSync, writeFileSync } from 'node:fs';
import openapi, { astToString } from 'openapi-typescript';
import { withServer } from './server.js';

const file = new URL('../src/api/types.ts', import.meta.url);

/** Configurations: forms are drawn from their schemas, whatever keys they have. */
const OPEN = ['Integration', 'Read', 'Connection', 'ConnectionRead', 'Patch', 'Request', 'Input'];

await withServer({}, async (url) => {
  const document = await (await fetch(new URL('/openapi.json', url))).json();
  for (const name of OPEN) {
    document.components.schemas[name] = { type: 'object', additionalProperties: true };
  }
  const text = `// The types of the API. Made by \`npm run types\` from /openapi.json.\n${astToString(await openapi(document))}`;
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
  } else if (readFileSync(file, 'utf8') !== text) {
    console.error('src/api/types.ts is not what /openapi.json says: run `npm run types` in web/');
    process.exitCode = 1;
  }
});
