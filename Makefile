# Two commands: `make demo` (a violin from recording to playable model, on a page to listen to) and
# `make test`. Both make their own virtual environment first.

PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.PHONY: demo pictures test clean

$(INSTALLED): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

demo: $(INSTALLED)
	$(BIN)/ddsp-tf run bundled:violin --config demo --test bundled:violin_unseen --out $(DEMO)
	@echo "The exported model, without ddsp_tf, on the unseen phrase and on a flute:"
	@for piece in violin_unseen flute; do \
	  $(BIN)/ddsp-tf features bundled:$$piece $(DEMO)/$$piece.npz --config demo && \
	  $(BIN)/python export/run_saved_model.py $(DEMO)/export $(DEMO)/$$piece.npz \
	    $(DEMO)/$${piece}_saved_model.wav && \
	  $(BIN)/python export/run_tflite.py $(DEMO)/export $(DEMO)/$$piece.npz \
	    $(DEMO)/$${piece}_tflite.wav || exit 1; \
	done
	@echo "Open $(CURDIR)/$(DEMO)/run/report.html to see and hear the result."
	@echo "Audio of the exported model: $(DEMO)/*.wav"

pictures: $(INSTALLED)
	$(BIN)/python docs/make_pictures.py $(DEMO) docs/pictures/demo.png

test: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest
	KERAS_BACKEND=jax $(BIN)/python -m pytest tests/dsp tests/processors tests/models \
	  tests/test_losses.py tests/test_units.py tests/test_synthesis.py

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info
