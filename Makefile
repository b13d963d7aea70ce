# Every target is a few commands that also run by hand, from the root of the checkout.

PYTHON ?= python3
VENV := .venv/bin
SAM := .tools/sam/bin/sam
PIP_INSTALL := -m pip install --quiet --quiet --disable-pip-version-check --no-compile
LOCK := $(VENV)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

export SAM_CLI_TELEMETRY := 0
# What was compiled once is kept: tests start many processes, and would compile all in each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test coverage docs lint build deploy lock upgrade clean
.PHONY: audit audit-required test-fuzz test-fuzz-deep nightly
.PHONY: test-faults test-random test-years test-deep test-differential mutation bench-planning bench-throttled bench-scale
.PHONY: bench bench-quick
.PHONY: test-runtime test-pages openstack-up openstack-down test-openstack test-outages

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-17s %s\n", $$1, $$2}' Makefile

setup: .venv/.ready ## .venv with the volume-images command and all that tests need

demo: .venv/.ready ## export, keep, announce and delete against a sandbox cloud
	$(VENV)/python -m tests.demo

test: .venv/.ready ## the tests, but for the slowest, on every core
	$(VENV)/pytest -q -n auto --dist worksteal

coverage: .venv/.ready ## the slowest tests too, but for faults/, and which branches of the package they reach
	$(VENV)/pytest -q -n auto --dist worksteal -m "not openstack and not browser and not restic and not runtime" --ignore=tests/faults --cov --cov-report=term

test-pages: .venv/.ready ## the pages in a real browser: needs /usr/bin/chromium
	$(VENV)/pytest -q -m browser --durations=5

openstack-up: ## install and start a real OpenStack on loopback (Debian, as root)
	tests/openstack/up

openstack-down: ## stop it; its volumes and images stay for the next start
	tests/openstack/down

test-openstack: .venv/.ready openstack-up ## the tests that need a real OpenStack
	$(VENV)/pytest -q -m "openstack and not outage" tests/contract tests/openstack

test-outages: .venv/.ready openstack-up ## the tests that kill services of a real OpenStack
	$(VENV)/pytest -q -m outage tests/openstack

test-deep: .venv/.ready ## the properties of retention, with 2,000 examples each
	HYPOTHESIS_PROFILE=ci $(VENV)/pytest -q -n auto tests/core/test_retention_properties.py

test-faults: .venv/.ready ## crashes, faults, whatever order of events, safeguards taken out, and what was tried
	HYPOTHESIS_PROFILE=ci $(VENV)/pytest -q -n auto -m "" tests/faults

test-random: .venv/.ready ## ten times as many examples and orders of events, drawn anew each time
	HYPOTHESIS_PROFILE=night $(VENV)/pytest -q -n auto -m "" tests/core tests/faults/test_state_machine.py

test-years: .venv/.ready ## twenty simulated years; others by `make test-years YEARS=100 FIRST=21`
	$(VENV)/python -m tests.faults.many_years --years $(or $(YEARS),20) --first $(or $(FIRST),1) --jobs $$((2 * $$(nproc)))

test-differential: .venv/.ready ## our retention against Debian's restic: needs /usr/bin/restic
	$(VENV)/pytest -q -m restic tests/differential

test-runtime: build .aws-sam/host/.ready ## the functions as built, under Lambda's own runtime client
	$(VENV)/pytest -q -m runtime tests/runtime

mutation: .venv/.ready ## small changes of retention and planning: do the tests notice?
	$(VENV)/python -m tests.mutation

bench: build .aws-sam/host/.ready .tools/peers/.ready .tools/custodian/.ready ## all measurements against their floors: .bench/bench.json and .png
	$(VENV)/python -m tests.benchmarks --into .bench

bench-quick: build .aws-sam/host/.ready ## the same in under 2 minutes: what is counted must be right
	$(VENV)/python -m tests.benchmarks --quick --into .bench

bench-planning: .venv/.ready ## a million images judged, against reading and sorting them
	$(VENV)/python -m tests.benchmarks.planning

audit: .venv/.ready ## secrets in tree and history, weak code, known vulnerabilities of the pins
	$(VENV)/python -m tests.security.secrets_scan
	$(VENV)/bandit --quiet --configfile pyproject.toml --recursive layers functions
	$(VENV)/python -m tests.security.audit_pins

audit-required: .venv/.ready ## the pins again; fails where no advisory source answers
	$(VENV)/python -m tests.security.audit_pins --required

bench-throttled: .venv/.ready ## how close the pace comes to what a throttled cloud allows
	$(VENV)/python -m tests.benchmarks.throttled

