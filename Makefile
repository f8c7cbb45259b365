# `make demo` turns a recording of a violin into a playable model and a page to listen to; `make test`
# checks the project in minutes, `make test-all` includes everything that takes long. Each target
# first creates the virtual environment and installs what it needs.

PYTHON ?= python3
# A Python that has magenta/ddsp, to compare with: see benchmarks/README.md.
ORIGINAL ?=
VENV ?= .venv
DEMO ?= demo
LADDER ?= ladder_result
# Recordings of one instrument for the ladder, besides the bundled violin.
RECORDINGS ?=
BIN = $(VENV)/bin
# The packages of each target are installed when it first runs; setup.cfg lists the extras.
INSTALLED = $(VENV)/.installed
FOR_DEMO = $(INSTALLED)-litert
FOR_TESTS = $(INSTALLED)-dev
FOR_ALL_TESTS = $(INSTALLED)-dev,dask,docs
FOR_DOCS = $(INSTALLED)-docs
# In the order of tests/conftest.py, which starts with the longest tests.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder
# JAX spends nearly all of its time compiling, so both processes share compiled programs.
JAX = KERAS_BACKEND=jax JAX_COMPILATION_CACHE_DIR=$(VENV)/jax_cache \
  JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1
# Detects notes in the slow tests, besides this library.
JUDGE = $(VENV)/.judge
# Sources of the live page; the built files are in the repository.
PAGE = ddsp_tf/app/pages/live
# Tests of the core that are specific to JAX; tests/processors/test_backends_agree.py covers the rest.
JAX_TESTS = tests/backend tests/models/test_decoders.py tests/processors/test_reverb.py \
  tests/processors/test_wavetable.py tests/training/test_averaging.py
ALL_JAX_TESTS = tests/backend tests/dsp tests/features tests/losses tests/models tests/processors \
  tests/test_units.py tests/test_layers.py tests/training/test_averaging.py

.PHONY: bench clean colab demo docs instruments ladder lint live long page pictures slow test test-all

# Bytecode is compiled when a module is first imported, not for everything at once.
$(INSTALLED)-%: setup.cfg pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --editable '.[$*]'
	touch '$@'

# The features to play are measured during the export, which keeps only one core busy.
demo: $(FOR_DEMO)
	@( until test -e $(DEMO)/run/evaluation.json; do sleep 1; done; \
	  for piece in violin_unseen flute; do \
	    $(BIN)/ddsp-tf features bundled:$$piece $(DEMO)/$$piece.npz --config demo || exit 1; \
	  done > $(DEMO)/features.log 2>&1 ) & measuring=$$!; \
	$(BIN)/ddsp-tf run bundled:violin --config demo --test bundled:violin_unseen --out $(DEMO) \
	  || { kill $$measuring; exit 1; }; \
	wait $$measuring || { cat $(DEMO)/features.log; exit 1; }
	@echo "The exported model plays, without ddsp_tf, the unseen phrase and a flute:"
	@for piece in violin_unseen flute; do \
	  for player in saved_model tflite; do \
	    $(BIN)/python export/run_$$player.py $(DEMO)/export $(DEMO)/$$piece.npz \
	      $(DEMO)/$${piece}_$$player.wav 2> $(DEMO)/$${piece}_$$player.log \
	      || { cat $(DEMO)/$${piece}_$$player.log; exit 1; } & \
	    players="$$players $$!"; \
	  done; \
	done; \
	for player in $$players; do wait $$player || exit 1; done
	@echo "To see and hear the result, open $(abspath $(DEMO))/run/report.html"

pictures: $(FOR_DEMO)
	$(BIN)/python docs/make_pictures.py $(DEMO)/run $(DEMO)/test_dataset docs/pictures/demo.png \
	  docs/clips/violin
	$(BIN)/python docs/concept_pictures.py $(DEMO) docs/pictures

# For those who change the page, and for its tests, which are skipped without Node.
$(PAGE)/node_modules: $(PAGE)/package-lock.json
	(cd $(PAGE) && npm ci --silent --no-audit --no-fund --fetch-retries=1 && touch node_modules) \
	  || echo "npm did not install what the tests of the live page need; they will be skipped"

page: $(PAGE)/node_modules
	cd $(PAGE) && npm run --silent build

live: $(FOR_TESTS) $(PAGE)/node_modules
	$(BIN)/python benchmarks/live_page.py

docs: $(FOR_DOCS)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "To read the documentation, open $(abspath site)/index.html"

lint: $(FOR_TESTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy

test: lint
	$(PYTEST) -m "not slow"
	$(JAX) $(PYTEST) -m "not slow" $(JAX_TESTS)

# basic-pitch requires an old TensorFlow, which its ONNX file does not need.
$(JUDGE): $(FOR_ALL_TESTS)
	($(BIN)/python -m pip install --quiet --no-compile 'librosa>=0.11' 'pretty_midi>=0.2.11' 'resampy>=0.4.3' \
	  && $(BIN)/python -m pip install --quiet --no-compile --no-deps 'basic-pitch>=0.4' && touch '$@') \
	  || echo "pip did not install basic-pitch; the test that needs it will be skipped"

slow: $(FOR_ALL_TESTS) $(JUDGE) $(PAGE)/node_modules
	$(PYTEST) -m "slow and not long"

long: $(FOR_ALL_TESTS) $(PAGE)/node_modules
	$(PYTEST) -m long
	$(JAX) $(PYTEST) $(ALL_JAX_TESTS)

test-all: test slow long

bench: $(FOR_TESTS)
	$(BIN)/python benchmarks/processors.py $(if $(ORIGINAL),--original $(ORIGINAL))
	$(BIN)/python benchmarks/render.py --configs solo_instrument,fast
	$(BIN)/python benchmarks/exported_models.py solo_instrument fast vst

colab: $(FOR_TESTS)
	$(BIN)/python colab/check_versions.py --runtime current
	$(BIN)/python colab/check_versions.py --runtime 2026.04

ladder: $(FOR_TESTS)
	rm -rf $(LADDER)
	$(BIN)/python benchmarks/ladder/climb.py --out $(LADDER) $(if $(RECORDINGS),--recordings $(RECORDINGS))

instruments: $(FOR_DEMO)
	$(BIN)/python benchmarks/bundled/make_instruments.py $(if $(RECORDINGS),--recordings $(RECORDINGS))

clean:
	rm -rf $(VENV) $(DEMO) $(LADDER) build dist site *.egg-info
