# Vestibule. Bare `make` lists what there is.
SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS   += --no-print-directory

BUILD  := build
BIN    := $(BUILD)/bin
MODELS := models/cache
DATA   ?= data
export VESTIBULE_MODELS := $(abspath $(MODELS))

# Debian 12 packages, by what needs them. `make deps` installs exactly those that are missing.
PKG_BUILD   := g++ pkg-config libopencv-dev libzxing-dev libgl1-mesa-dev libx11-dev libxcursor-dev libxrandr-dev libxinerama-dev libxi-dev libxxf86vm-dev
PKG_RUN     := fonts-ocr-b fonts-noto-core fonts-noto-cjk
PKG_TEST    := xvfb xauth x11-utils xdotool imagemagick postgresql mosquitto iproute2 swtpm
PACKAGES    := $(PKG_BUILD) $(PKG_RUN) $(PKG_TEST)
PKG_TRAIN   := python3-torch python3-opencv python3-pil fonts-ocr-b fonts-dejavu-core fonts-liberation fonts-freefont-ttf fonts-noto-mono fonts-hack

# Packages without cgo: their tests also run under the race detector, which costs seconds there and minutes elsewhere.
RACE := ./journey/... ./sync/... ./agent/check/... ./agent/visitor/... ./server/decide/... ./server/duplicate/... ./server/aml/...

.PHONY: help demo run test check bench bench-centre schedules chaos waiting load evaluate peers contract train-mrz models vectors deps build clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: deps models build ## one visit after another, from the first touch to the decision (KEEP=1 leaves the servers up)
	@$(BIN)/demo $(if $(KEEP),-keep) -bin $(BIN) -out $(BUILD)/demo

run: deps models build ## start the real kiosk (BUNDLE=dir from `server kiosk add`, CAMERA=/dev/video0)
	@$(BIN)/kiosk-ui run -data $(or $(STORE),$(BUILD)/kiosk) -bundle $(or $(BUNDLE),$(BUILD)/bundle) \
	  -camera-document $(or $(CAMERA),/dev/video0) -camera-face $(or $(FACE_CAMERA),$(CAMERA),/dev/video0)

# The whole-path test needs both cores to itself, so it runs after the others.
WHOLE := ./kiosk-ui/demo
TESTS  = go test -json -timeout 20m $$(go list ./... | grep -vx vestibule/kiosk-ui/demo); one=$$?; go test -json -timeout 20m $(WHOLE); two=$$?; exit $$((one | two))
TALLY  = go tool gotestsum --format pkgname-and-test-fails --hide-summary=output,skipped --raw-command -- bash -c '$(TESTS)'

test: deps models vectors build ## install what is missing, then all tests
	@go vet ./...
	@$(TALLY)

check: deps models vectors build ## what to run before a commit: format, vet, linters, tests with goldens, race tests
	@out=$$(go tool gofumpt -l $$(git ls-files '*.go')); [ -z "$$out" ] || { echo "gofumpt wants to change:"; echo "$$out"; exit 1; }
	@go vet ./...
	@go tool staticcheck ./...
	@$(TALLY)
	@go test -race -timeout 20m $(RACE)

bench: deps models build ## speed and size, written to build/bench.json
	@$(BIN)/demo -bin $(BIN) -out $(BUILD)/demo -bench $(BUILD)/bench.json

N      ?= 2000
PEOPLE ?= 2000
FACES  ?= 100000
ROUNDS ?= 20
SWAPS  ?= 2000
EVENTS ?= 64000
bench-centre: vectors ## what the centre answers, takes in and decides a second (N=1000000 PEOPLE=100000 FACES=1000000 ROUNDS=1000 ON="sqlite postgres"), written to build/bench-centre.json and .svg
	@mkdir -p $(BUILD)
	@export VESTIBULE_BENCH_OUT=$(abspath $(BUILD))/bench-centre.json VESTIBULE_BENCH_ON="$(ON)" VESTIBULE_BENCH_N=$(N) VESTIBULE_BENCH_PEOPLE=$(PEOPLE) \
	  VESTIBULE_BENCH_FACES=$(FACES) VESTIBULE_BENCH_ROUNDS=$(ROUNDS) VESTIBULE_BENCH_SWAPS=$(SWAPS) VESTIBULE_BENCH_EVENTS=$(EVENTS); \
	one() { go test -run '^$$' -bench "^$$2\$$" -benchtime $$3 -timeout 300m $$1 2>&1 | tee $(BUILD)/bench-centre.log | { grep --line-buffered '^bench-centre:' || true; } || { cat $(BUILD)/bench-centre.log; exit 1; }; }; \
	one ./server BenchmarkSubmissions 1x; one ./server/ingest BenchmarkIngest 1x; one ./server/centre BenchmarkDecide 1x; \
	one ./server/centre BenchmarkOnePerson 1x; one ./server/aml BenchmarkSwap 1x; one ./server/duplicate BenchmarkSearch 50x
	@VESTIBULE_BENCH_FACES=2000 go test -run '^$$' -bench '^BenchmarkSearch$$' -benchtime 50x -timeout 60m ./server/duplicate/pgvector
	@go run ./server/measure/show -figures $(BUILD)/bench-centre.json -svg $(BUILD)/bench-centre.svg

