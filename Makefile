# `make demo` shows edged at work, `make test` tests it; `make help` lists the rest.
# Everything is installed into .venv, from lock files with hashes, and again only when they change.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
STAMPS := $(VENV)/.edged
UNIVERSE := edged tests benchmarks packaging

# The first Python >= 3.11 that can make a virtual environment; 3.12 comes late because PocketSphinx has
# the fewest wheels for it. `make demo PYTHON=/path/to/python` chooses another.
FIND_PYTHON = for p in python3.13 python3.11 python3.12 python3 python3.14; do \
	$$p -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done
PYTHON ?= $(shell $(FIND_PYTHON))

export ORT_DISABLE_TELEMETRY := 1
export PIP_NO_INPUT := 1
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help compiled models demo demo-browser test test-long check lint coverage bench lock setup setup-dev extension check-extension clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 15

# A home of its own for the models that `edged models pull --defaults` brings; tests find them there.
# Without a network nothing is lost but the tests that need them: they say so and are skipped.
PULL_DEFAULTS = EDGED_HOME=$(abspath $(STAMPS)/home) $(BIN)/edged models pull --defaults
WITHOUT_MODELS = echo "the embedded models were not pulled: what needs them is left out" >&2

demo: $(STAMPS)/speech compiled  ## transcribe, search and encrypt a conversation on a throw-away home
	@$(PULL_DEFAULTS) || $(WITHOUT_MODELS)
	@$(BIN)/edged demo

demo-browser: $(STAMPS)/speech compiled extension  ## the same through a browser: pair the side panel, drop a file on it, search
	@$(BIN)/python packaging/demo_browser.py

test: $(STAMPS)/dev models compiled  ## run the tests, but for the long ones
	@$(PYTEST) -n auto --dist worksteal -m "not long"

test-long: $(STAMPS)/dev models compiled  ## run the long tests: many kills, inputs of 24 hours, packages
	@$(PYTEST) -m long --timeout 1800

check: lint check-extension coverage  ## all that must be green: ruff, mypy, import-linter, tests with coverage

lint: $(STAMPS)/dev
	@$(BIN)/ruff check --quiet $(UNIVERSE)
	@$(BIN)/ruff format --check --quiet $(UNIVERSE)
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > $(STAMPS)/imports.log || { cat $(STAMPS)/imports.log; exit 1; }

models: $(STAMPS)/dev  ## pull the embedded models that are not here yet, for the tests
	@test $(STAMPS)/models -nt $(STAMPS)/dev -a -z "$$(find model_manifests -newer $(STAMPS)/models 2>&1)" || \
	{ $(PULL_DEFAULTS) && touch $(STAMPS)/models; } || $(WITHOUT_MODELS)

# As an installed package is: without it, where PYTHONDONTWRITEBYTECODE is set, every daemon, command and
# worker that a test starts compiles a hundred modules first, which takes a tenth of a second.
compiled: $(STAMPS)/speech
	@$(BIN)/python -m compileall -q edged

coverage: $(STAMPS)/dev models compiled
	@$(PYTEST) -n auto --dist worksteal -m "not long" --cov --cov-branch --cov-report=term:skip-covered

# The extension needs node and npm, and nothing of Python. Without them it is left out, and said so.
HAS_NPM := $(shell command -v node > /dev/null && command -v npm > /dev/null && echo yes)
EXTENSION_SOURCES = $(shell find extension -name node_modules -prune -o -name dist -prune -o -type f -print)

extension: $(if $(HAS_NPM),extension/dist/edged-chromium.zip)  ## build the extension and its client library into extension/dist
	@$(if $(HAS_NPM),ls -l extension/dist,echo "no node and npm here: the extension is not built" >&2; exit 1)

check-extension: $(if $(HAS_NPM),extension/dist/edged-chromium.zip)
	@$(if $(HAS_NPM),cd extension && npm run -s check,echo "no node and npm here: the extension is not checked" >&2)

extension/node_modules/.package-lock.json: extension/package-lock.json extension/package.json
	@cd extension && npm ci --loglevel=error
	@touch $@

extension/dist/edged-chromium.zip: extension/node_modules/.package-lock.json $(EXTENSION_SOURCES)
	@cd extension && npm run -s build

bench: $(STAMPS)/dev $(STAMPS)/peers compiled  ## measure against the stated figures; writes docs/BENCHMARKS.md
	@$(BIN)/python -m benchmarks

lock: $(STAMPS)/dev  ## choose versions anew and write the lock files (UPGRADE=1: the newest)
	@$(PIP) install uv
	@packaging/lock.sh $(abspath $(BIN)/uv) $(if $(UPGRADE),--upgrade)

setup: $(STAMPS)/speech  ## install edged with speech into .venv

setup-dev: $(STAMPS)/dev  ## install edged with everything and the tools

clean:  ## remove what the targets made
	@rm -rf $(VENV) build dist htmlcov .coverage .coverage.* .cache .mypy_cache .ruff_cache
	@rm -rf .hypothesis .import_linter_cache tests/clients/node/node_modules
	@rm -rf extension/node_modules extension/dist extension/client/dist

$(STAMPS)/venv:
	@test -n "$(PYTHON)" || { echo "edged needs Python >= 3.11 with venv and found none" \
	"(on Debian and Ubuntu: sudo apt install python3-venv; else: make PYTHON=/path/to/python)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "edged needs Python >= 3.11; $(PYTHON) is older or does not run" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) lacks venv (on Debian and Ubuntu: sudo apt install python3-venv)" >&2; exit 1; }
	@echo "setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS) && touch $@

# The tool that builds edged, then edged itself, linked to this folder. One after the other even with -j:
# two pips in one environment break each other.
$(STAMPS)/built: requirements/build.txt $(STAMPS)/venv
	@$(PIP) install --require-hashes -r requirements/build.txt
	@touch $@

$(STAMPS)/speech: requirements/speech.txt pyproject.toml $(STAMPS)/built
	@echo "installing what requirements/speech.txt names (about 200 MB the first time)"
	@$(PIP) install --require-hashes -r requirements/speech.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/dev: requirements/dev.txt $(STAMPS)/speech
	@echo "installing what requirements/dev.txt names"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(STAMPS)/peers: $(wildcard benchmarks/peers/*.txt) $(STAMPS)/dev
	@$(BIN)/python -m benchmarks.peers.setup
	@touch $@
