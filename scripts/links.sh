#!/usr/bin/env bash
# Whether every file that a page links to is there. Pages on the web are not asked for.
set -euo pipefail
cd "$(dirname "$0")/.."

broken=0
while IFS= read -r page; do
    while IFS= read -r link; do
        case $link in
            *://* | mailto:* | '#'*) continue ;;
        esac
        path=$(dirname "$page")/${link%%#*}
        if [ ! -e "$path" ]; then
            echo "$page: links to $link, which is not there" >&2
            broken=1
        fi
    done < <(grep -oE '\]\([^) ]+\)' "$page" | sed 's/^](//; s/)$//')
done < <(find . -name '*.md' -not -path './target/*' -not -path './data/*' -not -path '*/node_modules/*' -not -path '*/.venv/*')
exit "$broken"
