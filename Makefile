# Two commands first: `make demo` runs the document on this machine, `make test` proves it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/sbin:/sbin

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

.PHONY: setup
setup: ## .venv and what a cluster needs
	@scripts/setup

.PHONY: setup-dev
setup-dev: ## .venv and what the checks and tests need
	@scripts/setup --dev

.PHONY: demo
demo: setup ## the document, on a fresh cluster, with its proofs
	@hauberk demo $(ARGS)

.PHONY: kafka
kafka: setup ## a cluster with a real Apache Kafka in namespace kafka; needs Java and Maven
	@hauberk up --kafka $(ARGS)

.PHONY: test
test: setup-dev ## every test: unit, golden, wire, system, docs, arch
	@$(PY) -m pytest -q $(ARGS)

.PHONY: check
check: setup-dev ## formatting, lint, types, layers, fast tests
	@ruff format --check -q .
	@ruff check -q .
	@mypy
	@said=$$(lint-imports --no-cache 2>&1) || { echo "$$said"; exit 1; }
	@$(PY) -m pytest -q tests/unit tests/golden tests/arch tests/docs

.PHONY: fix
fix: setup-dev ## format and repair what can be repaired
	@ruff format -q .
	@ruff check -q --fix .

.PHONY: wire
wire: setup-dev ## tests over real sockets in one process
	@$(PY) -m pytest -q tests/wire $(ARGS)

.PHONY: system
system: setup-dev ## tests that start clusters
	@$(PY) -m pytest -q tests/system $(ARGS)

.PHONY: bench
bench: setup-dev ## the benchmark tables; ONLY=name for one
	@$(PY) -m bench $(if $(ONLY),--only $(ONLY))

.PHONY: docs
docs: setup-dev ## write docs/reference from the code
	@$(PY) scripts/reference.py
