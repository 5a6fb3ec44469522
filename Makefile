# Everything runs in .venv beside this file; the first target that needs it makes it.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash

.PHONY: demo pretrain test bench lint setup clean

BEST := outputs/demo/checkpoints/best.ckpt

demo: setup  ## train on the built-in scenes, evaluate on unseen ones, export depth priors; again and again
	$(BIN)/m3depth train experiment=demo output=outputs/demo overwrite=true
	$(BIN)/m3depth evaluate checkpoint=$(BEST) data=synthetic_style data.train.count=840 flip=true \
		output=outputs/demo/style overwrite=true
	$(BIN)/m3depth export checkpoint=$(BEST) data=synthetic_clip flip=true \
		output=outputs/demo/endonerf overwrite=true
	$(BIN)/m3depth predict checkpoint=$(BEST) input=outputs/demo/endonerf/images flip=true \
		output=outputs/demo/predictions overwrite=true
	@echo "report: $(CURDIR)/outputs/demo/report.html"

pretrain: setup  ## a network of relative depth, from scenes as varied as the world; `m3depth train output=outputs/pretrain checkpoint=last` goes on
	$(BIN)/m3depth train experiment=pretrain output=outputs/pretrain overwrite=true

test: setup lint  ## lint, types and the whole default suite
	$(BIN)/pytest -n 2

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell

bench: setup  ## the benchmarks, as JSON under outputs/bench/
	for name in consistency export loader rasteriser train_step; do \
		$(BIN)/m3depth bench $$name output=outputs/bench/$$name.json overwrite=true || exit 1; done

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt setup.sh
	bash setup.sh "$(PYTHON)"
	touch $@

clean:
	rm -rf .venv outputs
