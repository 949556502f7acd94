# One word per task; `make` alone lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Only what was asked for is passed on; the program knows its own defaults.
ifdef PORT
export SPOORBOEK_PORT := $(PORT)
endif
ifdef DATA
export SPOORBOEK_DATA := $(DATA)
endif

.PHONY: help
help: ## list these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Ctrl-C is how a run is meant to end, so it is no error of make's.
.PHONY: run
run: $(VENV)/runs ## everything on this machine, with Venray's history (PORT=8080 DATA=data)
	@trap : INT; code=0; $(BIN)/spoorboek run || code=$$?; [ $$code -eq 130 ] || exit $$code

.PHONY: test
test: $(VENV)/tests ## the whole suite, with a real PostgreSQL, Kafka and browser
	@$(BIN)/pytest -m ""

.PHONY: faults
faults: $(VENV)/tests ## the long form of the faults: 1000 kills, or two hours (SPOORBOEK_FAULTS_MINUTES=120)
	@$(BIN)/python -W ignore::UserWarning -m tests.faults

.PHONY: bench
bench: $(VENV)/bench ## measure against a peer and against the bare limits; writes docs/performance.md (some minutes)
	@$(BIN)/python -m bench

.PHONY: check
check: $(VENV)/tests ## style, types, import contracts, house rules, schemas in step, fast tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/spoorboek schemas check
	@$(BIN)/pytest

.PHONY: schemas
schemas: $(VENV)/runs ## write the published schemas anew from the event classes
	@$(BIN)/spoorboek schemas write

.PHONY: pins
pins: $(VENV)/pins ## choose the newest libraries and pin them with their hashes
	@$(COMPILE) --upgrade requirements.in -o requirements.txt
	@$(COMPILE) --upgrade -c requirements.txt requirements-dev.in -o requirements-dev.txt
	@$(COMPILE) --upgrade -c requirements-dev.txt requirements-bench.in -o requirements-bench.txt

.PHONY: clean
clean: ## remove what was installed and cached; the data of a run stays
	@rm -rf $(VENV) build *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Pins hold for every system and for Python 3.11 and newer; which mirror they come from is the environment's business.
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make pins"

# pip says nothing for a minute: dots show that something happens.
define install
	@printf '%s' '$(1) '; \
	( while sleep 2; do printf .; done ) & dots=$$!; trap "kill $$dots 2>/dev/null" EXIT; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(2); echo ' done'
endef
OURSELVES := --no-deps --no-build-isolation --editable .

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Spoorboek needs Python 3.11 or newer: name one, as in `make run PYTHON=python3.12`.' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { rm -rf $(VENV); \
		echo 'Python could not make a virtual environment: install its venv module (Debian package python3-venv).' >&2; exit 1; }
	@touch $@

$(VENV)/runs: $(VENV)/made requirements.txt pyproject.toml
	$(call install,Installing Spoorboek into $(VENV) (once; a minute or so),--require-hashes -r requirements.txt)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(OURSELVES)
	@touch $@

$(VENV)/tests: $(VENV)/runs requirements-dev.txt
	$(call install,Installing what the tests need (once),--require-hashes -r requirements-dev.txt)
	@touch $@

$(VENV)/bench: $(VENV)/tests requirements-bench.txt
	$(call install,Installing what the bench measures against (once),--require-hashes -r requirements-bench.txt)
	@touch $@

$(VENV)/pins: $(VENV)/made
	$(call install,Installing the resolver (once),uv)
	@touch $@
