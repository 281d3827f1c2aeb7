# The commands of this project. `make tui` and `make test` need Python 3.11 or later and nothing else: they make .venv and install from the lock.

# Where the environment forbids bytecode, each process would compile the whole tree anew: a daemon would take twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do if command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUN_READY := .venv/.ready-run
DEV_READY := .venv/.ready-dev
LOCK := packaging/lock
MCP := .venv-mcp
MCP_LOCK := packaging/mcp-servers
COMPILE := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet

.PHONY: tui test check bench campaign mcp-servers temporal-server format lint types imports proto proto-check proto-lint proto-fmt pictures lock clean

tui: $(RUN_READY)
	@$(BIN)/stigmer tui

# Test files side by side: they wait more than they compute. Folders with long ones come first, so that none of them is left for the end.
JOBS ?= 3

test: $(DEV_READY)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder tests/tui tests/chaos tests/loop tests/canary tests

check: $(DEV_READY) format-check lint types imports proto-check

bench: $(DEV_READY)
	$(BIN)/python -m tests.bench $(BENCH)

# Temporal's development server, for the tests of both engines: built with Go, kept outside of the tree.
TEMPORAL_VERSION := v1.5.1
TEMPORAL_HOME ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/stigmer/temporal-$(TEMPORAL_VERSION)

temporal-server: $(TEMPORAL_HOME)/temporal

$(TEMPORAL_HOME)/temporal:
	GOBIN=$(TEMPORAL_HOME) go install github.com/temporalio/cli/cmd/temporal@$(TEMPORAL_VERSION)

campaign: $(DEV_READY)
	STIGMER_CAMPAIGN=1 $(BIN)/python -m pytest --timeout 3600 $(CAMPAIGN)

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "Stigmer needs Python 3.11 to 3.14. Install one, or name it: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; fi
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "No virtual environment could be made. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

$(RUN_READY): $(LOCK)/build.txt $(LOCK)/run.txt pyproject.toml apis/stigmer_apis/_version.py | $(BIN)/python
	@echo "Installing Stigmer into .venv (once; a minute or two) ..."
	@$(PIP) install --require-hashes -r $(LOCK)/build.txt -r $(LOCK)/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_READY): $(LOCK)/dev.txt pyproject.toml apis/stigmer_apis/_version.py | $(BIN)/python
	@echo "Installing Stigmer and its development tools into .venv ..."
	@$(PIP) install --require-hashes -r $(LOCK)/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@ $(RUN_READY)

.PHONY: format-check
format-check: $(DEV_READY)
	$(BIN)/ruff format --check .

format: $(DEV_READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(DEV_READY)
	$(BIN)/ruff check .

types: $(DEV_READY)
	$(BIN)/pyright

imports: $(DEV_READY)
	$(BIN)/lint-imports

proto: $(DEV_READY)
	$(BIN)/python apis/generate.py

proto-check: $(DEV_READY)
	$(BIN)/python apis/generate.py --check

proto-lint: $(DEV_READY)
	$(BIN)/python apis/generate.py --lint

proto-fmt: $(DEV_READY)
	$(BIN)/python apis/generate.py --fmt

# Servers that speak the Model Context Protocol, for tests alone: two from PyPI and two from npm, none of them part of Stigmer.
mcp-servers: $(MCP)/.ready

$(MCP)/.ready: $(MCP_LOCK)/requirements.txt $(MCP_LOCK)/package.json $(MCP_LOCK)/package-lock.json | $(BIN)/python
	@command -v npm >/dev/null || { echo "The MCP servers for tests need npm. On Debian and Ubuntu: apt install nodejs npm" >&2; exit 1; }
	@echo "Installing MCP servers for tests into $(MCP) ..."
	@rm -rf $(MCP)
	@$(BIN)/python -m venv $(MCP)
	@$(MCP)/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $(MCP_LOCK)/requirements.txt
	@mkdir $(MCP)/npm && cp $(MCP_LOCK)/package.json $(MCP_LOCK)/package-lock.json $(MCP)/npm/
	@cd $(MCP)/npm && npm ci --ignore-scripts --no-audit --no-fund --silent
	@ln -s ../npm/node_modules/.bin/mcp-server-everything ../npm/node_modules/.bin/mcp-server-filesystem $(MCP)/bin/
	@touch $@

# Of real runs, for the README and the page of the workstation.
pictures: $(RUN_READY)
	$(BIN)/python docs/pictures/take.py

# Needs uv on the PATH. Development and run-time versions are the same.
lock:
	$(COMPILE) -o $(LOCK)/dev.txt --group dev --all-extras
	$(COMPILE) -o $(LOCK)/run.txt -c $(LOCK)/dev.txt
	printf 'hatchling\neditables\n' | uv pip compile - --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet -c $(LOCK)/dev.txt -o $(LOCK)/build.txt
	uv pip compile $(MCP_LOCK)/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet -o $(MCP_LOCK)/requirements.txt

clean:
	rm -rf .venv $(MCP) build dist .pytest_cache .ruff_cache .hypothesis
