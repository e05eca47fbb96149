# Each target sets up everything it needs by itself.
PYTHON ?= python3
VENV   ?= .venv

.PHONY: train test
train: $(VENV)/ready
	$(VENV)/bin/python train.py $(ARGS)

test: $(VENV)/ready
	$(VENV)/bin/python -m pytest $(ARGS)

$(VENV)/ready: requirements.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --editable '.[test]'
	touch $@
