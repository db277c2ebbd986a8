# Everything a newcomer needs: `make demo`, then `make test`. Both set up .venv by themselves.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
# libgomp's threads would spin at barriers; it reads this before torch is loaded.
export OMP_WAIT_POLICY := PASSIVE

.PHONY: demo test check bench soak box setup clean

demo: $(READY)  ## the whole line on synthetic patients
	$(BIN)/gyrus demo

test: $(READY)  ## all tests but the long ones
	# Two processes with one thread each beat one process with two on these small nets.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not soak" -q

check: $(READY)  ## format, lint, types, layers, tests
	$(BIN)/ruff format --check src tests benchmarks examples tools
	$(BIN)/ruff check src tests benchmarks examples tools
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

soak: $(READY)  ## the long checks
	$(BIN)/python -m pytest -m soak -q

bench: $(READY)  ## measure everything (hours); results go to benchmarks/results/
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

box: $(READY)  ## train the model in the box anew and measure it on foreign slices (needs ../shared)
	$(BIN)/python tools/train_box.py
	$(BIN)/python benchmarks/box_external.py --enter

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "gyrus needs Python 3.11 or newer; set PYTHON=...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $(READY)

clean:
	rm -rf .venv demo runs
