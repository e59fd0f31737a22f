# For who works on it; needs the environment that `python3 start.py test` makes.
BIN := .venv/bin

.PHONY: check test bench soak mutants format

check:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test:
	python3 start.py test

bench:
	$(BIN)/python -m tests.bench

soak:
	$(BIN)/python -m tests.soak

mutants:
	nice $(BIN)/python -m tests.mutants

format:
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
