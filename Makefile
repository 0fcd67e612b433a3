# One command for everything that people and CI do here. A recipe that needs the environment builds it first.
#
# Needed: Python 3.11 or newer, make, and a package index. `make PYTHON=/path/to/python demo` picks the interpreter.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.txt
BUILD_LOCK := requirements/build.txt
RUNTIME_LOCK := requirements/runtime.txt
HANDLERS_LOCK := requirements/handlers.txt
MANAGEMENT_LOCK := requirements/management.txt
SAM_LOCK := requirements/sam.txt
# Lambda's own Python has these.
IN_LAMBDA := --no-emit-package botocore --no-emit-package python-dateutil --no-emit-package six --no-emit-package urllib3
CODE := clipper_sls handlers tests examples bench docs runtime_images infra
TYPED := clipper_sls handlers examples/aws_smoke examples/demo bench docs/reference
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2
# Who is done takes work from the other one. Tests of a module mostly stay together, and so need its engine once.
PARALLEL := -n $(WORKERS) --dist worksteal
QUICK := -m "not slow"

# Some images set this. With it, each of the many processes in the tests would compile all that it imports.
export PYTHONDONTWRITEBYTECODE :=

# Stamps: each says that a step of the set-up was finished after the file it depends on last changed.
HAS_PYTHON := $(VENV)/.made
HAS_PACKAGES := $(VENV)/.synced
HAS_PROJECT := $(VENV)/.installed

# The newest interpreter that runs and can make environments. A name may be there and not run: a pyenv shim.
CANDIDATES := $(PYTHON) python3.14 python3.13 python3.12 python3.11 python3 python
SUITABLE := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))

# uv does not read pip's configuration; where somebody named an index to pip, uv asks it, too.
UV_ENV := index="$${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$$PIP_INDEX_URL}}"; \
	if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$$index"; fi

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-17s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: $(HAS_PROJECT) ## Create .venv with everything that development needs; nothing to do when it is there

$(HAS_PYTHON):
	@for candidate in $(CANDIDATES); do \
		if command -v "$$candidate" >/dev/null 2>&1 && "$$candidate" -c '$(SUITABLE)' >/dev/null 2>&1 </dev/null; then \
			found=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "No Python 3.11 or newer with the modules venv and ensurepip was found on PATH." \
			"Install one (on Debian also its package python3-venv), or name one: make PYTHON=/path/to/python setup" >&2; \
		exit 1; \
	fi; \
	if $(BIN)/python -c 'import pip; $(SUITABLE)' >/dev/null 2>&1; then \
		echo "[1/3] keeping the environment in $(VENV)"; \
	else \
		echo "[1/3] creating $(VENV) with $$("$$found" --version)"; \
		"$$found" -m venv --clear $(VENV) || { \
			echo "$$found could not create $(VENV). Is there room on the disk, and may you write here?" >&2; exit 1; }; \
	fi
	@touch $@

$(HAS_PACKAGES): $(HAS_PYTHON) $(LOCK)
	@echo "[2/3] installing the packages of $(LOCK)"
	@sed -n '/^uv==/,/[^\\]$$/p' $(LOCK) > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.txt || { \
		echo "uv could not be installed. Does this machine reach a package index? Name one with PIP_INDEX_URL." >&2; exit 1; }
	@$(UV_ENV); $(BIN)/uv pip sync --python $(BIN)/python --require-hashes $(LOCK) || { \
		echo "uv could not install $(LOCK); trying pip, which reads its own configuration" >&2; \
		$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps -r $(LOCK); } || { \
		echo "The packages could not be installed. Does this machine reach a package index?" \
			"Name one with PIP_INDEX_URL, then run the same command again; it goes on from here." >&2; exit 1; }
	@touch $@

$(HAS_PROJECT): $(HAS_PACKAGES) pyproject.toml $(BUILD_LOCK)
	@echo "[3/3] installing clipper-sls itself, editable"
	@$(UV_ENV); $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --build-constraints $(BUILD_LOCK) --editable . || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable . || { \
		echo "clipper-sls could not be installed; the lines above say why. Run the same command again once that is mended." >&2; exit 1; }
	@touch $@
	@echo "The environment is ready: $(BIN)/clipper-sls --help"

.PHONY: demo
demo: setup ## Watch a real model go to production, get better, and come back (about a minute)
	@$(BIN)/python -m examples.demo

.PHONY: demo-aws
demo-aws: setup ## The same on AWS, where AWS is this machine
	@$(BIN)/python -m examples.demo --aws

.PHONY: aws-smoke
aws-smoke: setup ## Check on AWS itself, with your account, what no emulator can show; deletes what it made (ARGS=--help)
	@$(BIN)/python -m examples.aws_smoke $(ARGS)

.PHONY: test
test: setup lint types imports ## Lint, types, imports and all tests but the slow ones: a few minutes
	$(PYTEST) $(PARALLEL) $(QUICK)

.PHONY: test-all
test-all: setup lint types imports ## The same with the slow tests: everything that CI runs
	$(PYTEST) $(PARALLEL)

.PHONY: fmt
fmt: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

.PHONY: lint
lint: setup ## Check style
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)