bench-scale: .venv/.ready ## one run in a fleet of 100,000 volumes: time, memory, exports
	$(VENV)/python -m tests.benchmarks.scale

test-fuzz: .venv/.ready ## 100,000 spoilt configs, secrets, events, states, answers and names
	$(VENV)/python -m tests.security.fuzz_run --inputs 100000 --jobs $$(nproc)

test-fuzz-deep: .venv/.ready ## 2,000,000 others: `make test-fuzz-deep FIRST=2000000` goes on
	$(VENV)/python -m tests.security.fuzz_run --inputs 2000000 --first $(or $(FIRST),1000000) --jobs $$(nproc)

docs: .venv/.ready ## the pages that are made of something else: docs/commands.md
	$(VENV)/python -m tests.documents

nightly: YEARS = 1000
nightly: audit-required test-fuzz-deep test-random test-years ## what takes too long for CI, or needs an advisory source

lint: .venv/.ready .tools/sam/.ready ## style, types, what nobody uses, import directions, template
	$(VENV)/ruff check
	$(VENV)/ruff format --check
	$(VENV)/mypy
	$(VENV)/vulture
	$(VENV)/lint-imports
	$(VENV)/cfn-lint template.yaml
	$(SAM) validate --lint --region eu-central-1

build: .venv/.ready .tools/sam/.ready ## what is deployed, in .aws-sam/build
	$(SAM) build
	@find .aws-sam/build -name '*.pyc' | grep -q . || echo 'NO BYTECODE: there is no python3.13 here; \
	cold starts of what was built compile all that they import'

deploy: build ## create or update the stack, in the account and region of the environment
	$(SAM) deploy

lock: .venv/.ready ## compile requirements/*.in to pins with hashes, keeping today's where they fit
	$(LOCK) requirements/lambda.in --output-file requirements/lambda.txt
	$(LOCK) requirements/lambda.in requirements/dev.in --constraints requirements/lambda.txt --output-file requirements/dev.txt
	$(LOCK) requirements/sam.in --output-file requirements/sam.txt
	$(LOCK) requirements/peers.in --constraints requirements/dev.txt --output-file requirements/peers.txt
	$(LOCK) requirements/peers-custodian.in --output-file requirements/peers-custodian.txt

upgrade: LOCK += --upgrade
upgrade: lock ## the same, to the newest versions

clean: ## remove all that these targets made
	-tests/openstack/down >/dev/null 2>&1
	rm -rf .venv .tools .aws-sam .bench .coverage .coverage.* .hypothesis .mypy_cache .ruff_cache .import_linter_cache
	find functions layers tests -name __pycache__ -prune -exec rm -rf {} +

# Every editable install is warned of; this one is meant.
.venv/.ready: requirements/dev.txt layers/volume_images/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'make: $(PYTHON) must be Python 3.11 or newer; name one: make setup PYTHON=python3.11' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { echo 'make: $(PYTHON) has no ensurepip to make .venv with; on Debian: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(VENV)/python $(PIP_INSTALL) --require-hashes --no-deps --requirement requirements/dev.txt
	PYTHONWARNINGS=ignore $(VENV)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable layers/volume_images
	@touch $@

# What is borrowed once more, for this machine: native modules for Lambda cannot be loaded here.
.aws-sam/host/.ready: requirements/lambda.txt layers/dependencies/Makefile | .venv/.ready
	rm -rf .aws-sam/host
	$(MAKE) -C layers/dependencies build-DependenciesLayer ARTIFACTS_DIR="$(CURDIR)/.aws-sam/host" \
		PLATFORM="manylinux2014_$$(uname -m)" \
		PYTHON_VERSION="$$($(VENV)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')"
	@touch $@

# The SAM CLI pins an older boto3 and pydantic than ours: it lives apart.
.tools/sam/.ready: requirements/sam.txt | .venv/.ready
	$(PYTHON) -m venv .tools/sam
	.tools/sam/bin/python $(PIP_INSTALL) --require-hashes --no-deps --requirement requirements/sam.txt
	@touch $@

# What the benchmark compares itself with: it knows nothing of ours.
.tools/peers/.ready: requirements/peers.txt | .venv/.ready
	$(PYTHON) -m venv .tools/peers
	.tools/peers/bin/python $(PIP_INSTALL) --require-hashes --no-deps --requirement requirements/peers.txt
	@touch $@

# Cloud Custodian pins other versions than the rest of them do: it lives apart.
.tools/custodian/.ready: requirements/peers-custodian.txt | .venv/.ready
	$(PYTHON) -m venv .tools/custodian
	.tools/custodian/bin/python $(PIP_INSTALL) --require-hashes --no-deps --requirement requirements/peers-custodian.txt
	@touch $@
