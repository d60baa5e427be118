# Every command of the project. The work is done by the scripts in deploy/local/ and by sagactl; nothing is decided here.

.DEFAULT_GOAL := help
PLATFORM := deploy/local/platform.sh
VERIFY := deploy/local/verify.sh
CHAOS := deploy/local/chaos.sh
SAGACTL := $(PLATFORM) exec sagactl
SHELL := /bin/bash

# How many orders the load test places; FROM= a file of real purchases, RATE= orders a second (default: as fast as it goes).
N ?= 200
FROM ?=
RATE ?=
SERVICE ?=
# How long chaos-night goes on; SEED= and ONLY= are read by the fault suite's script.
HOURS ?= 8
export SEED ONLY

.PHONY: help up down clean status logs health products analytics reconcile ui rabbitmq test-order test-failure load-test check test test-deep model model-night chaos chaos-night chaos-controls

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: ## Build and start everything; again: start what died or changed
	@$(PLATFORM) up

down: ## Stop everything; data is kept
	@$(PLATFORM) down

clean: ## Stop everything and remove its data
	@$(PLATFORM) clean

status: ## What runs, and where
	@$(PLATFORM) status

logs: ## Follow the logs (SERVICE=order for one)
	@$(PLATFORM) logs $(SERVICE)

health: ## Ask every service how it is
	@$(SAGACTL) health

products: ## The catalogue with its stock
	@$(SAGACTL) products

analytics: ## Orders, revenue, funnel and durations, counted from the events
	@$(SAGACTL) analytics

reconcile: ## Events that were sent and not handled, if there are any
	@$(SAGACTL) reconcile

ui: ## Where to look; opens the gateway's page where there is a desktop
	@$(PLATFORM) ui

rabbitmq: ## The broker's address and the state of its queues
	@$(PLATFORM) rabbitmq

test-order: ## Place one order and watch its saga
	@$(SAGACTL) test-order

test-failure: ## Watch sagas fail and be compensated
	@$(SAGACTL) test-failure

load-test: ## Place N=200 orders (FROM=file, RATE=orders a second) and balance the books
	@$(SAGACTL) load --count $(N) $(if $(FROM),--from "$(FROM)") $(if $(RATE),--rate $(RATE))

check: ## Format, lints, unit tests: no server needed
	@$(VERIFY) check

test: ## Everything above and all tests on real servers
	@$(VERIFY) test

test-deep: ## make test with more cases and the long tests
	@$(VERIFY) deep

model: ## Visit every state of the saga's scenarios; catch every planted fault (a minute or two)
	@cargo run --quiet --locked --release -p saga-model

model-night: ## The scenarios that take longer
	@cargo run --quiet --locked --release -p saga-model night

chaos: ## Break everything, on servers of its own; judge it by all oracles (an hour; SEED=, ONLY=)
	@$(CHAOS) full

chaos-night: ## The same round after round, each with another seed, for HOURS=8
	@$(CHAOS) night $(HOURS)

chaos-controls: ## The fault suite put to the test: every planted bug must be caught
	@$(CHAOS) controls
