# make demo   try it out: install, load a sample ontology, tag three notes, show the result
# make test   everything the CI runs
# make check  lint, types and the fast tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := dev,notebook,parquet,zstd
# The environment is rebuilt when pyproject.toml or EXTRAS change, by their content: a second run installs nothing and needs no network.
KEY := $(shell $(PYTHON) -c "import hashlib; print(hashlib.sha256(open('pyproject.toml', 'rb').read() + b'$(EXTRAS)').hexdigest()[:16])")
STAMP := $(VENV)/.installed-$(KEY)
SAMPLES := ontograft/samples
DEMO := demo

# Nothing here fetches models: the base encoder is installed with the other packages.
export HF_HUB_OFFLINE := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: demo test check install clean
.DEFAULT_GOAL := demo

install: $(STAMP)

$(STAMP):
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.11')"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[$(EXTRAS)]'
	rm -f $(VENV)/.installed-*
	touch $@

demo: $(STAMP)
	mkdir -p $(DEMO)
	$(BIN)/ontograft ingest $(SAMPLES)/sample.obo --store $(DEMO)/kg.db
	$(BIN)/ontograft ingest $(SAMPLES)/sample-mesh.obo --store $(DEMO)/kg.db
	$(BIN)/ontograft ingest $(SAMPLES)/sample-mappings.sssom.tsv --store $(DEMO)/kg.db
	$(BIN)/ontograft build --store $(DEMO)/kg.db --out $(DEMO)/pack
	$(BIN)/ontograft tag $(SAMPLES)/notes --pack $(DEMO)/pack --model medical --out $(DEMO)/tagged.jsonl --overwrite
	$(BIN)/ontograft view $(DEMO)/tagged.jsonl --notes $(SAMPLES)/notes --html $(DEMO)/tagged.html --overwrite

test: $(STAMP)
	$(BIN)/python -m pytest

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -m "not slow"

clean:
	rm -rf $(DEMO) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
