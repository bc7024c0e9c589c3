# The one door to building, testing and releasing logagent. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

SWIFT ?= swift
PREFIX ?= /usr/local
DESTDIR ?=
SYSCONFDIR ?= /etc
# Debug builds of demo, build and test share one folder; a clean one is for ci.
SCRATCH ?= .build
SWIFT_FLAGS := --scratch-path $(SCRATCH)
RELEASE_FLAGS := -c release $(SWIFT_FLAGS) --static-swift-stdlib
# More arguments for `swift test`, such as --filter StoreTests.
TEST_FLAGS ?=
# Above this, something pulled in a library that does not belong here.
RELEASE_BYTES_MAX := 28000000
SOURCES := Package.swift Sources Tests

BUILD_PACKAGES := libzstd-dev zlib1g-dev libsqlite3-dev libcurl4-openssl-dev libyaml-dev \
  libpcre2-dev pkg-config
TEST_PACKAGES := docker.io busybox-static zstd gzip xfsprogs e2fsprogs systemd iproute2 procps \
  curl time

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:[^#]*## /\t/' | \
	  awk -F '\t' '{ printf "  %-14s %s\n", $$1, $$2 }'

.PHONY: setup setup-test
setup: ## install what building needs (Debian or Ubuntu), if it is missing
	@scripts/install-packages.sh $(BUILD_PACKAGES)

setup-test: setup ## the same for what the tests need
	@scripts/install-packages.sh $(TEST_PACKAGES)

.PHONY: build
build: ## debug build
	$(SWIFT) build $(SWIFT_FLAGS)

.PHONY: demo
demo: setup ## see it work: capture, query, forward, in a throw-away folder
	$(SWIFT) build $(SWIFT_FLAGS) --product logagent
	@scripts/demo.sh "$$($(SWIFT) build $(SWIFT_FLAGS) --show-bin-path)/logagent"

.PHONY: test
test: setup setup-test ## every test, against the debug build
	$(SWIFT) test $(SWIFT_FLAGS) --disable-xctest --quiet $(TEST_FLAGS)

# A build of its own for each: both slow everything down, and neither mixes with other objects.
SANITIZED := StoreTests|ForwardTests|PlatformTests|RetainTests
.PHONY: tsan asan
tsan: setup setup-test ## the tests of store, forwarder and platform under the thread sanitizer
	SWIFT_BACKTRACE=enable=no $(SWIFT) test --sanitize=thread --scratch-path .build-tsan \
	  --disable-xctest --quiet --filter '$(SANITIZED)' $(TEST_FLAGS)

asan: setup setup-test ## the same under the address sanitizer
	SWIFT_BACKTRACE=enable=no $(SWIFT) test --sanitize=address --scratch-path .build-asan \
	  --disable-xctest --quiet --filter '$(SANITIZED)' $(TEST_FLAGS)

.PHONY: differential
differential: export LOGAGENT_DIFFERENTIAL_QUERIES ?= 10000
differential: setup ## ten thousand random queries: the executor against a naive evaluator
	$(SWIFT) test $(SWIFT_FLAGS) --disable-xctest --quiet --filter 'DifferentialTests|FilterStore'

.PHONY: e2e
e2e: setup-test release ## the release binary with real processes, kills and a Docker Engine
	LOGAGENT_BINARY="$(CURDIR)/dist/logagent" LOGAGENT_E2E_FULL=1 \
	  $(SWIFT) test $(SWIFT_FLAGS) --disable-xctest --quiet --filter EndToEndTests

.PHONY: bench bench-short
bench: setup ## measure; prints one JSON object
	@$(SWIFT) build $(RELEASE_FLAGS) --product logagent-bench --quiet >&2
	@"$$($(SWIFT) build $(RELEASE_FLAGS) --show-bin-path)/logagent-bench"

bench-short: export LOGAGENT_BENCH_SHORT := 1
bench-short: bench ## the same on a small input, as a check that it runs

.PHONY: fuzz fuzz-smoke
# Which fuzzer, and for how many seconds.
T ?=
N ?= 60
fuzz: setup ## run one fuzzer for a time: make fuzz T=docker-records N=60
	@scripts/fuzz.sh "$(N)" $(T)

fuzz-smoke: setup ## every fuzzer: the two languages and their matchers a minute, others 3 s
	@scripts/fuzz.sh smoke

.PHONY: lint format
lint: ## what the formatter would change, as errors
	$(SWIFT) format lint --strict --parallel --recursive $(SOURCES)

format: ## format in place
	$(SWIFT) format --in-place --parallel --recursive $(SOURCES)

.PHONY: docs
docs: ## write docs/man and the table of docs/configuration.md from the program's definitions
	UPDATE_GOLDEN=1 $(SWIFT) test $(SWIFT_FLAGS) --disable-xctest --quiet \
	  --filter LogagentTests.DocumentationTests

.PHONY: release
release: setup ## dist/logagent: static Swift, stripped, within the size budget
	$(SWIFT) build $(RELEASE_FLAGS) --product logagent
	@scripts/package-release.sh "$$($(SWIFT) build $(RELEASE_FLAGS) --show-bin-path)/logagent" \
	  dist/logagent $(RELEASE_BYTES_MAX)

.PHONY: unit-check
unit-check: ## the systemd unit is right, and its exposure at most 2.0
	@command -v systemd-analyze >/dev/null || scripts/install-packages.sh systemd
	@scripts/check-unit.sh systemd/logagent.service 20

.PHONY: install uninstall
install: ## install dist/logagent, its configuration and its unit below PREFIX
	@test -x dist/logagent || { echo "run 'make release' first" >&2; exit 1; }
	install -Dm0755 dist/logagent "$(DESTDIR)$(PREFIX)/bin/logagent"
	install -d -m0750 "$(DESTDIR)$(SYSCONFDIR)/logagent"
	test -e "$(DESTDIR)$(SYSCONFDIR)/logagent/logagent.yml" || \
	  install -m0640 conf/logagent.yml "$(DESTDIR)$(SYSCONFDIR)/logagent/logagent.yml"
	install -Dm0644 docs/man/logagent.1 "$(DESTDIR)$(PREFIX)/share/man/man1/logagent.1"
	install -Dm0644 docs/man/logagent.yml.5 "$(DESTDIR)$(PREFIX)/share/man/man5/logagent.yml.5"
	install -d "$(DESTDIR)/etc/systemd/system"
	sed 's#/usr/local/bin/logagent#$(PREFIX)/bin/logagent#; s#/etc/logagent#$(SYSCONFDIR)/logagent#' \
	  systemd/logagent.service > "$(DESTDIR)/etc/systemd/system/logagent.service"
	install -Dm0644 systemd/logagent.sysusers "$(DESTDIR)/usr/lib/sysusers.d/logagent.conf"
	install -Dm0644 systemd/logagent.tmpfiles "$(DESTDIR)/usr/lib/tmpfiles.d/logagent.conf"

uninstall: ## remove what install put there; configuration and data stay
	rm -f "$(DESTDIR)$(PREFIX)/bin/logagent" "$(DESTDIR)/etc/systemd/system/logagent.service" \
	  "$(DESTDIR)/usr/lib/sysusers.d/logagent.conf" "$(DESTDIR)/usr/lib/tmpfiles.d/logagent.conf" \
	  "$(DESTDIR)$(PREFIX)/share/man/man1/logagent.1" \
	  "$(DESTDIR)$(PREFIX)/share/man/man5/logagent.yml.5"

# Every step in its own make, so that the output says which one failed, and a clean folder, because
# the import check sees only what is compiled anew.
.PHONY: ci
ci: export SCRATCH := .build-ci
ci: ## everything that must hold before a change is taken
	rm -rf .build-ci
	$(MAKE) setup setup-test
	$(MAKE) lint
	$(SWIFT) build --scratch-path .build-ci --build-tests \
	  --explicit-target-dependency-import-check error
	$(MAKE) test TEST_FLAGS="--skip EndToEndTests --explicit-target-dependency-import-check error"
	$(MAKE) differential
	$(MAKE) unit-check
	$(MAKE) e2e
	$(MAKE) fuzz-smoke
	$(MAKE) bench-short
	@echo "ci: all steps passed"

.PHONY: clean
clean: ## remove everything that was built
	rm -rf .build .build-ci .build-fuzz .build-tsan .build-asan dist
