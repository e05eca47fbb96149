# Each target sets up everything it needs by itself.
PYTHON ?= python3
VENV   ?= .venv

.PHONY: train test bench faults
train: $(VENV)/ready
	$(VENV)/bin/python train.py $(ARGS)

test: $(VENV)/ready
	$(VENV)/bin/lint-imports --no-cache --no-logo
	$(VENV)/bin/python -m pytest $(ARGS)

# Nothing else should run meanwhile. PyTorch's own build for CPUs is gigabytes smaller; pip can be set to find it.
bench: $(VENV)/bench-ready
	$(VENV)/bin/python -m benchmarks.speed.startup --json benchmarks/speed/results/startup.json
	$(VENV)/bin/python -m benchmarks.speed.step --json benchmarks/speed/results/step.json
	$(VENV)/bin/python -m benchmarks.speed.tricks --json benchmarks/speed/results/tricks.json
	$(VENV)/bin/python -m benchmarks.speed.pipeline --json benchmarks/speed/results/pipeline.json
	$(VENV)/bin/python -m benchmarks.speed.scaling --json benchmarks/speed/results/scaling.json

# Half an hour on two cores; ARGS="--trials 4" takes four times as long, ARGS="--only generate flips" some minutes.
faults: $(VENV)/ready
	$(VENV)/bin/python -m benchmarks.faults --json benchmarks/faults/results/faults.json $(ARGS)

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/bench-ready: $(VENV)/ready
	$(VENV)/bin/python -m pip install --quiet --editable '.[bench]'
	touch $@
