# Two commands for a start: `make run` and `make test`.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.8
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv

# What `make run` does: data, GAN, and settings that fit into minutes on two cores.
DATA ?= phantom://cardiac
GAN ?= hinge
OUT ?= out
IMAGES ?= $(if $(filter phantom:%,$(DATA)),50000,100000)
FAST := --set generator_filters=32 --set discriminator_filters=32 --set batch_size=16
FAST_hinge := --set generator_learning_rate=4e-4 --set discriminator_learning_rate=8e-4 --set ema_half_life=2000
RUN_FLAGS ?= --size 64 --crop foreground --images $(IMAGES) --unet-steps $(if $(filter phantom:%,$(DATA)),400,600) $(FAST) $(FAST_$(GAN))

# One thread for each of the processes, which are as many as the cores.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help setup run up down test test-all fuzz fuzz-readers chaos bench check format proto requirements clean

help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.installed ## Installs everything into .venv and .runtime.

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: $(UV) pyproject.toml deploy/requirements/dev.txt deploy/requirements/runtime.txt
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirements deploy/requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	$(UV) pip install --quiet --python $(BIN)/python --python-version 3.11 --only-binary :all: --no-deps --require-hashes --upgrade --target .runtime --requirements deploy/requirements/runtime.txt
	@touch $@

run: setup ## Runs the main job: prepare, train, publish, draw, evaluate (DATA=folder for real files).
	$(BIN)/medsynth demo --data "$(DATA)" --gan "$(GAN)" --out "$(OUT)" $(RUN_FLAGS)

up: setup ## Starts the local stack and returns once it is ready.
	$(BIN)/medsynth up --detach

down: ## Stops the local stack.
	@if [ -x $(BIN)/medsynth ]; then $(BIN)/medsynth down; fi

test: setup ## Runs the tests (real Redis, Triton and gRPC).
	$(PYTEST) -m "not slow"

test-all: setup ## Runs the tests with the slow ones.
	$(PYTEST)

fuzz: setup ## Sends hypothesis' requests to the real services (MINUTES=10 SEED= FUZZ_FLAGS=--json).
	@OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.fuzz --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) $(FUZZ_FLAGS)

fuzz-readers: setup ## Changes image files and reads them (MINUTES=10 SEED= DATA=../shared/data REPLAY=a kept case).
	@OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.fuzz_readers --minutes $(or $(MINUTES),10) $(if $(SEED),--seed $(SEED)) $(if $(filter-out phantom:%,$(DATA)),--data "$(DATA)") $(if $(REPLAY),--replay "$(REPLAY)") $(FUZZ_FLAGS)

chaos: setup ## Breaks a stack at random and counts what was lost (MINUTES=2 SEED=a new one CHAOS_FLAGS=--json).
	@OMP_NUM_THREADS=1 $(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),2) $(if $(SEED),--seed $(SEED)) $(CHAOS_FLAGS)

bench: setup ## Measures speed and memory beside their alternatives (BENCH_FLAGS="--quick --only train").
	@$(BIN)/python -m tests.bench $(BENCH_FLAGS)

check: setup ## Lints, checks the format and the types.
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## Formats the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: setup ## Generates services/medsynth/v1 from proto/.
	$(BIN)/python -m grpc_tools.protoc --proto_path=proto --proto_path=$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))') --python_out=services --pyi_out=services --grpc_python_out=services proto/medsynth/v1/*.proto

requirements: $(UV) ## Pins the requirements again, with hashes.
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --extra dev --output-file deploy/requirements/dev.txt pyproject.toml --constraints deploy/requirements/constraints.txt
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-deps --output-file deploy/requirements/runtime.txt deploy/requirements/runtime.in

clean: down ## Removes what was installed and what the local stack stored.
	rm -rf $(VENV) .runtime .medsynth
