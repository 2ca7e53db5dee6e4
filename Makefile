# Everything a person runs. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
OURS := schemas pipeline producers consumers compression migrations infra
export UV_LINK_MODE := copy

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | awk -F'|' '{printf "  %-12s %s\n", $$1, $$2}'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "evenscreen needs Python 3.11 or newer (PYTHON=…)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.demo: $(BIN)/uv infra/locks/demo.txt pyproject.toml setup.py
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r infra/locks/demo.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.demo infra/locks/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r infra/locks/dev.txt
	@touch $@

setup: $(VENV)/.demo ## Make .venv with the evenscreen command and the embedded stack

demo: setup ## The main job on a real stack, in about half a minute
	@$(BIN)/evenscreen demo

test: $(VENV)/.dev ## All tests that prove the product: real Kafka, Postgres and S3 server
	$(BIN)/pytest

faults: $(VENV)/.dev ## Longer fault suites: many kills, longer weather
	$(BIN)/pytest tests/faults

bench: $(VENV)/.dev ## Figures beside their goals, interleaved, as ratios
	$(BIN)/python tests/benchmarks/run.py

bench-audit: $(VENV)/.dev ## The audit of ten million images, beside its goals (20 minutes, 15 GiB of disk)
	$(BIN)/python tests/benchmarks/audit.py

simulate: $(VENV)/.dev ## How often audits err, with the truth planted, into docs/AUDIT.md
	$(BIN)/python tests/simulations/run.py --out runs/simulation.json --into docs/AUDIT.md

report: $(VENV)/.dev ## The report in docs/AUDIT.md, of real photographs through the real pipeline, again
	$(BIN)/python tests/documents/report.py --into docs/AUDIT.md

check: $(VENV)/.dev ## Format, lint, types, import arrows
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPYPATH=.typing $(BIN)/mypy $(addprefix -p evenscreen.,$(OURS))
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Format and sort what can be
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(BIN)/uv ## Resolve the dependencies again, with hashes and without addresses
	infra/locks/resolve.sh $(BIN)/uv

clean: ## Remove the environment and all caches
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info

.PHONY: help setup demo test faults bench bench-audit simulate report check format lock clean