.PHONY: types
types: setup ## Check types, strictly
	$(BIN)/mypy $(TYPED)

.PHONY: imports
imports: setup ## Check that the layers hold
	$(BIN)/lint-imports

.PHONY: unit
unit: setup ## Run the tests that stay inside one process
	$(PYTEST) tests/unit

.PHONY: contract
contract: setup ## Run each port's one suite over all its adapters
	$(PYTEST) tests/contract

.PHONY: functional
functional: setup ## Run the tests against real engines, but the slow ones
	$(PYTEST) tests/functional $(PARALLEL) $(QUICK)

.PHONY: infra
infra: setup ## Run the tests that hold the tree together
	$(PYTEST) tests/infra

.PHONY: bench
bench: setup ## Measure beside plain FastAPI and beside the limit of Python (20 minutes; ARGS=--quick for a look)
	@$(BIN)/python -m bench $(ARGS)

.PHONY: bench-peers
bench-peers: setup ## The same beside LitServe, MLServer, BentoML and Ray Serve, where they are installed
	@$(BIN)/python -m bench --peers $(ARGS)

.PHONY: bench-peers-setup
bench-peers-setup: setup ## Install these, each into an environment of its own (2 GB, some minutes)
	@$(BIN)/python -m bench.peers.environments $(ARGS)

# What deploys the core stack: an environment of its own, for it pins what this project has in other versions.
SAM := .venv-sam
HAS_SAM := $(SAM)/.installed

.PHONY: sam-setup
sam-setup: $(HAS_SAM) ## Install AWS' command `sam` into an environment of its own

$(HAS_SAM): $(HAS_PACKAGES) $(SAM_LOCK)
	@[ -x $(SAM)/bin/python ] || $(BIN)/python -m venv $(SAM)
	@$(UV_ENV); $(BIN)/uv pip sync --quiet --python $(SAM)/bin/python --require-hashes $(SAM_LOCK)
	@touch $@
	@echo "SAM is ready: $(SAM)/bin/sam deploy --guided"

# LocalStack: an environment of its own, for it needs Python 3.13 and other versions of packages than this project.
LOCALSTACK := .venv-localstack
LOCALSTACK_LOCK := infra/localstack/requirements.txt
HAS_LOCALSTACK := $(LOCALSTACK)/.installed
CANDIDATES_3_13 := $(PYTHON313) python3.13 $(wildcard $(HOME)/.pyenv/versions/3.13.*/bin/python3)

.PHONY: localstack-setup
localstack-setup: $(HAS_LOCALSTACK) ## Install LocalStack 4.14 with our plugin into an environment of its own; needs Python 3.13

$(HAS_LOCALSTACK): $(HAS_PACKAGES) $(LOCALSTACK_LOCK) $(wildcard infra/localstack/pyproject.toml infra/localstack/*/*.py)
	@for candidate in $(CANDIDATES_3_13); do \
		if "$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' \
			>/dev/null 2>&1 </dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "LocalStack needs Python 3.13. Name one: make PYTHON313=/path/to/python localstack-setup" >&2; exit 1; fi; \
	[ -x $(LOCALSTACK)/bin/python ] || "$$found" -m venv $(LOCALSTACK)
	@$(UV_ENV); $(BIN)/uv pip sync --quiet --python $(LOCALSTACK)/bin/python --require-hashes $(LOCALSTACK_LOCK)
	@$(UV_ENV); $(BIN)/uv pip install --quiet --python $(LOCALSTACK)/bin/python --no-deps --no-build-isolation \
		--reinstall-package clipper-sls-localstack ./infra/localstack
	@rm -rf infra/localstack/build
	@touch $@

.PHONY: aws-local
aws-local: setup ## AWS on this machine: MiniStack with the stack deployed into it, until Ctrl-C
	@$(BIN)/clipper-sls dev --aws $(ARGS)

.PHONY: localstack
localstack: setup localstack-setup ## LocalStack on 127.0.0.1:4566, with functions as processes, until Ctrl-C
	@CLIPPER_LOCALSTACK_PYTHON="$(CURDIR)/$(BIN)/python" $(LOCALSTACK)/bin/clipper-localstack

.PHONY: lock
lock: setup ## Renew the locked versions
	$(UV_ENV); $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--extra dev pyproject.toml --output-file $(LOCK)
	$(UV_ENV); $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--constraint $(LOCK) pyproject.toml --output-file $(RUNTIME_LOCK)
	$(UV_ENV); $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		requirements/build.in --output-file $(BUILD_LOCK)
	$(UV_ENV); $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(IN_LAMBDA) \
		--constraint $(LOCK) requirements/handlers.in --output-file $(HANDLERS_LOCK)
	$(UV_ENV); $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--constraint $(LOCK) requirements/management.in --output-file $(MANAGEMENT_LOCK)
	$(UV_ENV); $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		requirements/sam.in --output-file $(SAM_LOCK)
	$(UV_ENV); $(BIN)/uv pip compile --quiet --python-version 3.13 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		infra/localstack/requirements.in --output-file $(LOCALSTACK_LOCK)

.PHONY: clean
clean: ## Remove the environment and all caches
	rm -rf $(VENV) $(LOCALSTACK) $(SAM) .aws-sam build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
