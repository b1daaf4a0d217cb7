# Habits are commands. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
PACKAGES := ledger cardsvc merchants reader_agent sesame
# Debian's names. The second list is for tests alone: a browser, a broker, an independent QR reader.
DEBIAN_SETUP := python3-venv libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0
DEBIAN_TESTS := chromium redis-server zbar-tools gettext poppler-utils

KILLS ?= 1000

export SESAME_REAL_DATA ?= $(abspath ../shared/data)

.PHONY: help
help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: setup
setup: .venv/.ready ## make .venv with the locked dependencies; install missing Debian packages

.venv/.ready: requirements.lock pyproject.toml
	@deploy/debian-packages.sh $(DEBIAN_SETUP)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python uv pip
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.PHONY: setup-tests
setup-tests: setup
	@deploy/debian-packages.sh $(DEBIAN_TESTS)

.PHONY: demo
demo: setup ## run an invented region with a month of purchases; Ctrl-C stops it
	@$(BIN)/sesame demo

# Where SQL decides on money; `make test-16` runs all that need no browser.
TESTS_ON_16 := $(wildcard tests/ledger/test_*.py) tests/merchants/purchases

.PHONY: test-16
test-16: setup-tests ## run the tests that need no browser on PostgreSQL 16
	@SESAME_TEST_POSTGRES=16 $(BIN)/pytest --numprocesses 2 tests -m 'not browser'

.PHONY: test
test: setup-tests ## run the tests (real PostgreSQL, browser, brokers), with branch coverage
	@$(BIN)/pytest --numprocesses 2 --dist loadgroup --cov --cov-branch --cov-report= $(TESTS)
	@for room in ledger merchants/purchases cardsvc/credential; do \
		$(BIN)/coverage report --fail-under=95 --include="$$room/*"; done
	@SESAME_TEST_POSTGRES=16 $(BIN)/pytest --numprocesses 2 $(TESTS_ON_16) -m 'not browser'

.PHONY: test-faults
test-faults: setup-tests ## kill processes under load, 1,000 times or KILLS=n (long)
	@$(BIN)/pytest tests/faults tests/journey --long --kills $(KILLS)

STEPS ?= 1000000
SEED ?= 1
.PHONY: test-ledger
test-ledger: setup-tests ## play random histories of the ledger, 1,000,000 steps or STEPS=n, from SEED=n on (long)
	@SESAME_LEDGER_STEPS=$(STEPS) SESAME_LEDGER_SEED=$(SEED) $(BIN)/pytest tests/ledger/model -k random_steps

.PHONY: check
check: setup-tests ## format, lint, types, imports, unused code, translations, columns
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/vulture
	@$(BIN)/deptry .
	@$(BIN)/python -m sesame.translations check
	@$(BIN)/python -m pytest tests/checks

.PHONY: format
format: setup ## format and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: translations
translations: setup ## gather the French sentences that still lack their English
	@$(BIN)/python -m sesame.translations update

.PHONY: bench
bench: setup ## measure, as ratios in one run; writes bench/results.json
	@$(BIN)/python -m bench

.PHONY: assets
assets: setup ## fetch the front end's vendored files again, by their hashes (needs npm)
	@$(BIN)/python assets/vendor.py

.PHONY: lock
lock: setup ## lock the dependencies again
	@$(BIN)/uv pip compile --quiet pyproject.toml --extra server --group dev --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock' --output-file requirements.lock
	@$(BIN)/python tests/checks/licences.py

.PHONY: clean
clean: ## remove what setup made
	@rm -rf .venv
