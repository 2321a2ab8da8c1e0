PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
CONFIG ?= configs/config.yml
OLDEST := .venv-oldest
TESTS ?= tests
# Two files at a time.
PYTEST := -m pytest -n 2 --dist loadfile $(TESTS)

.PHONY: train test test-fast test-oldest check bench faults figures clean

# Trains on the embedded dataset, then evaluates and reads one image: the whole tour.
train: $(VENV)/ready
	$(RUN) main.py -c $(CONFIG) --train
	$(RUN) main.py -c $(CONFIG) --predict_on_test
	$(RUN) main.py -c $(CONFIG) --predict --filename test_images/look.png

# `make test TESTS=tests/models` for a part.
test: $(VENV)/ready-to-test
	$(RUN) $(PYTEST)

# Without what trains, compiles graphs or starts processes: under a minute.
test-fast: $(VENV)/ready-to-test
	$(RUN) $(PYTEST) -m "not slow"

# The same with the oldest libraries that the requirements allow.
test-oldest: $(OLDEST)/ready
	$(OLDEST)/bin/python $(PYTEST)

# Style, types, and the direction of imports.
check: $(VENV)/ready-to-test
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

# Lost processes, and 10,000 arbitrary inputs of each kind: hours on a small machine.
faults: $(VENV)/ready-to-test
	$(RUN) -m tests.system.faults
	$(RUN) -m pytest tests/system/test_fuzz.py tests/metrics tests/preprocessing --hypothesis-profile long

# Speed, start and memory on this machine, into benchmarks/results.md; `make bench BENCH=--quick` tries it out.
bench: $(VENV)/ready
	$(RUN) -m benchmarks $(BENCH)

# The pictures of README and docs but for the browser's, and the notebook's output, from the shipped weights and the logs.
figures: $(VENV)/ready-to-test
	$(RUN) -m benchmarks.figures
	$(RUN) -m nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/inference.ipynb

$(VENV)/ready: requirements.txt requirements-read.txt requirements-train.txt
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/ready-to-test: requirements-dev.txt requirements-scale.txt requirements-lmdb.txt requirements-pages.txt \
		requirements-serve.txt $(VENV)/ready
	$(RUN) -m pip install --quiet --requirement requirements-dev.txt
	touch $@

$(OLDEST)/ready: requirements-read.txt requirements-train.txt requirements-dev.txt requirements-pages.txt requirements-serve.txt
	$(PYTHON) -m venv $(OLDEST)
	sed 's/>=\([^,]*\).*/==\1/' requirements-read.txt requirements-train.txt > $(OLDEST)/requirements.txt
	$(OLDEST)/bin/python -m pip install --quiet --requirement $(OLDEST)/requirements.txt
	$(OLDEST)/bin/python -m pip install --quiet --requirement requirements-dev.txt
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST)
