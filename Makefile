# One command per intention. Everything installed goes into this checkout: `.tools` holds uv, `.venv` holds the project.
# The Python of the system is used to make `.tools` and is never written to.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

UV_VERSION := 0.13.8
UV := .tools/bin/uv
BIN := .venv/bin
SYNCED := .venv/.synced
RUNNABLE := .venv/.runnable
DOCS_ENV := .tools/docs
DOCS_SYNCED := $(DOCS_ENV)/.synced
FUZZ_ENV := .tools/fuzz
FUZZ_SYNCED := $(FUZZ_ENV)/.synced
FUZZ_NATIVE := $(FUZZ_ENV)/.native
MATURIN_VERSION := 1.16.0
MATURIN := .tools/bin/maturin
NATIVE := .venv/.native
RUNNABLE_NATIVE := .venv/.runnable-native
NATIVE_SOURCES := $(wildcard rust/book/src/*.rs) $(wildcard rust/book/*.toml rust/book/*.pyi) rust/book/Cargo.lock
# Version managers leave a name that answers with an error, so it is asked.
CARGO := $(shell cargo --version >/dev/null 2>&1 && command -v cargo)

export UV_PYTHON_DOWNLOADS := never
# The suite starts our commands some hundred times: each finds its modules compiled, whatever the shell around this prefers.
unexport PYTHONDONTWRITEBYTECODE

HOST ?= 127.0.0.1
PORT ?= 8750
SCHEDULES ?= 2000
HOURS ?= 24
MINUTES ?= 30
SEED ?= 1
REQUESTS ?= 5000
RUNS ?= 500000
TARGET ?=
TIMES ?= 20
VENUE ?=
CALLS ?= 200
CASES ?=
# Twice as many as there are cores, for half of the time is spent in waiting for processes and sockets; eight at most.
# `make test WORKERS=0` runs in one process, for a debugger.
WORKERS ?= $(shell cores=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); echo $$(( cores > 3 ? 8 : 2 * cores )))
PYTEST_ARGS ?=
JOBS ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

.PHONY: limits help run extra setup native native-check test check fmt fmt-check lint types layers tidy fast reference docs sim soak soak-real kill disk fuzz fuzz-deep teeth canary \
	tamper contracts-drift openapi-check bench lock vendor-web hooks clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# --- Set-up ----------------------------------------------------------------------------------------------------------

setup: $(SYNCED) $(if $(CARGO),$(NATIVE)) ## install what is missing into .tools and .venv
	@:

# The first interpreter that is 3.11 or newer and can make a virtual environment; version managers leave names that
# answer with an error, so each one is asked.
$(UV):
	@python=; \
	for name in $(PYTHON) python3 python3.11 python3.12 python3.13 python3.14 python; do \
	  if $$name -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo 'Python 3.11 or newer with venv is needed (Debian and Ubuntu: apt install python3 python3-venv).' >&2; \
	  echo 'If it is installed under another name: make PYTHON=/path/to/python setup' >&2; exit 3; fi; \
	echo "setup: uv $(UV_VERSION) into .tools, made with $$($$python -c 'import sys; print(sys.executable)')" >&2; \
	$$python -m venv --clear .tools; \
	.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv==$(UV_VERSION)'

$(SYNCED): uv.lock pyproject.toml | $(UV)
	@echo 'setup: the locked packages into .venv' >&2
	@$(UV) sync --frozen --quiet --python .tools/bin/python
	@touch $@

# A desk needs a sixth of what its developers need. Packages that are already there are left alone.
$(RUNNABLE): uv.lock pyproject.toml | $(UV)
	@echo 'setup: the packages of the desk into .venv' >&2
	@$(UV) sync --frozen --quiet --inexact --no-default-groups --python .tools/bin/python
	@touch $@

# The native core of the order books: built where cargo is, left out where it is not. `uv sync` takes away what the lock
# does not name, so the stamp is older than a new sync and the wheel is put back, without being built anew.
$(MATURIN): | $(UV)
	@$(UV) pip install --quiet --python .tools/bin/python 'maturin==$(MATURIN_VERSION)'

# $(1) is the environment it goes into.
define build_native
@echo 'setup: the native core of the order books into $(1)' >&2
@rm -rf rust/book/target/wheels
@mkdir -p rust/book/target; \
if $(MATURIN) build --quiet --release --locked --manifest-path rust/book/Cargo.toml --interpreter $(1)/bin/python \
  >rust/book/target/build.log 2>&1; then \
  $(UV) pip install --quiet --no-deps --reinstall --python $(1)/bin/python rust/book/target/wheels/*.whl; \
else cat rust/book/target/build.log >&2; \
  echo 'setup: the native core could not be built; the books are kept in Python' >&2; fi
@touch $@
endef

$(NATIVE): $(SYNCED) $(NATIVE_SOURCES) | $(MATURIN)
	$(call build_native,.venv)

$(RUNNABLE_NATIVE): $(RUNNABLE) $(NATIVE_SOURCES) | $(MATURIN)
	$(call build_native,.venv)

native: $(SYNCED) ## build the native core of the order books (needs cargo)
	@if [ -z '$(CARGO)' ]; then echo 'make native: cargo is not installed (https://rustup.rs)' >&2; exit 3; fi
	@$(MAKE) --no-print-directory $(NATIVE)
	@$(BIN)/python -c 'import floorbroker_book' || { rm -f $(NATIVE); exit 1; }

native-check: ## format, lints and tests of the native core
	cargo fmt --manifest-path rust/book/Cargo.toml --check
	cargo clippy --quiet --locked --manifest-path rust/book/Cargo.toml --all-targets -- -D warnings
	cargo test --quiet --locked --manifest-path rust/book/Cargo.toml --no-default-features

lock: | $(UV) ## resolve the dependencies anew into uv.lock
	$(UV) lock

hooks: setup ## install the pre-commit hooks
	$(BIN)/prek install

# --- Use -------------------------------------------------------------------------------------------------------------

run: $(RUNNABLE) $(if $(CARGO),$(RUNNABLE_NATIVE)) ## serve the desk with the paper venue on 127.0.0.1:8750
	@exec $(BIN)/floorbroker up --host $(HOST) --port $(PORT)

# What an extra brings stays when the desk is started or updated; `make setup` brings what the developers need and no more.
extra: $(if $(NAME),$(RUNNABLE)) ## add an extra to the desk: make extra NAME=research
	@$(if $(NAME),:,echo 'make extra: say which one, like NAME=research' >&2; exit 2)
	@$(UV) sync --frozen --inexact --no-default-groups --extra $(NAME) --python .tools/bin/python

# --- Prove -----------------------------------------------------------------------------------------------------------

# pytest's closing line is the last thing printed.  Files run in their order: sorted by their number of tests, as xdist would,
# the longest of all (one test, a minute) would come last and alone.
test: setup ## run the whole suite
	@$(BIN)/python tests/preflight.py
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

check: fmt-check lint types layers tidy fast ## everything that needs no simulator, in a minute

fmt: setup ## format, and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

fmt-check: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup ## pyright, strict on src
	$(BIN)/pyright

layers: setup ## the floors of the house
	$(BIN)/lint-imports

tidy: setup ## house facts that no linter knows
	$(BIN)/python -m pytest -q tests/unit/test_tidy.py

fast: setup
	$(BIN)/python -m pytest -q -x -n $(WORKERS) --dist loadfile -m 'not slow and not judge and not browser' tests/unit

sim: setup ## seeded fault schedules: make sim SCHEDULES=2000 SEED=1 VENUE=alpaca
	@$(BIN)/python -m tests.simulation --schedules $(SCHEDULES) --seed $(SEED) $(if $(VENUE),--venue $(VENUE)) $(if $(JOBS),--jobs $(JOBS)) $(if $(PAGE),--page $(PAGE))

soak: setup ## a desk lives for hours of virtual time under faults, and may not grow: make soak HOURS=24 SEED=1
	@$(BIN)/python -m tests.simulation.soak --hours $(HOURS) --seed $(SEED)

soak-real: setup ## the same of a real process, over TCP and in real time: make soak-real MINUTES=30
	@$(BIN)/python -m tests.process.soak --minutes $(MINUTES) --seed $(SEED)

limits: setup ## a crowd at the limits of several accounts: make limits SUBMITS=1000000 SEED=1
	@$(BIN)/python -m tests.properties.crowd --submits $(or $(SUBMITS),5000) --seed $(SEED)

kill: setup ## a real desk killed at every named step: make kill TIMES=20
	@$(BIN)/python -m tests.process --times $(TIMES)

disk: setup ## every one of the first write calls fails under a real desk: make disk CALLS=200
	@$(BIN)/python -m tests.process.disk --calls $(CALLS)

fuzz: setup ## generated requests, none may break a desk: make fuzz REQUESTS=5000
	@FLOORBROKER_FUZZ_REQUESTS=$(REQUESTS) $(BIN)/python -m pytest -q tests/e2e/test_fuzz_real.py tests/unit/api/test_fuzz.py tests/unit/api/test_strangers.py

# atheris is built for a few interpreters only, so it stands in an environment of its own.
$(FUZZ_SYNCED): uv.lock pyproject.toml | $(UV)
	@echo 'setup: the desk and atheris into $(FUZZ_ENV)' >&2
	@UV_PROJECT_ENVIRONMENT=$(FUZZ_ENV) $(UV) sync --frozen --quiet --no-default-groups --group deep --python .tools/bin/python
	@touch $@

$(FUZZ_NATIVE): $(FUZZ_SYNCED) $(NATIVE_SOURCES) | $(MATURIN)
	$(call build_native,$(FUZZ_ENV))

fuzz-deep: $(FUZZ_SYNCED) $(if $(CARGO),$(FUZZ_NATIVE)) ## what strangers send, by coverage: make fuzz-deep RUNS=500000 TARGET=journal
	@$(FUZZ_ENV)/bin/python -m tests.fuzz --runs $(RUNS) $(if $(TARGET),--target $(TARGET))

# A command whose module this version does not carry says so instead of passing.
define if_present
@if [ -e $(1) ]; then exec $(BIN)/python -m $(2); \
else echo 'make $@: $(1) is not part of this version' >&2; exit 2; fi
endef

teeth: setup ## planted bugs, each of which must be caught: make teeth JOBS=2 TABLE=docs/reference/planted-bugs.md
	@$(BIN)/python -m tests.simulation.teeth --jobs $(JOBS) $(if $(TABLE),--table $(TABLE))

canary: setup ## secrets in errors, doors, files and processes, none may be seen: make canary CASES=10000 SEED=1
	@FLOORBROKER_CANARY_CASES=$(or $(CASES),10000) FLOORBROKER_CANARY_SEED=$(SEED) $(BIN)/python -m pytest -q tests/canary

tamper: setup ## an audit tampered with in every way, all of it must be found: make tamper CASES=20000
	@$(BIN)/python -m tests.unit.store.audit.tampering --cases $(or $(CASES),20000)

contracts-drift: setup ## our copies of the venues' specifications beside newer ones: make contracts-drift NEW=folder
	@$(BIN)/python -m tests.contracts $(if $(NEW),$(NEW),$(error say where the newer copy is: make contracts-drift NEW=folder))

openapi-check: setup ## what would break programs of an older door: make openapi-check OLD=tag-or-file
	@$(BIN)/python -m tests.contracts.openapi $(if $(OLD),$(OLD),$(error say which is the older one: make openapi-check OLD=tag-or-file)) $(if $(NEW),--new $(NEW))

bench: setup ## measure beside rivals: make bench ONLY=name PAGE=file
	@exec $(BIN)/python -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(PAGE),--page $(PAGE))

# --- Docs ------------------------------------------------------------------------------------------------------------

$(DOCS_SYNCED): uv.lock pyproject.toml | $(UV)
	@echo 'setup: the docs builder into $(DOCS_ENV)' >&2
	@UV_PROJECT_ENVIRONMENT=$(DOCS_ENV) $(UV) sync --frozen --quiet --only-group docs --python .tools/bin/python
	@touch $@

reference: setup ## write the reference pages that come from code
	$(BIN)/python docs/build_reference.py

docs: reference $(DOCS_SYNCED) ## build the site into site/, warnings are errors
	$(DOCS_ENV)/bin/zensical build --clean --strict

vendor-web: setup ## refresh the vendored browser assets
	$(call if_present,src/floorbroker/web/vendor.py,floorbroker.web.vendor)

clean: ## remove caches and built files; environments stay
	rm -rf site dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
