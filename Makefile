# Everything runs in .venv beside this file; the first target that needs it makes it.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: demo test bench lint setup clean

demo: setup  ## train on the built-in scenes, evaluate on unseen ones, export depth priors
	$(BIN)/m3depth train experiment=demo output=outputs/demo
	$(BIN)/m3depth export checkpoint=outputs/demo/checkpoints/best.ckpt data=synthetic_clip \
		writer=endonerf output=outputs/demo/endonerf
	$(BIN)/m3depth predict checkpoint=outputs/demo/checkpoints/best.ckpt \
		input=outputs/demo/endonerf/images output=outputs/demo/predictions rig=outputs/demo/endonerf/rig.yaml
	@echo "report: $(CURDIR)/outputs/demo/report.html"

test: setup lint  ## lint, types and the whole default suite
	$(BIN)/pytest -n 2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

bench: setup  ## the benchmarks, as JSON under outputs/bench/
	$(BIN)/m3depth bench train_step output=outputs/bench/train_step.json

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt setup.sh
	bash setup.sh "$(PYTHON)"
	touch $@

clean:
	rm -rf .venv outputs
