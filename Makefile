# `make demo` and `make test` need Python 3.11 or newer and make; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NEURAL := $(VENV)/.installed-neural

# A file's tests stay together: what its fixtures set up (a trained model, an installed wheel) is set up once.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Parallelism comes from worker processes; threads of numerical libraries would only fight with them.
export OMP_NUM_THREADS ?= 1
export PIP_DISABLE_PIP_VERSION_CHECK ?= 1

.PHONY: demo test tests lint imports types unit package lock clean install bench help
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:
	@echo "make demo     set up and run the main job on a real table"
	@echo "make test     set up and run every gate"
	@echo "make lint     ruff: format and rules          make types    mypy, strict"
	@echo "make imports  import-linter: the floors       make unit     tests without the slow ones"
	@echo "make package  build the wheel, install it clean, use it"
	@echo "make bench    BENCH=... DATA=... beside other systems, see benchmarks/README.md"
	@echo "make lock     resolve requirements.lock anew  make clean    remove everything that was made"

install: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Modelwright needs Python 3.11 or newer, but $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[dev,excel,holidays,postgres]'
	@touch $@

# torch weighs more than everything else together, and nothing but the tests of networks needs it.
$(NEURAL): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint requirements.lock --editable '.[neural]'
	@touch $@

demo: $(STAMP)
	$(BIN)/modelwright demo

# Every gate, cheapest first, the summary of the tests last. One that fails does not hide the others.
test: $(STAMP)
	@failed=""; \
	for gate in lint imports types tests; do \
	    $(MAKE) --no-print-directory $$gate || failed="$$failed $$gate"; \
	done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed" >&2; exit 1; fi

tests: $(STAMP) $(NEURAL)
	$(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

imports: $(STAMP)
	$(BIN)/lint-imports --no-logo

types: $(STAMP)
	$(BIN)/mypy

unit: $(STAMP) $(NEURAL)
	$(PYTEST) -m "not slow"

package: $(STAMP)
	$(BIN)/python -m pytest tests/package

# Hours where other systems are measured, too; it writes nothing outside OUT.
bench:
	@test -n "$(BENCH)" -a -n "$(DATA)" || \
	    { echo "Give the folders: make bench BENCH=... DATA=... [OUT=bench-output] [BUDGET=60] [SETS=a,b]" >&2; exit 2; }
	benchmarks/bench.sh "$(BENCH)" "$(DATA)" "$(or $(OUT),bench-output)" $(or $(BUDGET),60) "$(SETS)"

# Resolved for every extra, every platform and every Python that is supported. A test sees to it that
# nothing of the machine that made it (package indexes, folders) is in the file.
lock: $(VENV)/bin/uv
	$(BIN)/uv pip compile pyproject.toml --quiet --all-extras --universal --python-version 3.11 \
	    --fork-strategy fewest --upgrade --no-annotate \
	    --custom-compile-command "make lock" --output-file requirements.lock

# Not by way of $(STAMP), which needs the very file that is to be made.
$(VENV)/bin/uv:
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv

clean:
	rm -rf $(VENV) build dist demo-output modelwright-demo .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
