#!/usr/bin/env bash
# Keeps the README true: its first Rust block is the example that the tests run, and its JSON
# and that of docs/ is valid.
#
#   readme.sh TRUNKLINE   checks, with this binary
#   readme.sh --write     takes the example over into the README
set -euo pipefail
cd "$(dirname "$0")/.."

example=crates/trunkline/examples/quickstart.rs

# LANGUAGE N [FILE]: the N-th block of a language in the README, or another file.
block() {
    awk -v open="\`\`\`$1" -v want="$2" '
        $0 == "```" { on = 0 }
        on
        $0 == open { on = (++n == want) }
    ' "${3:-README.md}"
}

if [ "${1:-}" = --write ]; then
    awk -v example="$example" '
        $0 == "```" { on = 0 }
        !on
        $0 == "```rust" && !done++ { on = 1; while ((getline line < example) > 0) print line }
    ' README.md >README.md.new
    mv README.md.new README.md
    exit
fi

trunkline=${1:?give the trunkline binary to check with, or --write}
if ! diff -u --label "$example" --label 'README.md, first Rust block' "$example" <(block rust 1); then
    echo "README.md: its first Rust block is not $example; take it over with scripts/readme.sh --write" >&2
    exit 1
fi
for file in README.md docs/*.md; do
    json=$(grep -c '^```json$' "$file" || true)
    if [ "$file" = README.md ] && [ "$json" = 0 ]; then
        echo 'README.md: there is no JSON block' >&2
        exit 1
    fi
    for n in $(seq "$json"); do
        echo "$file, JSON block $n"
        block json "$n" "$file" | "$trunkline" check -
    done
done
