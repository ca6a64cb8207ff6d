# The two commands are `make demo` and `make test`; both install what they need into .venv and node_modules.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
BASE ?= main
# Hundreds of processes begin here, and each would compile pandas and the CDK anew: 2 to 4 s of a core.
unexport PYTHONDONTWRITEBYTECODE
LOCKED := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q

.PHONY: calendars docs help setup setup-bench demo test quick unit templates lint integration schedules chaos mutants replay bench test-trino grants lock snapshots clean

help:  ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: .venv/.installed node_modules/.installed  ## install everything into .venv and node_modules

.venv/.installed: requirements/uv.txt requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"minutemend needs Python 3.11 or newer; {sys.executable} is {v[0]}.{v[1]}. Name another: make setup PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(BIN)/uv pip install -q --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install -q --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q -j 0 $$($(BIN)/python -c 'import importlib.util as u; print(*(u.find_spec(name).submodule_search_locations[0] for name in ("duckdb", "numpy", "click", "rich")))')
	@touch $@

node_modules/.installed: package-lock.json
	@command -v node >/dev/null || { echo 'minutemend needs Node.js 20 or newer for the CDK command line; there is no "node" on the PATH.' >&2; exit 2; }
	@node -e 'const v = +process.versions.node.split(".")[0]; if (v < 20) { console.error(`minutemend needs Node.js 20 or newer; this is $${process.version}.`); process.exit(2) }'
	npm ci --silent --no-progress
	@touch $@

demo: setup  ## the whole system on this machine, healing a broken day
	$(BIN)/mend demo

test: setup  ## everything that CI runs; lint, which is one process, beside the tests that need no deployed stage
	$(MAKE) -j 2 lint quick
	$(MAKE) integration
	$(MAKE) grants

quick: setup  ## unit, templates and schedules at once
	$(BIN)/pytest tests/unit -q -n 2 -m 'not chaos and not replay'

unit: setup  ## unit tests of core, services, adapters, handlers and the command line
	$(BIN)/pytest tests/unit -q -n 2 --ignore tests/unit/infra

templates: setup  ## what the CDK app makes: snapshots and rules
	$(BIN)/pytest tests/unit/infra -q

lint: setup  ## lint, format check, strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

integration: setup  ## whole engines, and two local stages that the tests start themselves (tests/sharing.py)
	$(BIN)/pytest tests/integration -q -n 3

grants: setup  ## after the integration tests: they used every grant, or there is a reason, and were denied nothing
	$(BIN)/pytest tests/grants -q

schedules: setup  ## 200 fault schedules of the repair, simulated, and the seeded bugs that they catch
	$(BIN)/pytest tests/unit/simulation -q -m schedules -n 2

chaos: setup  ## 20,000 of them, 2,000 files of bars and new examples for each property, other ones each time
	$(BIN)/pytest tests/unit/simulation tests/unit/mend/test_fuzzed_files.py -q -m chaos -n 2 --hypothesis-profile new
	$(BIN)/pytest tests/unit -q -n 2 --hypothesis-profile new

mutants: setup  ## mistakes made by hand in core, services, adapters and wiring: the unit tests must notice each
	$(BIN)/pytest tests/mutants -q -n 2

replay: setup  ## all of the real bars through capture, audits, repairs and publishing, compared in every bit
	$(BIN)/pytest tests/integration/test_replay.py -q -s -m replay

test-trino: setup  ## the SQL on a real Trino server (Maven, Java 24 or newer; half a gigabyte under .build/trino)
	$(BIN)/pytest tests/trino -q

.PHONY: diff layers
diff: setup  ## what the working tree does to each template, against another commit's (BASE=main)
	@rm -rf .build/base && git worktree prune && git worktree add -q --detach .build/base $(BASE)
	@trap 'git worktree remove --force .build/base' EXIT; \
	(cd .build/base && CDK_OUTDIR=../base.out PYTHONPATH=.:runtime/layer ../../$(BIN)/python app.py) && \
	CDK_OUTDIR=.build/head.out $(BIN)/python app.py && for template in .build/base.out/*.template.json; do \
	stack=$$(basename $$template .template.json); npx cdk diff $$stack --build true --ignore-errors --no-notices --app .build/head.out --template $$template 2>&1; done

layers: setup  ## what synth does not make: the Lambda layers of every stage (cdk.json does it before each synth)
	$(BIN)/python -m infra.layer

snapshots: setup  ## write the templates' snapshots anew; read the diff before you commit it
	UPDATE_SNAPSHOTS=1 $(BIN)/pytest tests/unit/infra/constructs/test_snapshots.py -q

setup-bench: setup .venv/.bench-installed  ## what the benchmarks compare with, beside the rest

.venv/.bench-installed: requirements/bench.txt .venv/.installed
	$(BIN)/uv pip install -q --require-hashes -r requirements/bench.txt
	@touch $@

bench: setup-bench  ## measure, print the tables, write docs/benchmarks.md (ONLY=audit for one part)
	$(BIN)/python -m bench $(ONLY)

lock: .venv/.installed  ## resolve the lock files anew (hashes, no addresses)
	$(BIN)/uv pip compile pyproject.toml --extra stages --extra deploy --extra local --extra test $(LOCKED) -o requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml --extra stages --extra bench $(LOCKED) -c requirements/dev.txt -o requirements/bench.txt
	$(BIN)/uv pip compile requirements/layer.in $(LOCKED) -c requirements/dev.txt -o requirements/layer.txt

calendars: setup  ## write the sessions that ship anew: after a new release of exchange_calendars, and each year
	$(BIN)/python -m mend.calendars.known

docs: setup  ## write docs/commands.md from the commands themselves
	$(BIN)/python -m mend.documentation > docs/.commands.md && mv docs/.commands.md docs/commands.md

clean:  ## remove what was built; leaves .venv and node_modules
	rm -rf cdk.out .build .pytest_cache .mypy_cache .ruff_cache .hypothesis
