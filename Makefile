# Everything that a person or CI runs. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules

# Python compiles what it imports once: an environment without .pyc files starts every local function slowly.
unexport PYTHONDONTWRITEBYTECODE
unexport PYTHONPATH
export PYTHON313
export UV_NO_PROGRESS := 1
export UV_PYTHON_DOWNLOADS := never

VENV := .venv
PYTHON := $(VENV)/bin/python
UV := $(PYTHON) -m uv --no-config
HUNDREDFOLD := $(VENV)/bin/hundredfold
RECORDS ?= 50000

DEV := $(VENV)/.installed
STACK := .venvs/stack/.installed
TOOLS := .venvs/tools/.installed

INGEST := build/ingest-$(RECORDS).jsonl
BUNDLE := build/bundle/bundle.json
LAYERS := build/layers/dependencies.zip build/layers/core.zip build/layers/model.zip
FUNCTIONS := build/functions/.built
BUILDERS := layers/build.py layers/archive.py layers/packages.py

.PHONY: help
help: ## list all targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- the main job

.PHONY: run
run: up $(INGEST) ## install, build, start the local stack, deploy to it, score 50,000 records, show the summary
	$(HUNDREDFOLD) ingest $(INGEST)
	@$(HUNDREDFOLD) status

.PHONY: up
up: setup build ## start the local stack and deploy to it
	$(HUNDREDFOLD) up

.PHONY: down
down: $(DEV) ## stop the local stack; what was in it is gone
	$(HUNDREDFOLD) down

# ---------------------------------------------------------------- environments

.PHONY: setup
setup: $(DEV) $(STACK) $(TOOLS) ## install everything that is needed, into this folder

$(VENV)/.created: .python-version
	rm -rf $(VENV)
	"$$(bash infra/find_python.sh)" -m venv $(VENV)
	touch $@

$(DEV): $(VENV)/.created requirements/uv.txt requirements/dev.txt pyproject.toml
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(PYTHON) requirements/dev.txt
	$(UV) pip install --quiet --no-deps --no-build-isolation --python $(PYTHON) --editable .
	touch $@

.venvs/%/.installed: requirements/%.txt $(DEV)
	$(UV) venv --quiet --clear --python $(PYTHON) .venvs/$*
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python .venvs/$*/bin/python requirements/$*.txt
	touch $@

.PHONY: lock
lock: $(DEV) ## pin what requirements/*.in ask for, newest versions that fit, with hashes
	cd requirements && for name in uv core dependencies stack tools dev; do \
	    ../$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --upgrade \
	        --custom-compile-command "make lock" $$name.in -o $$name.txt; done

# ---------------------------------------------------------------- what is deployed

.PHONY: build
build: $(LAYERS) $(FUNCTIONS) ## train the example model, build layers and functions, check their size
	@$(PYTHON) layers/build.py check

$(BUNDLE): layers/model/train.py layers/model/example_data.py layers/core/python/hundredfold/bundle.py $(DEV)
	$(PYTHON) layers/model/train.py build/bundle

$(INGEST): layers/model/make_ingest.py layers/model/example_data.py $(DEV)
	$(PYTHON) layers/model/make_ingest.py $(INGEST) --records $(RECORDS)

build/layers/dependencies.zip: requirements/dependencies.txt $(BUILDERS) $(DEV)
	$(PYTHON) layers/build.py dependencies

build/layers/core.zip: requirements/core.txt $(BUILDERS) $(shell find layers/core/python -name '*.py') $(DEV)
	$(PYTHON) layers/build.py core

build/layers/model.zip: $(BUNDLE) $(BUILDERS) $(shell find layers/model/python -name '*.py')
	$(PYTHON) layers/build.py model build/bundle

$(FUNCTIONS): $(BUILDERS) $(shell find functions -name '*.py') $(DEV)
	$(PYTHON) layers/build.py functions
	touch $@
