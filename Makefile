# Two commands are enough: `make run` and `make test`. `make` alone installs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WARM := $(VENV)/.warm

.PHONY: install run test quick lab docs readers notebooks readme lint bench certify update clean

install: $(WARM)  ## the package with its development tools, its kernels compiled

$(READY): settings.ini setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip setuptools wheel
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

$(WARM): $(READY)
	$(BIN)/lpc-ns warm
	touch $@

run: $(WARM)  ## all three parts on real tables, with reports in demo/; then the published data sets
	$(BIN)/lpc-ns demo

test: $(READY)  ## everything that continuous integration checks
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/check.py

quick: $(READY)  ## of these, export, lint and the tests that take a moment
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/check.py --quick

lab: $(READY)  ## JupyterLab on the notebooks
	$(BIN)/jupyter lab nbs

docs: $(READY)  ## render the documentation site into _docs
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/docs.py

readers: docs  ## thirteen tasks of readers in the rendered site, in headless Chromium
	$(BIN)/python scripts/readers.py

notebooks: $(READY)  ## export, re-execute and clean every notebook
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/notebooks.py

readme: $(READY)  ## write README.md from nbs/index.ipynb
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python scripts/readme.py

lint: $(READY)
	$(BIN)/ruff check .

bench: $(READY)  ## benchmarks: ratios measured in one run on this machine
	$(BIN)/python benchmarks/local_search.py
	$(BIN)/python benchmarks/million.py
	$(BIN)/python benchmarks/qpbo.py
	$(BIN)/python benchmarks/certificates.py
	$(BIN)/python benchmarks/screening.py
	$(BIN)/python benchmarks/ibc_selection.py
	$(BIN)/python benchmarks/ibc_peers.py
	$(BIN)/python benchmarks/ibc.py
	$(BIN)/python benchmarks/trees.py
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/inference.py targets
	$(BIN)/python benchmarks/scale.py

certify: $(READY)  ## hundreds of random problems against enumeration, size and power of tests; the test suite runs a small sample
	$(BIN)/python scripts/certify_formulations.py
	$(BIN)/python scripts/certify_bounds.py 10000
	$(BIN)/python scripts/certify_bounds.py --ill 2000
	$(BIN)/python scripts/certify_groups.py
	$(BIN)/python scripts/certify_regime_tests.py
	$(BIN)/python scripts/certify_trees.py
	$(BIN)/python scripts/certify_tables.py
	LPC_NS_MOMENTS=125 $(BIN)/python -m pytest -q tests/test_bounds_hold.py tests/test_unit_proof.py -k moments
	$(BIN)/python -m pytest -q -m certify

update: $(READY)  ## the newest versions that settings.ini allows, written to constraints.txt
	$(BIN)/python -m pip install --quiet --upgrade --upgrade-strategy eager -e '.[dev]'
	$(BIN)/python scripts/constraints.py
	touch $(READY)

clean:
	rm -rf $(VENV) .kernels _docs _proc build dist *.egg-info
