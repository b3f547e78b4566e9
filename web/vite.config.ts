// How the UI is built: into dist/app, from where the server's build takes it.
import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [react()],
  // The form library names its own validator in a helper for tests. It makes code of schemas, which the page forbids.
  resolve: { alias: { '@rjsf/validator-ajv8': fileURLToPath(new URL('src/form/validator.ts', import.meta.url)) } },
  build: {
    outDir: 'dist/app',
    emptyOutDir: true,
    // Nothing stands in the page or in scripts that its policy would have to allow.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // For scripts/size.js: which script loads which.
    manifest: true,
  },
  test: { include: ['src/**/*.test.ts'] },
  // Under the name that the browser asked for: to the server, one of another name is a page of another site.
  server: { proxy: { '^/(api|openapi.json)': { target: 'http://127.0.0.1:8700', changeOrigin: false } } },
});
