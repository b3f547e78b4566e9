// A service that an OpenAPI document describes (npm `@stoplight/prism-cli`): refuses with 422 what the document does not
// allow, and answers the rest with examples. Says on one line where it listens, and ends when its input does.
//
// node server.mjs DOCUMENT

import { createRequire } from "node:module";

// Its packages name each other, and none of them is meant to be named but the first.
const prism = createRequire(createRequire(import.meta.url).resolve("@stoplight/prism-cli/package.json"));
const { createLogger } = prism("@stoplight/prism-core");
const { getHttpOperationsFromSpec } = prism("@stoplight/prism-http");
const { createServer } = prism("@stoplight/prism-http-server");

const operations = await getHttpOperationsFromSpec(process.argv[2]);
const server = createServer(operations, {
  components: { logger: createLogger("prism", { enabled: false }) },
  cors: false,
  config: {
    isProxy: false,
    validateRequest: true,
    validateResponse: false,
    checkSecurity: true,
    errors: false,
    upstreamProxy: undefined,
    mock: { dynamic: false },
  },
});
console.log(await server.listen(0, "127.0.0.1"));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
