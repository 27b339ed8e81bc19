# Two commands: `make demo` shows it, `make test` proves it. `make help` lists the rest.

PROFILE ?= dev
TARGET := $(or $(CARGO_TARGET_DIR),target)
QUERIES := $(TARGET)/bench-queries
sources = $(shell find $(1) -name node_modules -prune -o -name dist -prune -o -name '*.gen.ts' -prune -o -type f -print)

# One more than there are processors: many tests wait for servers that are ended and come back.
export RUST_TEST_THREADS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

.NOTPARALLEL:
.PHONY: demo test lint web sdks tools fuzz schema bench-ingest bench-queries clean help

demo: web ## Build everything, load a month of sample events, serve on 127.0.0.1:8080 (Ctrl-C ends it)
	@cargo run --quiet --locked --profile $(PROFILE) -- demo

test: ## Every check there is; installs by apt what is missing: Postgres, Redis, Chromium (on Ubuntu that through Playwright)
	@before=$$(git status --porcelain 2>/dev/null); \
	$(MAKE) --no-print-directory tools web sdks lint && cargo test --workspace --locked && \
	if [ "$$before" != "$$(git status --porcelain 2>/dev/null)" ]; then \
		git status --short; echo "The checks changed files of the repository."; exit 1; \
	fi

lint: ## Format, clippy and documentation, warnings denied
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked
	@if command -v cargo-deny >/dev/null; then cargo deny check bans licenses sources; \
	else echo "cargo-deny is not installed: the tests hold .cargo/deny.toml by what cargo alone can tell."; fi

web: dashboard/dist/index.html playground/dist/index.html sdk/dist/sdk.js geo/node_modules/.package-lock.json ## Build the dashboard, the playground and the SDK for browsers, and fetch the countries of addresses (only when they changed)

dashboard/dist/index.html: dashboard/node_modules/.package-lock.json schema.graphql $(call sources,dashboard)
	cd dashboard && npm run --silent build

dashboard/node_modules/.package-lock.json: dashboard/package.json dashboard/package-lock.json
	cd dashboard && npm ci --no-audit --no-fund --loglevel error
	@touch $@

playground/dist/index.html: playground/node_modules/.package-lock.json $(call sources,playground)
	cd playground && npm run --silent build

playground/node_modules/.package-lock.json: playground/package.json playground/package-lock.json
	cd playground && npm ci --no-audit --no-fund --loglevel error
	@touch $@

sdk/dist/sdk.js: sdk/node_modules/.package-lock.json $(call sources,sdk)
	cd sdk && npm run --silent build

sdk/node_modules/.package-lock.json: sdk/package.json sdk/package-lock.json
	cd sdk && npm ci --no-audit --no-fund --loglevel error
	@touch $@

sdks: tests/sdk/node_modules/.package-lock.json tests/audit/node_modules/.package-lock.json tests/api/venv/installed ## Install the clients of others that the tests drive, and the audits of both APIs

tests/sdk/node_modules/.package-lock.json: tests/sdk/package.json tests/sdk/package-lock.json
	cd tests/sdk && npm ci --no-audit --no-fund --loglevel error
	@touch $@

tests/audit/node_modules/.package-lock.json: tests/audit/package.json tests/audit/package-lock.json
	cd tests/audit && npm ci --no-audit --no-fund --loglevel error
	@touch $@

tests/api/venv/installed: tests/api/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

geo/node_modules/.package-lock.json: geo/package.json geo/package-lock.json
	cd geo && npm ci --no-audit --no-fund --loglevel error
	@touch $@

tools: ## Install what the tests need and the machine lacks
	@.ci/tools

fuzz: ## Play bent input at every parser for FUZZ_SECONDS (60) each
	FUZZ_SECONDS=$(or $(FUZZ_SECONDS),60) cargo test --locked --test tests fuzz::
	PROPTEST_CASES=$(or $(PROPTEST_CASES),20000) cargo test --locked --lib -- what_is_damaged_is_refused

schema: ## Write schema.graphql anew
	@cargo run --quiet --locked -- schema > schema.graphql.new && mv schema.graphql.new schema.graphql

bench-ingest: web ## Measure how fast events get in (ARGS=--help)
	cargo bench --locked --bench ingest -- $(ARGS)

bench-queries: web $(QUERIES)/venv/installed ## Measure how fast questions are answered, beside DuckDB (ARGS=--help)
	cargo build --locked --release
	@$(QUERIES)/venv/bin/python -B benches/queries --cache $(QUERIES) --server $(TARGET)/release/event-analytics $(ARGS)

$(QUERIES)/venv/installed: benches/queries/requirements.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

clean: ## Remove what was built (not ./data)
	cargo clean
	rm -rf dashboard/dist dashboard/node_modules playground/dist playground/node_modules tests/sdk/node_modules tests/audit/node_modules tests/api/venv geo/node_modules

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
