# Every target sets up all it needs. BADGES_PYTHON=/path/to/python make … picks the interpreter of .venv/.

ifndef BADGES_PYTHON
BADGES_PYTHON := $(shell .venv/bin/python -c '' 2> /dev/null && echo .venv/bin/python || echo python3)
endif
PYTHON := .venv/bin/python
ENVIRONMENT := $(BADGES_PYTHON) scripts/environment.py
SERVICES := $(BADGES_PYTHON) -m scripts.services

.DEFAULT_GOAL := help
.PHONY: help python requirements upgrade demo run test services services-down test-services chaos bench scale quality advisories docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

python:
	@command -v "$(BADGES_PYTHON)" > /dev/null || { \
	  echo "error: no $(BADGES_PYTHON) here; name one: BADGES_PYTHON=/path/to/python3.12 make …" >&2; exit 2; }
	@"$(BADGES_PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: $(BADGES_PYTHON) is not Python 3.11 or newer; name one: BADGES_PYTHON=/path/to/python3.12 make …" >&2; \
	  exit 2; }

requirements: python ## installs all that developing needs (the drivers of real servers excepted: make services)
	@$(ENVIRONMENT) test quality doc

upgrade: python ## compiles requirements/*.txt anew, to the newest versions that requirements/constraints.txt allows
	@$(ENVIRONMENT) --upgrade

demo: python ## the main job on embedded parts, narrated; ends 0 only when every expected outcome was seen
	@$(ENVIRONMENT) standalone
	$(PYTHON) -m credentials_settings.sandbox.demo

run: python ## the same stack kept running: admin on http://127.0.0.1:8000/admin/
	@$(ENVIRONMENT) standalone
	$(PYTHON) -m credentials_settings.sandbox.stack

test: python ## all tests that need nothing but Python, with coverage
	@$(ENVIRONMENT) test
	$(PYTHON) -m pytest --numprocesses 2 --cov --cov-report= $(PYTEST_ARGS)
	$(PYTHON) -m coverage report --fail-under 95
	$(PYTHON) -m coverage report --fail-under 100 --include 'badges/engine/*'

services: python ## starts PostgreSQL, MariaDB, Redis, Kafka and a schema registry on loopback; addresses in .services.env
	@$(SERVICES) up

services-down: python ## ends them and removes their data
	@$(SERVICES) down

test-services: python ## the tests on those servers: addresses from the environment, else make services first
	@$(SERVICES) up
	@$(ENVIRONMENT) services
	$(PYTHON) -m pytest tests/integration $(PYTEST_ARGS)

chaos: python ## faults on purpose, on those servers: nothing lost, nothing twice; CHAOS_ARGS="--quick --seed 2 duplicates"
	@$(SERVICES) up
	@$(ENVIRONMENT) services
	$(PYTHON) -m tests.chaos $(CHAOS_ARGS)

# The servers' drivers are needed, and can be installed, only where there are servers.
bench: python ## what an event costs, on every database that is reachable; bench.json; QUICK=1: at most two minutes
	@$(ENVIRONMENT) test
	@test ! -f .services.env || $(ENVIRONMENT) services
	$(PYTHON) -m tests.bench $(if $(QUICK),--quick) $(BENCH_ARGS)

scale: python ## what a million learners change, on those servers: events, lists, plans; SCALE_ARGS="--learners 100000"
	@$(SERVICES) up
	@$(ENVIRONMENT) services
	$(PYTHON) -m tests.bench.scale $(SCALE_ARGS)

quality: python ## linters, security, types, import contracts, missing migrations, PII annotations
	@$(ENVIRONMENT) quality
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m bandit --quiet --configfile pyproject.toml --recursive badges credentials_settings
	$(PYTHON) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PYTHON) manage.py makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=credentials_settings.settings.test \
	  .venv/bin/code_annotations django_find_annotations --config_file .pii_annotations.yml --lint --coverage --app_name badges

# Not a part of quality: its answer changes without a change here, and there is none without the network.
advisories: python ## what is publicly known against the pinned versions (pip-audit); needs the network
	@$(ENVIRONMENT) advisories
	@$(PYTHON) -m scripts.advisories

docs: python ## builds the documentation; warnings are errors
	@$(ENVIRONMENT) doc
	$(PYTHON) -m sphinx --fail-on-warning --keep-going --fresh-env --quiet --builder html docs docs/_build/html
	@echo "docs/_build/html/index.html"
