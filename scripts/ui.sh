#!/usr/bin/env bash
# Builds the web UI, which the program then holds. Without Node.js it is left out: the program works, and its page says so.
set -euo pipefail
cd "$(dirname "$0")/../web"

if ! command -v npm >/dev/null || ! node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)'; then
    echo 'no Node.js 20.19 or later: the server is built without its web UI' >&2
    exit 0
fi
# npm writes this file last.
if ! [ node_modules/.package-lock.json -nt package-lock.json ] && ! npm ci --no-audit --no-fund; then
    echo 'npm could not get what the web UI is built with (see above): the server has the UI that was built before, or none' >&2
    exit 0
fi
npm run build
