# Each target sets up what it needs in .venv; .ci/setup says how. On Windows see README.md.

BIN := .venv/bin
READY := .venv/.ready

# Tests run side by side, one process a core; what one has not begun, another that is idle takes over.
TESTS := $(BIN)/python -m pytest -q --numprocesses logical --dist worksteal

# Tests start the program some seventy times: it is compiled once, whatever the machine is set to.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup demo test test-slow lint wheel wheel-check bench mutants clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## .venv with everything at the versions of constraints.txt

$(READY): pyproject.toml constraints.txt .ci/setup
	@PYTHON="$(PYTHON)" .ci/setup
	@touch $@

demo: $(READY) ## the bundled demo corpus with its trained run
	$(BIN)/python main.py demo

test: lint ## style, types, import contracts, then the tests
	$(TESTS)

test-slow: $(READY) ## the tests that take long: processes killed, random sequences, the released rows
	$(TESTS) -m slow

lint: $(READY) ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports --no-logo

mutants: $(READY) ## break a hundred lines at random, one at a time, and see which of them the tests notice (long)
	$(TESTS) --cov --cov-context=test --cov-report=
	$(BIN)/python tests/benchmarks/mutants.py

wheel: $(READY) ## the wheel, in dist/: all that an installed program needs
	$(BIN)/python -m hatchling build -t wheel

wheel-check: $(READY) ## that wheel in an empty environment: installed, and its commands run (6 GB, long)
	$(BIN)/python tests/benchmarks/wheel.py

bench: $(READY) ## the measurements behind the README's results (long)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-input -c constraints.txt -e ".[bench]"
	set -e; for script in $(filter-out %/mutants.py %/wheel.py,$(wildcard tests/benchmarks/[a-z]*.py)); do $(BIN)/python "$$script"; done

clean: ## remove .venv and what tools have cached here
	rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
