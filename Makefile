# Needs python3 (3.11 or newer) and make. Everything else is set up below .venv and .tools: nothing global, no root, no Docker.
# Another interpreter: make clean setup PYTHON=/path/to/python3.12

PYTHON ?= python3

# Hundreds of processes of the tests would each compile what they import.
unexport PYTHONDONTWRITEBYTECODE

PDM_READY := .tools/ready
PDM := PDM_CHECK_UPDATE=0 PDM_IGNORE_SAVED_PYTHON=1 VIRTUAL_ENV="$(CURDIR)/.venv" .tools/bin/pdm
SETUP_READY := .venv/setup-ready
STACK_READY := .venv/stack-ready
TYPESCRIPT := tests/playwright_ts
TYPESCRIPT_READY := $(TYPESCRIPT)/node_modules/.package-lock.json
SECRETS := ATDM_TOKEN ATDM_DATABASE_PASSWORD ATDM_STORE_SECRET

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-ts demo test test-slow test-ts lint arch bench chaos soak kills check stack up down lock clean

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(SETUP_READY) ## Build .venv from pdm.lock (instant when nothing changed)

demo: setup ## Watch one intent become rows, a test use them, and all of it go again
	.venv/bin/atdm demo

test: setup ## Run the tests, two processes at a time
	.venv/bin/python -m pytest -n 2 -m "not slow"

test-slow: setup ## Follow every page, install the wheel, restore tables of every shape: the tests that take long
	.venv/bin/python -m pytest -n 2 -m slow

setup-ts: $(TYPESCRIPT_READY) ## Install from npm what make test-ts needs

test-ts: setup $(TYPESCRIPT_READY) ## Test what atdm emit playwright writes (needs Node.js, npm and a Chromium)
	.venv/bin/python -m pytest $(TYPESCRIPT)/suite.py tests/plugin/browser.py

lint: setup ## Check style, format and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

arch: setup ## Check the borders between the parts (docs/architecture.md)
	.venv/bin/lint-imports
	.venv/bin/python -m pytest tests/architecture

bench: setup ## Measure, print the table, write .atdm/bench.json
	.venv/bin/python -m tests.bench

chaos: setup ## Kill, stop and cut everything in every moment, and see that nothing leaks
	.venv/bin/python -m tests.chaos

soak: setup ## The same at random moments: make soak MINUTES=10 SEED=7
	.venv/bin/python -m tests.chaos.soak --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED))

kills: setup ## Kill a running pytest -n 2 at random moments: make kills COUNT=200 SEED=7
	.venv/bin/python -m tests.chaos.soak --kills $(or $(COUNT),200) $(if $(SEED),--seed $(SEED))

check: lint arch test test-slow ## All that must hold before a commit

stack: $(STACK_READY) ## Validate docker-compose.yml and the Dockerfile (needs no Docker)
	env $(SECRETS:%=%=only-to-validate) .venv/bin/docker-compose -f docker-compose.yml config --quiet
	.venv/bin/hadolint seeder/Dockerfile

up: .env ## Start Postgres, the object store and the seeder in Docker
	docker compose up --build --detach --wait

down: .env ## Stop them and drop their data
	docker compose down --volumes

lock: $(PDM_READY) ## Resolve pdm.lock again after a change of dependencies
	$(PDM) lock --group :all --update-reuse

clean: ## Remove all that was built, environments included
	rm -rf .venv .tools .atdm $(TYPESCRIPT)/node_modules .pdm-build .pdm-python dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache

.env:
	@umask 077 && for name in $(SECRETS); do $(PYTHON) -c 'import secrets, sys; print(sys.argv[1] + "=" + secrets.token_hex(32))' $$name; done > $@

$(PDM_READY): .ci/pdm.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "pytest-atdm needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 || true)." >&2; \
	  echo "Name a newer one: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.12" >&2; exit 1; }
	$(PYTHON) -m venv --clear .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check --requirement .ci/pdm.txt
	@touch $@

$(SETUP_READY): pdm.lock pyproject.toml $(PDM_READY)
	test -x .venv/bin/python || .tools/bin/python -m venv --without-pip .venv
	$(PDM) sync --quiet --group embedded --group s3 --group xdist --group lint --group test --group bench
	@touch $@

$(TYPESCRIPT_READY): $(TYPESCRIPT)/package-lock.json
	@command -v npm >/dev/null || { echo "make test-ts needs Node.js 18 or newer with npm, and there is no npm." >&2; exit 1; }
	npm ci --prefix $(TYPESCRIPT) --no-audit --no-fund
	@touch $@

$(STACK_READY): $(SETUP_READY)
	$(PDM) sync --quiet --no-default --group stack
	@touch $@
