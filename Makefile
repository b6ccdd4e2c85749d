# make search: set up everything and run the main job. make test: set up everything and run the tests.
PYTHON ?= python3
VENV := .venv
PIP := $(VENV)/bin/python -m pip install --quiet --constraint constraints.txt

.PHONY: search test check clean

search: $(VENV)/installed
	$(VENV)/bin/python -m nas.main --seed 123 --min-precision 0.39

test: $(VENV)/developed
	$(VENV)/bin/python -m pytest --numprocesses 2

check: $(VENV)/developed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable .
	touch $@

$(VENV)/developed: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV)
