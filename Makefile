# Everything here works on a machine that has Python 3.11 (or newer), git and make: each target first installs what
# it needs into .venv/, once, and again after a change of pyproject.toml.
.DEFAULT_GOAL := help
.PHONY: help demo test lint format docs bench clean

BIN := .venv/bin
UV := $(BIN)/uv
export UV_HTTP_TIMEOUT ?= 180

# The first Python that is new enough and can make virtual environments.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: .venv/.demo ## extract from the example documents with the embedded engine
	@$(BIN)/python examples/demo.py $(ARGS)

test: .venv/.dev ## run the tests; ARGS="-k flow" chooses some
	@$(BIN)/python -m pytest $(ARGS)

lint: .venv/.dev ## check lock file, style, types and layers
	$(UV) lock --check --quiet
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo

format: .venv/.dev ## mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/.docs ## build the documentation into site/
	$(BIN)/zensical build --strict

bench: .venv/.bench ## compare the cost of a call with other clients
	@.venv-bench/bin/python benchmarks/overhead.py $(ARGS)

clean: ## remove the environments and everything that was built
	rm -rf .venv .venv-bench .cache .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist site

$(UV):
	@echo "setting up .venv (once)"
	@test -n "$(PYTHON)" || { echo "This needs Python 3.11 or newer with its venv module; PYTHON=/path/to/python names one."; exit 1; }
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# $(call install,uv's arguments,pip's arguments): from the lock file with uv; where only pip knows the way to a package
# index (a mirror in pip.conf), with pip.
define install
	@echo "installing for make $(@F:.%=%)"
	@$(UV) sync --quiet --inexact $(1) || { echo "uv could not; trying pip" && \
		$(BIN)/python -m pip install --quiet --upgrade pip && $(BIN)/python -m pip install --quiet $(2); }
	@touch $@
endef

.venv/.demo: pyproject.toml uv.lock | $(UV)
	$(call install,--no-default-groups --extra cli --extra embedded,-e '.[cli$(comma)embedded]')

.venv/.dev: pyproject.toml uv.lock | $(UV)
	$(call install,,-e . --group dev)

.venv/.docs: pyproject.toml uv.lock | $(UV)
	$(call install,--group docs,-e . --group docs)

.venv/.bench: export UV_PROJECT_ENVIRONMENT := .venv-bench
.venv/.bench: pyproject.toml uv.lock | $(UV)
	@echo "installing for make bench (its own .venv-bench: what else is installed changes import times)"
	@$(UV) sync --quiet --no-default-groups --group bench
	@touch $@

comma := ,
