# make search: set up everything and run the main job. make test: set up everything and run the tests.
# make bench-quick: the benchmarks beside the peers in ten minutes. make bench: what docs/peers.md and docs/speed.md report,
# from where the kept results end. make bench-test: that every peer runs as it should.
PYTHON ?= python3
VENV := .venv
BENCH := .venv-bench
PIP := $(VENV)/bin/python -m pip install --quiet --constraint constraints.txt

.PHONY: search test check bench-quick bench bench-test clean

search: $(VENV)/installed
	$(VENV)/bin/python -m nas.main --seed 123 --min-precision 0.39

test: $(VENV)/developed
	$(VENV)/bin/python -m pytest --numprocesses 2 --dist loadgroup

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

bench-quick: $(BENCH)/installed
	$(BENCH)/bin/python -m benchmarks.quality --quick
	$(BENCH)/bin/python -m benchmarks.overhead --quick
	$(BENCH)/bin/python -m benchmarks.training --quick --data digits-m

bench: $(BENCH)/installed
	$(BENCH)/bin/python -m benchmarks.quality
	$(BENCH)/bin/python -m benchmarks.overhead
	$(BENCH)/bin/python -m benchmarks.training
	$(BENCH)/bin/python -m benchmarks.memory

bench-test: $(BENCH)/installed
	$(BENCH)/bin/python -m pytest tests/benchmarks

# The peers in an environment of their own. DEHB asks for NumPy 1, which nothing else here runs with; it runs with 2.
$(BENCH)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dask,bench]'
	$(BENCH)/bin/python -m pip install --quiet --no-deps dehb==0.1.2
	touch $@

clean:
	rm -rf $(VENV) $(BENCH)
