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
# Of the functions on AWS, x86_64 or arm64; and packages of requirements/extras that the model needs.
ARCHITECTURE ?= x86_64
# How the local stack stores predictions, item or packed: docs/packed.md.
LAYOUT ?= item
EXTRAS ?=

DEV := $(VENV)/.installed
STACK := .venvs/stack/.installed
TOOLS := .venvs/tools/.installed
ASL_VALIDATOR := .venvs/asl/.installed
LOCALSTACK := .venvs/localstack/.installed
# localstack-core 2026.3.0 wants its dependencies as they were then.
LOCALSTACK_DATE := 2026-04-05

INGEST := build/ingest-$(RECORDS).jsonl
BUNDLE := build/bundle/bundle.json
LAYERS := $(addprefix build/layers/,dependencies.zip numpy.zip decoder.zip readers.zip core.zip model.zip)
FUNCTIONS := build/functions/.built
DESCRIBE := $(addprefix src/hundredfold_cli/models/,describe.py reproducible.py inferred.py model_columns.py pickled.py compiling/*.py)
COMPILED := $(addprefix src/hundredfold/model/,*.py compiled/*.py compiled/steps/*.py)
BUILDERS := $(filter-out layers/again.py,$(wildcard layers/*.py))

.PHONY: help
help: ## list all targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-20s %s\n", $$1, $$2}'

# ---------------------------------------------------------------- the main job

.PHONY: run
run: up $(ASL_VALIDATOR) $(INGEST) ## install, build, start the local stack, deploy to it, score 50,000 records, show the summary; LAYOUT=packed
	$(HUNDREDFOLD) ingest $(INGEST)
	@$(HUNDREDFOLD) report
	@$(HUNDREDFOLD) dashboard
	@$(HUNDREDFOLD) status

.PHONY: up
up: $(DEV) $(STACK) $(TOOLS) build ## start the local stack and deploy to it
	$(HUNDREDFOLD) up --parameter PredictionsLayout=$(LAYOUT)

.PHONY: down
down: $(DEV) ## stop the local stack; what was in it is gone
	$(HUNDREDFOLD) down

# ---------------------------------------------------------------- environments

.PHONY: setup
setup: $(DEV) $(STACK) $(TOOLS) $(ASL_VALIDATOR) $(LOCALSTACK) ## install everything that is needed, into this folder

$(VENV)/.created: .python-version
	rm -rf $(VENV)
	"$$(bash tools/find_python.sh)" -m venv $(VENV)
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

$(ASL_VALIDATOR): requirements/package.json requirements/package-lock.json $(TOOLS)
	mkdir -p .venvs/asl
	cp requirements/package.json requirements/package-lock.json .venvs/asl
	PATH="$(CURDIR)/.venvs/tools/bin:$$PATH" npm ci --prefix .venvs/asl --no-audit --no-fund --loglevel error
	touch $@

.PHONY: lock
lock: $(DEV) ## pin what requirements/*.in ask for, newest versions that fit, with hashes
	cd requirements && for name in uv core dependencies decoder numpy readers stack tools audit dev runtime plain peers monitors; do \
	    ../$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes --upgrade \
	        --custom-compile-command "make lock" $$name.in -o $$name.txt; done
	cd requirements && for name in extras/*.in; do \
	    ../$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes \
	        --constraint dependencies.txt --constraint dev.txt --custom-compile-command "make lock" $$name -o $${name%.in}.txt; done
	cd requirements && ../$(UV) pip compile --quiet --python-version 3.13 --generate-hashes --upgrade \
	    --exclude-newer $(LOCALSTACK_DATE) --custom-compile-command "make lock" localstack.in -o localstack.txt

.PHONY: lock-extra
lock-extra: $(DEV) ## pin one more package for models: make lock-extra NAME=lightgbm; no other pin moves
	@test -n "$(NAME)" || { echo 'name the package: make lock-extra NAME=lightgbm' >&2; exit 2; }
	@test "$(NAME)" != xgboost || { echo 'xgboost brings 360 MB of libraries for GPUs, which no layer can hold: NAME=xgboost-cpu' >&2; exit 2; }
	cd requirements && test -f extras/$(NAME).in || printf '# Added to the dependencies layer for models of %s: make deploy EXTRAS=%s\n%s\n' \
	    "$(NAME)" "$(NAME)" "$(NAME)" > extras/$(NAME).in
	cd requirements && ../$(UV) pip compile --quiet --universal --python-version 3.13 --generate-hashes \
	    --constraint dependencies.txt --constraint dev.txt \
	    $$(for lock in extras/*.txt; do test $$lock = extras/$(NAME).txt || echo --constraint $$lock; done) \
	    --custom-compile-command "make lock-extra NAME=$(NAME)" \
	    extras/$(NAME).in -o extras/$(NAME).txt
	@echo "requirements/extras/$(NAME).txt is locked; deploy it with: make up EXTRAS=$(NAME)"

# ---------------------------------------------------------------- checks

.PHONY: check
check: format-check lint types template workflow-check test ## everything that CI checks

.PHONY: format
format: $(DEV) ## format the code
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

.PHONY: format-check
format-check: $(DEV)
	$(VENV)/bin/ruff format --check .

.PHONY: lint
lint: $(DEV) ## look for mistakes in the code, and check what may import what
	$(VENV)/bin/ruff check .
	$(VENV)/bin/lint-imports --no-cache

.PHONY: types
types: $(DEV) ## check the types, strictly
	$(VENV)/bin/mypy src layers tools examples tests bench
	for function in functions/*/; do $(VENV)/bin/mypy "$$function"; done

# I3510, which is not among the rules by default, holds each action of a policy against its resources.
.PHONY: template
template: $(DEV) $(TOOLS) ## check the SAM template, and what is created with its conditions taken both ways
	.venvs/tools/bin/cfn-lint --include-checks I3510 -- infra/template.yaml
	SAM_CLI_TELEMETRY=0 .venvs/tools/bin/sam validate --lint --region us-east-1 --template infra/template.yaml
	$(PYTHON) -m tools.template.decide build/conditions
	.venvs/tools/bin/cfn-lint --include-checks I3510 -- build/conditions/*.json
	$(PYTHON) -m tools.template.policies

.PHONY: workflow-check
workflow-check: $(DEV) $(ASL_VALIDATOR) ## validate the state machine's definition, its mocked cases and its drawing
	mkdir -p build
	$(PYTHON) -m tools.workflow.checks
	$(PYTHON) -m tools.workflow.mocks
	$(PYTHON) -m tools.workflow.drawing --check
	$(PYTHON) -m tools.workflow.definition > build/definition.asl.json
	PATH="$(CURDIR)/.venvs/tools/bin:$$PATH" node .venvs/asl/node_modules/.bin/asl-validator --json-path build/definition.asl.json

.PHONY: unit
unit: $(DEV) $(ASL_VALIDATOR) ## the tests that need no network, in seconds
	$(VENV)/bin/pytest tests/unit

.PHONY: test
test: setup build ## all tests but the faults, by two processes; those of each that need it share one local stack of its own
	$(VENV)/bin/pytest -n 2 --no-loadscope-reorder --ignore tests/faults

.PHONY: testbed
testbed: $(DEV) ## hold compiled models against scikit-learn: 54 estimators with three data sets each, and random pipelines
	HUNDREDFOLD_TESTBED=full $(VENV)/bin/pytest tests/unit/compiled

# ---------------------------------------------------------------- faults and intruders

.PHONY: faults
faults: setup build ## make everything go wrong, and print what came of it: lost, doubled
	$(VENV)/bin/pytest tests/faults

.PHONY: model-kinds
model-kinds: setup build ## take twenty kinds of models the whole way on a local stack; KINDS="digits lightgbm" for some
	$(PYTHON) -m tests.support.kinds.run $(KINDS)

.PHONY: simulate
simulate: $(DEV) ## run nights of the whole system in a simulated AWS, each with other faults; SEEDS=10000 FROM=1
	PYTHONHASHSEED=0 $(PYTHON) -m tests.simulation --seeds $(or $(SEEDS),10000) $(if $(FROM),--from $(FROM))

.PHONY: fuzz
fuzz: $(DEV) ## give everything that reads a million hostile inputs, by two processes; INPUTS=1000000 SEED=0
	$(PYTHON) -m tests.fuzz --inputs $(or $(INPUTS),1000000) --seed $(or $(SEED),0)

.PHONY: store-mutations
store-mutations: setup build ## alter what ingests have stored in many ways; say what verify finds, and what it cannot
	$(PYTHON) -m tests.support.stores.report

# ---------------------------------------------------------------- speed

.PHONY: bench
bench: $(TOOLS) $(STACK) $(ASL_VALIDATOR) .venvs/peers/.installed build $(INGEST) ## a whole ingest, in both layouts, against a loop, joblib, Ray Data, PySpark and the article's function
	$(PYTHON) -m bench.compare $(INGEST)

.PHONY: bench-runtime
bench-runtime: $(TOOLS) $(STACK) .venvs/runtime/.installed build ## the functions under AWS's runtime emulator: cold starts and warm calls, against a plain function
	$(PYTHON) -m bench.runtime

.PHONY: bench-drift
bench-drift: .venvs/monitors/.installed $(BUNDLE) ## false and missed alarms of drift, and the expected accuracy; Evidently and NannyML on the same arrays
	$(PYTHON) -m bench.drift --peers

.PHONY: audit
audit: $(DEV) .venvs/audit/.installed ## look up known vulnerabilities of all locked packages
	for name in core dependencies readers stack tools dev; do \
	    .venvs/audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements/$$name.txt; done

# ---------------------------------------------------------------- what is seen

.PHONY: chromium
chromium: ## install Chromium where that needs no password, for pictures and the test of the pages
	@bash tools/install_chromium.sh

.PHONY: pages
pages: $(DEV) $(ASL_VALIDATOR) ## the newest ingest's report and the dashboards, as pages in build/pages/
	$(HUNDREDFOLD) report
	$(HUNDREDFOLD) dashboard

.PHONY: formats-table
formats-table: $(DEV) ## write the table of formats into docs/files.md, after a change
	$(PYTHON) -m tools.formats_table

.PHONY: dashboards
dashboards: $(DEV) ## put infra/dashboards/*.json into the template, after a change
	$(PYTHON) -m tools.dashboards.embed

# ---------------------------------------------------------------- the workflow, on several interpreters

INTERPRETERS := $(PYTHON) -m tests.support.interpreters

.PHONY: workflow
workflow: $(DEV) $(STACK) $(LOCALSTACK) ## run the workflow's cases on every interpreter; CASES="HappyPath ..." for some
	$(INTERPRETERS).report $(CASES)

.PHONY: mutations
mutations: $(DEV) $(STACK) $(LOCALSTACK) $(ASL_VALIDATOR) ## break the workflow in many ways; say which check finds each
	$(INTERPRETERS).mutations

.PHONY: step-functions-local
step-functions-local: $(DEV) ## run the cases on AWS's Step Functions Local, by Docker or SFN_LOCAL_JAR=file
	$(INTERPRETERS).step_functions_local $(CASES)

.PHONY: workflow-drawing
workflow-drawing: $(DEV) ## draw the definition into docs/workflow.md
	$(PYTHON) -m tools.workflow.drawing

# ---------------------------------------------------------------- AWS

.PHONY: deploy
deploy: $(TOOLS) build ## deploy to AWS with your credentials and region (asks before it changes anything)
	$(HUNDREDFOLD) --target aws deploy --parameter Architecture=$(ARCHITECTURE)

# ---------------------------------------------------------------- the package

# The build backend is the locked one of the environment: nothing is downloaded, and the same files give the same bytes.
.PHONY: wheel
wheel: $(DEV) $(ASL_VALIDATOR) ## build the wheel of the hundredfold command into build/wheel/
	rm -rf build/wheel
	$(PYTHON) -m hatchling build --target wheel --directory build/wheel

.PHONY: clean
clean: ## remove what was built; environments and the local stack stay
	rm -rf build

# ---------------------------------------------------------------- what is deployed

.PHONY: build
build: $(LAYERS) $(FUNCTIONS) ## train the example model, build layers and functions, check their size
	@$(PYTHON) -m layers.build check

$(BUNDLE): $(wildcard examples/text_model/*.py $(COMPILED) $(DESCRIBE)) $(DEV)
	$(PYTHON) -m examples.text_model.train build/bundle

$(INGEST): examples/text_model/make_ingest.py examples/text_model/example_data.py $(DEV)
	$(PYTHON) -m examples.text_model.make_ingest $(INGEST) --records $(RECORDS)

# Written anew only when it says something else: what was built for other extras is built again.
build/extras: FORCE
	@mkdir -p build && echo '$(EXTRAS)' | cmp -s - $@ || echo '$(EXTRAS)' > $@

build/architecture: FORCE
	@mkdir -p build && echo '$(ARCHITECTURE)' | cmp -s - $@ || echo '$(ARCHITECTURE)' > $@

.PHONY: FORCE
FORCE:

build/layers/%/dependencies.zip: requirements/dependencies.txt build/extras $(wildcard requirements/extras/*.txt) $(BUILDERS) $(DEV)
	$(PYTHON) -m layers.build --architecture $* dependencies --extras "$(EXTRAS)" --output $@

build/layers/dependencies.zip: build/layers/$(ARCHITECTURE)/dependencies.zip build/architecture
	cp $< $@
	cp $(<:.zip=.packages.json) $(@:.zip=.packages.json)

build/layers/%/numpy.zip: requirements/numpy.txt $(BUILDERS) $(DEV)
	$(PYTHON) -m layers.build --architecture $* numpy --output $@

build/layers/%/decoder.zip: requirements/decoder.txt $(BUILDERS) $(DEV)
	$(PYTHON) -m layers.build --architecture $* decoder --output $@

build/layers/numpy.zip build/layers/decoder.zip: build/layers/%.zip: build/layers/$(ARCHITECTURE)/%.zip build/architecture
	cp $< $@
	cp $(<:.zip=.packages.json) $(@:.zip=.packages.json)

build/layers/%/readers.zip: requirements/readers.txt $(BUILDERS) $(DEV)
	$(PYTHON) -m layers.build --architecture $* readers --output $@

build/layers/readers.zip: build/layers/$(ARCHITECTURE)/readers.zip build/architecture
	cp $< $@

.PHONY: layers
layers: build $(foreach one,x86_64 arm64,$(addprefix build/layers/$(one)/,dependencies.zip numpy.zip decoder.zip readers.zip)) ## build the layers for both architectures, show sizes and digests
	@$(PYTHON) -m layers.build report

TIMES ?= 1
.PHONY: layers-again
layers-again: layers ## train and build all again from nothing, once or TIMES, and compare the digests
	rm -rf build/again
	$(PYTHON) -m examples.text_model.train build/again/bundle
	$(PYTHON) -m layers.again --times $(TIMES) --bundle build/again/bundle --extras "$(EXTRAS)"

build/layers/core.zip: requirements/core.txt $(BUILDERS) $(shell find src/hundredfold -name '*.py' -o -name '*.json') $(DEV)
	$(PYTHON) -m layers.build core

build/layers/model.zip: $(BUNDLE) $(BUILDERS) $(shell find layers/model -name '*.py')
	$(PYTHON) -m layers.build model build/bundle

$(FUNCTIONS): $(BUILDERS) $(shell find functions -name '*.py') $(DEV)
	$(PYTHON) -m layers.build functions
	touch $@
