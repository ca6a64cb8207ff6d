# The two commands are `make demo` and `make test`; both install what they need into .venv and node_modules.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q

.PHONY: docs help setup setup-bench demo test unit templates lint integration schedules chaos replay bench test-trino lock snapshots clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/.installed node_modules/.installed  ## install everything into .venv and node_modules

.venv/.installed: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"minutemend needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Name another: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	$(BIN)/uv pip install -q --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	$(BIN)/python -m cli.calendars XNYS 24/7
	@touch $@

node_modules/.installed: package-lock.json
	@command -v node >/dev/null || { echo 'minutemend needs Node.js 20 or newer for the CDK command line; there is no "node" on the PATH.' >&2; exit 2; }
	@node -e 'const v = +process.versions.node.split(".")[0]; if (v < 20) { console.error(`minutemend needs Node.js 20 or newer; this is $${process.version}.`); process.exit(2) }'
	npm ci --silent --no-progress
	@touch $@

demo: setup  ## the whole system on this machine, healing a broken day
	$(BIN)/mend demo

test: lint unit templates schedules integration  ## everything that CI runs

unit: setup  ## unit tests of core, services, adapters, handlers and the command line
	$(BIN)/pytest tests/unit -q -n 2 --ignore tests/unit/infra

templates: setup  ## what the CDK app makes: snapshots and rules
	$(BIN)/pytest tests/unit/infra -q

lint: setup  ## lint, format check, strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

integration: setup  ## whole engines, and local stages that the tests start themselves, one for each core
	$(BIN)/pytest tests/integration -q -n 2 --dist loadfile

schedules: setup  ## 1,000 fault schedules of the repair, simulated, and the seeded bugs that they catch
	$(BIN)/pytest tests/unit/simulation -q -m schedules -n 2

chaos: setup  ## 20,000 of them, with new seeds each time
	$(BIN)/pytest tests/unit/simulation -q -m chaos -n 2

replay: setup  ## all of the real bars through capture, audits, repairs and publishing, compared in every bit
	$(BIN)/pytest tests/integration/test_replay.py -q -s -m replay

test-trino: setup  ## the SQL on a real Trino server (Maven, Java 24 or newer; half a gigabyte under .build/trino)
	$(BIN)/pytest tests/trino -q

snapshots: setup  ## write the templates' snapshots anew; read the diff before you commit it
	UPDATE_SNAPSHOTS=1 $(BIN)/pytest tests/unit/infra/test_snapshots.py -q

setup-bench: setup .venv/.bench-installed  ## what the benchmarks compare with, beside the rest

.venv/.bench-installed: requirements/bench.txt .venv/.installed
	$(BIN)/uv pip install -q --require-hashes -r requirements/bench.txt
	@touch $@

bench: setup-bench  ## measure, print the tables, write docs/benchmarks.md (ONLY=audit for one part)
	$(BIN)/python -m bench $(ONLY)

lock: .venv/.installed  ## resolve the lock files anew (hashes, no addresses)
	$(BIN)/uv pip compile pyproject.toml --extra deploy --extra local --extra test $(LOCKED) -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml --extra bench $(LOCKED) -c requirements/dev.txt -o requirements/bench.txt
	$(BIN)/uv pip compile requirements/layer.in $(LOCKED) -c requirements/dev.txt -o requirements/layer.txt

docs: setup  ## write docs/commands.md from the commands themselves
	$(BIN)/python -m cli.documentation > docs/.commands.md && mv docs/.commands.md docs/commands.md

clean:  ## remove what was built; leaves .venv and node_modules
	rm -rf cdk.out .build .pytest_cache .mypy_cache .ruff_cache .hypothesis
