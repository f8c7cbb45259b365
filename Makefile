# Two commands: `make demo` (a violin from recording to playable model, on a page to listen to) and
# `make test`. Both make their own virtual environment first.

PYTHON ?= python3
# A Python that has magenta/ddsp, to compare with: see benchmarks/README.md.
ORIGINAL ?=
VENV ?= .venv
DEMO ?= demo
LADDER ?= ladder_result
# Recordings of one instrument for the ladder to climb on, beside the bundled violin.
RECORDINGS ?=
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed
# In the order of tests/conftest.py, which begins with what takes longest.
PARALLEL = -n 2 --dist loadfile --no-loadscope-reorder
# Most of its tests' time goes into compiling: what one has compiled, all find, the next time too.
JAX = KERAS_BACKEND=jax JAX_COMPILATION_CACHE_DIR=$(VENV)/jax_cache \
  JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1

.PHONY: bench colab demo ladder lint pictures test clean

# Bytecode is made of what is imported, when it is, not of everything.
$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/ddsp-tf run bundled:violin --config demo --test bundled:violin_unseen --out $(DEMO)
	@echo "The exported model plays, without ddsp_tf, the unseen phrase and a flute:"
	@for piece in violin_unseen flute; do \
	  $(BIN)/ddsp-tf features bundled:$$piece $(DEMO)/$$piece.npz --config demo && \
	  for player in saved_model tflite; do \
	    $(BIN)/python export/run_$$player.py $(DEMO)/export $(DEMO)/$$piece.npz \
	      $(DEMO)/$${piece}_$$player.wav 2> $(DEMO)/player.log \
	      || { cat $(DEMO)/player.log; exit 1; }; \
	  done || exit 1; \
	done
	@echo "To see and hear the result, open $(abspath $(DEMO))/run/report.html"

pictures: $(INSTALLED)
	$(BIN)/python docs/make_pictures.py $(DEMO)/run $(DEMO)/test_dataset docs/pictures/demo.png \
	  docs/clips/violin
	$(BIN)/python docs/concept_pictures.py $(DEMO) docs/pictures

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/python -m pytest $(PARALLEL)
	$(JAX) $(BIN)/python -m pytest $(PARALLEL) tests/dsp tests/processors tests/models \
	  tests/losses tests/features tests/test_units.py tests/test_synthesis.py

bench: $(INSTALLED)
	$(BIN)/python benchmarks/processors.py $(if $(ORIGINAL),--original $(ORIGINAL))
	$(BIN)/python benchmarks/render.py --configs solo_instrument,fast
	$(BIN)/python benchmarks/exported_models.py solo_instrument fast vst

colab: $(INSTALLED)
	$(BIN)/python colab/check_versions.py --runtime current
	$(BIN)/python colab/check_versions.py --runtime 2026.04

ladder: $(INSTALLED)
	rm -rf $(LADDER)
	$(BIN)/python benchmarks/ladder/climb.py --out $(LADDER) $(if $(RECORDINGS),--recordings $(RECORDINGS))

clean:
	rm -rf $(VENV) $(DEMO) $(LADDER) build dist *.egg-info
