# make setup | demo | check | test | test-fast | chaos | bench-vehicle | bench-place | bench-review | soak | arm | setup-training | test-training        ARGS="…" is handed on
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo check format test test-fast chaos bench-vehicle bench-place bench-review soak arm setup-training test-training lock
setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "trikeye needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@echo "setup, once: some two minutes on a fast line; 1 GB on disk"
	@echo "1 of 3: a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --upgrade 'pip>=24'
	@echo "2 of 3: what requirements.lock names, $(shell grep -c == requirements.lock) packages; pip says nothing until it is done"
	@$(BIN)/pip install --quiet -r requirements.lock
	@echo "3 of 3: trikeye itself"
	@$(BIN)/pip install --quiet --no-deps -e .
	@touch $@
	@echo "setup is done"

demo: setup
	$(BIN)/trikeye demo run $(ARGS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=server.settings $(BIN)/python -m django makemigrations --check --dry-run
	DJANGO_SETTINGS_MODULE=server.settings $(BIN)/python -m django check

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: setup
	$(BIN)/python tests/run.py

test-fast: setup
	$(BIN)/pytest -q -n auto --dist loadfile -m "not process and not broker and not browser and not shared"

chaos: setup
	$(BIN)/python -m demo.chaos.command --seed $(or $(SEED),1) $(ARGS)

bench-vehicle: setup
	@test -d .venv-training || $(MAKE) --no-print-directory setup-training
	$(PYTHON) benchmarks/as_booted.py $(VENV) .venv-training
	PYTHONPATH=. $(BIN)/python benchmarks/vehicle.py $(ARGS)

bench-place: setup
	PYTHONPATH=. $(BIN)/python benchmarks/place.py $(ARGS)

bench-review: setup
	PYTHONPATH=. $(BIN)/python benchmarks/review.py $(ARGS)

soak: setup
	@test -d .venv-training || $(MAKE) --no-print-directory setup-training
	PYTHONPATH=. $(BIN)/python benchmarks/leak.py --frames 30000

arm: setup
	$(BIN)/python tests/arm/wheels.py
	$(BIN)/python tests/arm/replay.py $(ARGS)

setup-training:
	bash models/training/setup.sh

test-training:
	@test -d .venv-training || $(MAKE) --no-print-directory setup-training
	.venv-training/bin/pytest -q --confcutdir=tests/training tests/training

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --no-header \
	  --extra edge --extra calibration --extra server --extra demo --extra evaluation --extra dev -o requirements.lock