SCHEDULES ?= 100000
schedules: ## random schedules of loss, crashes and power cuts over the link, in virtual time (SCHEDULES=100000)
	@go test ./sync/link -run '^TestWhateverHappens' -count=1 -rapid.checks=$(SCHEDULES) -timeout 120m -v

BROKER ?= embedded
chaos: deps build ## kill, cut, starve and mis-set real kiosks, broker and centre, and compare (N=20 BROKER=embedded|mosquitto SEED=1 POWER=1)
	@go build -o $(BIN)/ ./kiosk-ui/chaos
	@$(BIN)/chaos -bin $(BIN) -out $(BUILD)/chaos $(if $(POWER),-power) -broker $(BROKER) -seed $(SEED) -n $(if $(filter command,$(firstword $(origin N))),$(N),20)

MB ?= 5
waiting: deps build ## let N submissions of MB megabytes wait at a kiosk without a line, then go, and measure (N=1000 MB=5)
	@go build -o $(BIN)/ ./kiosk-ui/chaos
	@$(BIN)/chaos -bin $(BIN) -out $(BUILD)/chaos -waiting $(if $(filter command,$(firstword $(origin N))),$(N),1000) -mb $(MB)

KIOSKS ?= 2000
RATE   ?= 5000
load: build ## how much one centre carries (KIOSKS=2000 RATE=5000), written to build/load.json and .svg
	@go build -o $(BIN)/ ./kiosk-ui/load
	@$(BIN)/load -bin $(BIN) -out $(BUILD)/load -kiosks $(KIOSKS) -rate $(RATE)

# Screening first: the page that the other command writes shows the figures of both.
evaluate: deps models ## accuracy on a labelled set (DATA=dir), written to build/evaluate.json and .html
	@mkdir -p $(BUILD)
	@go run ./server/aml/evaluate -data $(DATA) -out $(BUILD)/evaluate.json
	@go run ./server/duplicate/evaluate -data $(DATA) -out $(BUILD)/evaluate.json
	@go run ./models/evaluate -data $(DATA) -out $(BUILD)/evaluate.json

# What others have made of the same task, for comparison only: nothing of it enters the product.
peers: ## fetch what others made of the same task (npm), for a comparison in make evaluate
	@mkdir -p $(BUILD)/peers
	@npm install --silent --no-audit --no-fund --prefix $(BUILD)/peers mrz@5.0.2

contract: deps models build ## which parts of the contract a test reaches through the real path
	@mkdir -p $(BUILD)/contract
	@VESTIBULE_CONTRACT=$(abspath $(BUILD)/contract) go test -count=1 -timeout 20m ./kiosk-ui/demo/...
	@go run ./journey/contract/table $(BUILD)/contract

STEPS ?= 4600
SEED  ?= 1
train-mrz: ## train the zone's line reader anew (STEPS=4600 SEED=1), written to build/train
	@$(MAKE) deps PACKAGES="$(PKG_TRAIN)"
	@mkdir -p $(BUILD)/train
	@cd models/document/train && /usr/bin/python3 train.py $(STEPS) $(abspath $(BUILD))/train/mrz.pt --seed $(SEED)
	@cd models/document/train && /usr/bin/python3 export.py $(abspath $(BUILD))/train/mrz.pt $(abspath $(BUILD))/train/mrz.onnx
	@echo "to use it: models/document/train/README.md"

models: ## fetch the trained networks at pinned versions, verify each SHA-256
	@CGO_ENABLED=0 go run ./models/fetch -dir $(MODELS)

# Debian 12 packages no pgvector for its PostgreSQL. PGlite is PostgreSQL and pgvector, compiled for node.
vectors: $(BUILD)/vectors/node_modules/.bin/pglite-server ## fetch a PostgreSQL with pgvector for the tests (npm)
$(BUILD)/vectors/node_modules/.bin/pglite-server:
	@command -v npm >/dev/null || $(MAKE) deps PACKAGES="nodejs npm"
	@mkdir -p $(BUILD)/vectors
	@npm install --silent --no-audit --no-fund --prefix $(BUILD)/vectors @electric-sql/pglite@0.5.14 @electric-sql/pglite-pgvector@0.0.15 @electric-sql/pglite-socket@0.2.17

deps: ## install the Debian packages that are missing
	@missing=$$(for p in $(PACKAGES); do dpkg-query -W -f='$${db:Status-Status}' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
	if [ -n "$$missing" ]; then \
	  echo "installing:" $$missing; \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo=sudo; \
	  $$sudo apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

# A program that did not change keeps its time, so that the whole-path test, which
# reads it, stays cached.
build: ## build the programs into build/bin
	@mkdir -p $(BIN) $(BUILD)/new
	@go build -o $(BUILD)/new/ ./kiosk-ui ./kiosk-ui/demo ./server
	@for p in kiosk-ui demo server; do cmp -s $(BUILD)/new/$$p $(BIN)/$$p || cp -p $(BUILD)/new/$$p $(BIN)/$$p; done

clean: ## remove what was built (not the fetched networks)
	@rm -rf $(BUILD)
