# haul. `make` tells what there is.

GO   ?= go
# The race detector needs cgo; where there is no C compiler, tests run without it.
RACE := $(if $(filter 1,$(shell $(GO) env CGO_ENABLED)),-race)

# $(call tests,NAME,FOLDER,ARGUMENTS) runs go test in a folder and keeps what happened in bin/tests, for `skipped` to sum up. lint has vetted.
tests = cd $(2) && $(CURDIR)/bin/gotestsum --format pkgname --hide-summary skipped --jsonfile $(CURDIR)/bin/tests/$(1).jsonl -- -vet=off $(3)

.PHONY: help build dist site demo store bench test packages peers lint unit crash dist-test site-test unit-crash servers skipped runner test-big rename clean

help:
	@echo 'make build      bin/haul, one static binary'
	@echo 'make dist       dist/: archives, deb, rpm, an OCI image and more from the last commit; RELEASE_URL=https://… adds recipes, see packaging/recipes'
	@echo 'make site       site/: the documentation as a website, which needs no server and no network; open site/index.html'
	@echo 'make store      an S3 server on this machine to try haul with, as doc/tutorial.md does; Ctrl-C stops it'
	@echo 'make demo       a real S3 server, a 1 GiB file, two kills, a slow link, three resumes, one proof; about a minute'
	@echo 'make test       all that CI runs: lint, unit, crash, dist-test, site-test, servers; it ends with a list of what was skipped'
	@echo 'make packages   the Debian packages that some tests compare with (needs root; without them those tests are skipped)'
	@echo 'make lint       gofmt, go vet (also for macOS and Windows), staticcheck'
	@echo 'make unit       the tests of the main module'
	@echo 'make crash      kill -9 at random moments, 50 uploads and 50 downloads; CRASH_ROUNDS=n for more, CRASH_SEED=n to repeat'
	@echo 'make dist-test  builds what a release has twice, compares it, and has dpkg, rpm, man and shells read it'
	@echo 'make site-test  builds the website twice, compares it, and checks its links, its HTML, the commands that it shows, and its search'
	@echo 'make servers    conformance, end-to-end and memory tests on versitygw and MinIO (built on the first run, which takes minutes),'
	@echo '                and an array on a real Slurm, where slurm-wlm and munge are installed and root runs it'
	@echo 'make test-big   5 GiB up and down on both servers, HTTP and HTTPS, which needs 22 GiB of disk; memory for 50 GiB'
	@echo 'make bench      haul beside its peers and bare floors, on a quiet machine; BENCH= takes its flags, see lab/bench/README.md'
	@echo 'make rename MODULE=example.org/you/haul   give the module, its imports and documents another path'
	@echo 'make clean      remove what was built here'

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o bin/haul ./cmd/haul

# The same commit and version of Go make the same bytes everywhere.
dist:
	$(GO) -C packaging run . $(if $(RELEASE_URL),-url '$(RELEASE_URL)') $(if $(PACKAGER),-packager '$(PACKAGER)')

# The same documents make the same bytes everywhere.
site:
	$(GO) -C packaging run ./site

STORE_ADDR ?= 127.0.0.1:9000

store:
	@echo 'Starts an S3 server on http://$(STORE_ADDR), with its data in bin/store; building it takes a minute the first time. In another terminal:'
	@echo 'export AWS_ENDPOINT_URL=http://$(STORE_ADDR) AWS_ACCESS_KEY_ID=haul AWS_SECRET_ACCESS_KEY=haul-secret'
	@ROOT_ACCESS_KEY=haul ROOT_SECRET_KEY=haul-secret $(GO) -C lab run ./cmd/gateway -dir $(CURDIR)/bin/store -addr $(STORE_ADDR) -keep-alive

demo: build
	$(GO) -C lab run ./demo -haul $(CURDIR)/bin/haul

bench: build
	$(GO) -C lab run ./bench $(BENCH)

# The servers' tests leave a core half idle, and the kills mostly wait for slow links, so that they go on beside each other.
test: lint runner peers
	$(MAKE) -j2 unit-crash servers
	$(MAKE) skipped

unit-crash:
	$(MAKE) unit
	$(MAKE) crash
	$(MAKE) dist-test
	$(MAKE) site-test

# The last words of a run: how many tests there were, and which were skipped, and why.
skipped:
	bin/gotestsum --format none --raw-command -- cat bin/tests/*.jsonl

runner:
	@mkdir -p bin/tests
	$(GO) -C lab build -o ../bin/gotestsum gotest.tools/gotestsum

# Programs of the field, schedulers, peers, a browser, and what reads packages, man pages and completions. CI installs them; on any other machine it is for you to say.
PACKAGES := awscli s3cmd rclone samtools bcftools tabix htslib-test samtools-test bwa dwgsim slurm-wlm munge snakemake chromium tmux \
	radosgw ceph-mon ceph-mgr ceph-osd ceph-common \
	groff mandoc rpm lintian bash-completion zsh fish ruby shellcheck

packages:
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(PACKAGES)

lint:
	@out=$$(gofmt -l .); test -z "$$out" || { echo "gofmt would change:"; echo "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) -C lab vet ./...
	$(GO) -C packaging vet ./...
	GOOS=darwin $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	$(GO) -C lab build -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
	bin/staticcheck ./...
	cd lab && ../bin/staticcheck ./...
	cd packaging && ../bin/staticcheck ./...

unit: runner
	$(call tests,unit,.,$(RACE) -timeout 80m ./...)
	$(call tests,allocations,.,-timeout 5m -run Allocations . ./store/s3) # which the race detector would count too
	$(call tests,pace,.,-timeout 5m ./internal/pace) # the whole grid of simulated links, which is too much for the race detector

crash: runner
	$(call tests,crash,lab,$(RACE) -count 1 -parallel 6 -timeout 60m ./crash)

dist-test: runner
	$(call tests,dist,packaging,-count 1 -timeout 60m .)

site-test: runner
	$(call tests,site,packaging,-count 1 -timeout 10m ./site ./helptext)

# Clients that some tests compare with. (rclone, s3cmd and aws are Debian packages.)
peers:
	$(GO) -C lab/peers build -o ../.bin/peers/ github.com/minio/mc github.com/peak/s5cmd/v2

servers: export PATH := $(CURDIR)/lab/.bin/peers:$(PATH)
servers: runner peers
	$(call tests,servers,lab,$(RACE) -count 1 -timeout 80m ./servers ./memory ./demo ./jobs ./proxy ./scale ./slurm ./terminal ./wire ./workflow) # the longest first

test-big:
	HAUL_BIG=1 $(GO) -C lab test -count 1 -timeout 60m -run 'TestBig|TestBetweenStores' -v ./servers
	HAUL_BIG=1 $(GO) -C lab test -count 1 -timeout 60m -v ./memory
	HAUL_BIG=1 $(GO) -C lab test -count 1 -timeout 20m -v ./slurm

# There is no public home yet. The path of the module is a string that stands for nothing else, so that it can be replaced anywhere.
rename:
	@test -n '$(MODULE)' || { echo 'make rename MODULE=example.org/you/haul'; exit 2; }
	old=$$($(GO) list -m); git grep -lzF "$$old" -- . ':!.git' | xargs -0 perl -pi -e "s|\\Q$$old\\E|$(MODULE)|g"
	gofmt -w $$(git ls-files '*.go') # imports are in order of their paths

clean:
	rm -rf bin dist site
