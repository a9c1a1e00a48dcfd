# Thin on purpose: what takes thought is in scripts/setup.py.

export PYTHON
# Where this is set, each of the many processes of the tests would compile all sources anew.
unexport PYTHONDONTWRITEBYTECODE
SETUP := scripts/with-python scripts/setup.py
BIN := .venv/bin
LOCK := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11
# Files of tests are spread over some processes, one more than there are cores, since many tests wait for a process that
# they have started. Those with a browser, which work as much as they can by themselves, come after the others.
CORES := $(shell getconf _NPROCESSORS_ONLN)
SPREAD := --maxprocesses 4 --dist loadfile --no-loadscope-reorder
PYTEST := $(BIN)/pytest $(if $(ARGS),$(ARGS),-n $(shell expr $(CORES) + 1) $(SPREAD) --ignore tests/e2e)
PYTEST_PAGE := $(if $(ARGS),true,$(BIN)/pytest -n $(CORES) $(SPREAD) tests/e2e)
BENCHES := stream guard context orchestrate shares pool plans embedded resume crash page footprint paraphrases recall vectors learning learning_cost load fuzz

.PHONY: help setup run test sim check format bench lock docs clean

help:  ## show this list
	@grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 15

setup:  ## prepare everything that running needs
	@$(SETUP) setup

run:  ## prepare, then serve (make run ARGS="--port 9000")
	@$(SETUP) run $(ARGS)

test:  ## run every test: the page's, then Python's
	@$(SETUP) test
	@status=0; \
	$(SETUP) npm test || status=1; \
	$(PYTEST) || status=1; \
	$(PYTEST_PAGE) || status=1; \
	exit $$status

sim:  ## play 2,000 simulated worlds (make sim ARGS="--seeds 10000")
	@$(SETUP) test
	@$(BIN)/python -m alma.sim $(ARGS)

check:  ## lint, types, layers: everything that reads code without running it
	@$(SETUP) check
	@status=0; \
	for tool in "ruff check" "ruff format --check" pyright lint-imports; do \
		echo "$$tool"; $(BIN)/$$tool || status=1; \
	done; \
	echo "biome, tsc"; $(SETUP) npm run --silent check || status=1; \
	exit $$status

format:  ## let ruff and biome rewrite what they can
	@$(BIN)/ruff check --fix --quiet; $(BIN)/ruff format --quiet; $(SETUP) npm run --silent fix

bench:  ## run every bench in its short form
	@$(SETUP) test
	@status=0; for name in $(BENCHES); do $(BIN)/python -m bench.$$name --quick || status=1; done; exit $$status

lock:  ## compile the hashed requirements anew (make lock ARGS=--upgrade)
	@$(LOCK) $(ARGS) pyproject.toml --group build -o requirements.txt
	@$(LOCK) $(ARGS) --group node -o requirements-node.txt
	@$(LOCK) $(ARGS) pyproject.toml --group dev -c requirements.txt -c requirements-node.txt -o requirements-dev.txt

docs:  ## write the pages that are made from code
	@$(BIN)/alma settings --markdown > docs/settings.md
	@$(BIN)/alma settings --env > .env.example

clean:  ## remove what can be made again; threads, models and settings stay
	rm -rf .venv frontend/node_modules frontend/.next frontend/out .pytest_cache .ruff_cache .hypothesis
