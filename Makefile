# What a developer and CI run. Every target that needs the environment makes it first; when nothing changed that is instant.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CYCLES ?= 10
RUNS ?= 20000
FIRST ?= 0
SCALE ?= 1
ONLY ?=
# Processes that share the tests, on two cores as well as on many: most of a test's time is waiting.
JOBS ?= 3
# The environment is a function of these files; its stamp carries their hash, so that a fresh clone or a branch switch
# with equal files costs nothing.
STAMP := $(VENV)/.made-from
MADE_FROM := requirements/dev.txt pyproject.toml
PYTEST := $(BIN)/python -m pytest

.PHONY: help setup demo test test-unit test-integration test-e2e lint fmt chaos simulate proof bench docs schemas requirements clean

help: ## show what can be run
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## make .venv with the notifier command; quick when nothing changed
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "notifier needs Python 3.11 or newer: make setup PYTHON=python3.12")'
	@wanted=$$(cat $(MADE_FROM) | $(PYTHON) -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'); \
	if [ "$$(cat $(STAMP) 2>/dev/null)" != "$$wanted" ] || [ ! -x $(BIN)/notifier ]; then \
	  [ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV); \
	  echo "installing into $(VENV) ..."; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .; \
	  echo "$$wanted" > $(STAMP); \
	fi

demo: setup ## event in, text out: everything in one process, nothing to install, nobody is texted
	@$(BIN)/notifier demo

test: setup ## every test; takes the best broker it can find (JOBS=0: one after the other)
	$(PYTEST) -n $(JOBS) --dist loadfile --no-loadscope-reorder

test-unit: setup ## pure tests, no broker
	$(PYTEST) tests/unit

test-integration: setup ## the shells against a broker
	$(PYTEST) tests/contract tests/integration

test-e2e: setup ## the whole daemon
	$(PYTEST) tests/e2e

lint: setup ## ruff, mypy, the floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy notifier bench
	$(BIN)/lint-imports --no-logo

fmt: setup ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chaos: setup ## kill real daemons on a real Kafka: make chaos CYCLES=100
	NOTIFIER_TEST_CHAOS_CYCLES=$(CYCLES) $(PYTEST) -m chaos tests

simulate: setup ## seeded runs of several owners: make simulate RUNS=1000000 FIRST=0
	$(BIN)/python -m tests.simulation.telling $(RUNS) $(FIRST)

proof: setup ## the figures in the docs: a million simulated runs, a thousand kills (hours)
	$(MAKE) simulate RUNS=1000000
	$(MAKE) chaos CYCLES=1000

bench: setup ## what the daemon can do here: make bench ONLY=a100 SCALE=0.1 PROFILE=FILE (see python -m bench --help)
	$(BIN)/python -m bench --only "$(ONLY)" --scale $(SCALE) $(if $(PROFILE),--profile $(PROFILE)) $(if $(KEEP),--keep $(KEEP)) \
	  $(foreach setting,$(SET),--set $(setting))

docs: setup ## write the generated reference pages again
	PYTHONPATH=. $(BIN)/python docs/reference/generate.py

schemas: setup ## write schemas/ again
	$(BIN)/notifier schemas export schemas

requirements: setup ## pin what pyproject.toml and requirements/dev.in ask for (UPGRADE=1: newest)
	@export CUSTOM_COMPILE_COMMAND="make requirements"; \
	compile="$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-emit-options $(if $(UPGRADE),--upgrade) \
	  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host"; \
	$$compile -o requirements/runtime.txt pyproject.toml; \
	$$compile --extra demo -o requirements/demo.txt pyproject.toml; \
	$$compile -o requirements/dev.txt requirements/dev.in

clean: ## remove what was made
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
