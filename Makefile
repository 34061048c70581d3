# Everything runs inside .venv, made from the two lock files; nothing else on the machine is used.
PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PROJECT_ENVIRONMENT := .venv

.PHONY: setup run test check bench events lock clean
.DEFAULT_GOAL := run

.tools/uv-ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with PYTHON=...")'
	@echo "setup 1/3: fetching the installer"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --target .tools uv==0.13.9
	@touch $@

.venv/run-ready: .tools/uv-ready requirements.lock pyproject.toml
	@echo "setup 2/3: making .venv"
	@test -x $(BIN)/python || $(UV) venv --quiet --no-python-downloads --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
	@echo "setup 3/3: installing the locked dependencies"
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

.venv/dev-ready: .venv/run-ready requirements-dev.lock
	@echo "setup: installing the locked test tools"
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@touch $@

setup: .venv/dev-ready

# To try things out: webhooks may go to a server on this machine.
run: .venv/run-ready
	@KELVIQ_WEBHOOK_NETWORKS="$${KELVIQ_WEBHOOK_NETWORKS-[\"127.0.0.0/8\",\"::1/128\"]}" exec $(BIN)/kelviq-server serve

test: setup
	$(BIN)/pytest -n auto

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/pytest -n auto

bench: setup
	$(BIN)/python -m bench

# docs/events.md, from the events of the code.
events: setup
	$(BIN)/python -m tests.architecture.events_page

# Resolve anew; the lock files hold versions and hashes, for every platform.
lock: .tools/uv-ready
	$(UV) pip compile --quiet --universal --generate-hashes --upgrade pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --upgrade pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv .tools
