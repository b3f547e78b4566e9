# Trunkline. `make help` says what there is.

TARGET := $(or $(CARGO_TARGET_DIR),target)
# Where rustup puts cargo, for a shell that was opened before it was installed.
export PATH := $(PATH):$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

NO_RUST := Rust is missing. Get it with: curl --proto =https --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y

.DEFAULT_GOAL := help
.PHONY: help run test bench check fmt doc clean rust cc

help: ## Lists the targets
	@awk 'BEGIN { FS = ":[^#]*## " } /^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@command -v cargo >/dev/null || echo '$(NO_RUST)'

run: cc ## Builds and starts the server with sample integrations: http://127.0.0.1:8700, data in ./data (ARGS="--listen ADDR")
	@scripts/ui.sh
	cargo build --release --package trunkline-cli
	@exec $(TARGET)/release/trunkline serve --demo $(ARGS)

test: cc ## Runs every check: format, lints, tests, doc tests, dependencies, README and examples
	@scripts/test.sh

bench: cc ## Measures the pipeline and the server against what they are built on
	cargo bench --package trunkline --bench pipeline
	cargo bench --package trunkline --bench forward
	cargo bench --package trunkline-cli --bench gateway
	cargo bench --package trunkline-cli --bench database
	cargo bench --package trunkline-cli --bench websocket
	cargo bench --package trunkline-cli --bench queue
	cargo bench --package trunkline-cli --bench streams

check: cc ## The quick ones of the checks: format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

fmt: rust ## Formats the code
	cargo fmt --all

doc: cc ## Builds the documentation of the crates
	cargo doc --workspace --no-deps
	@echo 'open $(TARGET)/doc/trunkline/index.html'

clean: rust ## Removes what was built; ./data stays
	cargo clean

rust:
	@command -v cargo >/dev/null || { echo '$(NO_RUST)' >&2; exit 1; }

cc: rust
	@scripts/need.sh cc
