# make builds, tests and lints; `make help` lists the rest.
FUZZTIME ?= 10s
FUZZERS ?= 2
export GOFLAGS ?= -buildvcs=false
# How releases are built, here and in the Dockerfile. What is large and waits for the network,
# or for nobody, is not inlined: 3.2 MB of the program; nor are functions padded to 32 bytes
# (docs/design.md, section 8).
FLAGS := $(shell cat build.flags)
LINK := $(shell cat link.flags)

.PHONY: all build test race cover fuzz proof costs soak bench e2e e2e-workflows e2e-programs clients lint fmt scaffold release notes publish-check owner clean help

all: build test lint ## builds, tests and lints

help: ## this list
	@sed -nE 's/^([a-z][a-z0-9-]*):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

build: ## the static binary, as releases ship it
	CGO_ENABLED=0 go build $(FLAGS) -ldflags='$(LINK)' -o bin/sluice .

test: ## the tests; needs nothing but Go
	go test ./...

# A process under the race detector sleeps for a second before it ends, unless it is told
# otherwise: the stories and the proof start thousands.
race: export GORACE ?= atexit_sleep_ms=10
race: ## the tests under the race detector
	go test -race -timeout=30m ./...

cover: ## the coverage, over all packages
	go test -coverprofile=coverage.txt -coverpkg=./... ./...
	go tool cover -func=coverage.txt | tail -n 1

fuzz: ## every fuzz target for FUZZTIME each, FUZZERS packages at a time
	@grep -roE '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' . | sed -E 's#/[^/]*:func # #' | sort -u | \
	  awk '{targets[$$1] = targets[$$1] " " $$2} END {for (package in targets) print package targets[package]}' | \
	  xargs -P $(FUZZERS) -L 1 bash .ci/fuzz.sh $(FUZZTIME)

WAITS := TestFaults|TestStopped|TestClocks# mostly wait, so that many go side by side
proof: ## every place at which a process can be killed, stopped or answered badly, as tables, and what 1,000 targets cost GitHub: three hours on two processors
	cd internal/proof && SLUICE_FIGURES=write SLUICE_PROOF=all go test -count=1 -timeout=3h -parallel=6 -skip='$(WAITS)' .
	cd internal/proof && SLUICE_FIGURES=write SLUICE_PROOF=all go test -count=1 -timeout=3h -parallel=24 -run='$(WAITS)' .
	cd internal/app && SLUICE_FIGURES=write SLUICE_PROOF=all go test -count=1 -timeout=3h -run='^Test(Hostile|Malformed)' .
	SLUICE_SCHEMA=all go test -count=1 -timeout=30m -run=TestSchema ./pipeline
	SLUICE_SCALE=1 go test -count=1 -timeout=30m -v -run=TestScale ./internal/app

costs: ## writes the table of docs/state.md: what stores are asked for, by the number of targets; minutes
	SLUICE_COSTS=write go test -count=1 -timeout=30m -run='^TestCosts$$' ./internal/app

SOAK ?= 10m
soak: ## many processes at once that die at random, for SOAK, by SLUICE_SEED
	cd internal/proof && SOAK=$(SOAK) SLUICE_SEED=$${SLUICE_SEED:-$$(date +%s)} go test -race -count=1 -timeout=24h -parallel=4 -v -run=TestSoak .

bench: ## what the design promises about cost, as ratios, with the machine named: ten minutes
	cd internal/proof && go test -run='^$$' -bench=. -benchtime=1x -count=1 -timeout=1h .

e2e: ## the tests that need an engine, act and the aws CLI; .ci/run brings them
	$(MAKE) -j2 -O e2e-workflows e2e-programs

# Four at a time, on however many processors: these mostly wait for containers.
e2e-workflows:
	go test -count=1 -timeout=30m -parallel=4 -v ./e2e

# What of the examples starts a thousand programs, and is passed over without SLUICE_E2E.
e2e-programs:
	go test -count=1 -timeout=30m -v -run='^(TestFlawedFile|TestKubectlConforms)$$' ./examples

clients: ## the vendors' own clients against the sandbox, a call a line: works, refused or differs
	set -e; exports=$$(bash e2e/clients/install.sh); eval "$$exports"; go test -count=1 -timeout=30m -v -run='^TestClients$$' ./e2e

lint: ## golangci-lint, actionlint, shellcheck, go mod tidy
	golangci-lint run --allow-parallel-runners ./...
	actionlint
	@# The examples call each other by the place that they are copied to.
	set -e; copy=$$(mktemp -d); trap 'rm -rf "$$copy"' EXIT; mkdir -p "$$copy/.github" "$$copy/.git"; \
	  cp -r examples/workflows "$$copy/.github"; cd "$$copy"; actionlint
	shellcheck -x .ci/run .ci/fuzz.sh .github/release.sh setup/install.sh e2e/install-heroku.sh e2e/schema.sh e2e/clients/*.sh
	go mod tidy -diff

fmt: ## formats the Go files
	golangci-lint fmt ./...

PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
CYCLONEDX := github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.10.0
release: ## the binaries of VERSION, what they are made of (SBOM), and checksums, in dist/
	@test -n "$(VERSION)" || { echo "make release VERSION=v1.2.3" >&2; exit 2; }
	rm -rf dist && mkdir dist
	@for platform in $(PLATFORMS); do \
	  os=$${platform%/*} arch=$${platform#*/}; suffix=; [ $$os != windows ] || suffix=.exe; \
	  echo "$$platform"; \
	  CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build $(FLAGS) \
	    -ldflags="$(LINK) -X sluice/internal/app.Version=$(VERSION)" -o dist/sluice-$$os-$$arch$$suffix . || exit 1; \
	done
	go run $(CYCLONEDX) bin -json -noserial -version $(VERSION) -output dist/sluice.cdx.json dist/sluice-linux-amd64
	go run ./internal/man dist/man "$(VERSION)"
	tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C dist -cf - man | gzip -n > dist/sluice-man.tar.gz
	rm -r dist/man
	cd dist && sha256sum sluice* > checksums.txt

man: ## the manual pages, in bin/man: man -M bin/man sluice
	go run ./internal/man bin/man/man1 development

scaffold: ## begins a platform: make scaffold PLATFORM=flyio
	@test -n "$(PLATFORM)" || { echo "make scaffold PLATFORM=flyio" >&2; exit 2; }
	@go run ./internal/scaffold "$(PLATFORM)"

notes: ## the notes of VERSION, from what is in .changes/unreleased: commit what it writes
	@go run ./internal/release notes "$(VERSION)"

publish-check: ## what is still to be done before a release can be published
	@go run ./internal/release check

owner: ## writes OWNER and CONTACT into what documents and examples leave open
	@test -n "$(OWNER)" || { echo "make owner OWNER=your-account CONTACT=you@your-domain" >&2; exit 2; }
	git ls-files -z -- '*.md' '*.yml' '*.yaml' | xargs -0 sed -i -e 's|OWNER/sluice|$(OWNER)/sluice|g' $(if $(CONTACT),-e 's|CONTACT@example.com|$(CONTACT)|g')

clean: ## removes what was built
	rm -rf bin dist coverage.txt
