# Each target sets up everything it needs by itself.
PYTHON ?= python3
VENV   ?= .venv

# The build of PyTorch for CPUs; the usual one for Linux brings gigabytes of CUDA.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu

.PHONY: train test bench
train: $(VENV)/ready
	$(VENV)/bin/python train.py $(ARGS)

test: $(VENV)/ready
	$(VENV)/bin/python -m pytest $(ARGS)

# Nothing else should run meanwhile.
bench: $(VENV)/bench-ready
	$(VENV)/bin/python -m benchmarks.startup --json benchmarks/results/startup.json
	$(VENV)/bin/python -m benchmarks.step --json benchmarks/results/step.json
	$(VENV)/bin/python -m benchmarks.pipeline --json benchmarks/results/pipeline.json
	$(VENV)/bin/python -m benchmarks.scaling --json benchmarks/results/scaling.json

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/bench-ready: $(VENV)/ready
	$(VENV)/bin/python -m pip install --quiet --extra-index-url $(TORCH_INDEX) --editable '.[bench]'
	touch $@
