# prinex: builds everything; `make help` lists what there is to make
# SPDX-License-Identifier: Apache-2.0
# Copyright (c) 2026 The prinex authors

VERSION  := 0.1.0
prefix   ?= /usr/local
sbindir  ?= $(prefix)/sbin
bindir   ?= $(prefix)/bin
datadir  ?= $(prefix)/share/prinex
mandir   ?= $(prefix)/share/man
unitdir  ?= $(prefix)/lib/systemd/system
completiondir ?= $(prefix)/share/bash-completion/completions
DESTDIR  ?=
CC       ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
AR       ?= ar
SANITIZE ?=
PYTHON   ?= python3

# Objects of each kind of build live in a folder of their own, so that kinds never mix.
comma := ,
ifeq ($(SANITIZE),)
O ?= build
else
O ?= build/san-$(subst $(comma),-,$(SANITIZE))
endif

PACKAGES := libxml-2.0 xmlsec1-openssl libssl libcrypto libevent libevent_openssl lmdb libcurl libconfuse \
            jansson libseccomp libxslt
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Wundef \
        -Wpointer-arith -Wwrite-strings -Wold-style-definition -Wno-unknown-warning-option
CFLAGS ?= -O2 -g
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -pthread -fPIE -fstack-protector-strong $(WARN) $(CFLAGS) \
              -Ibroker -Iadapters -include broker/base/banned.h \
              -DPX_VERSION='"$(VERSION)"' -DPX_DATADIR='"$(datadir)"' $(PKG_CFLAGS)
ALL_LDFLAGS := -pie -pthread -Wl,-z,relro,-z,now $(LDFLAGS)
ifneq ($(SANITIZE),)
ALL_CFLAGS  += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer -DPX_SANITIZE
ALL_LDFLAGS += -fsanitize=$(SANITIZE)
else
ALL_CFLAGS  += $(if $(filter -O0,$(CFLAGS)),,-D_FORTIFY_SOURCE=2)
endif
ifeq ($(DEVELOPER),1)
ALL_CFLAGS += -Werror
endif
LIBS := $(PKG_LIBS) -lm

# Layers, lowest first; a library per layer. ops/lint-layers checks the includes.
LAYERS := base conf net xml store inspect flow ctl daemon
src     = $(sort $(wildcard broker/$(1)/*.c broker/$(1)/*/*.c))
objs    = $(patsubst %.c,$(O)/%.o,$(1))
lib     = $(O)/lib/libpx-$(1).a

DAEMON_SRC    := broker/daemon/prinexd.c
CLIENT_SRC    := $(sort $(wildcard adapters/client/*.c))
PRINEX_SRC    := $(sort $(wildcard adapters/prinex/*.c))
SPOOL_SRC     := $(sort $(wildcard adapters/spool/*.c))
PRINEXCTL_SRC := $(sort $(wildcard ops/prinexctl/*.c))
# The virtual stage of prinex-conform lives on the nodes that flow's unit tests have.
HARNESS_SRC   := $(sort $(wildcard tests/harness/*.c)) tests/unit/flow/world.c tests/unit/flow/world_fakes.c
BENCH_SRC     := tests/bench/bench.c
# The simulated town lives on the nodes that flow's unit tests have; the linker puts it between flow and store.
SIMULATE_SRC  := $(patsubst %,tests/faults/%.c,simulate town calls ports people operators weather count count_links wrong) \
                 $(filter-out tests/unit/flow/test_%,$(sort $(wildcard tests/unit/flow/*.c)))
SIMULATE_WRAP := $(patsubst %,-Wl$(comma)--wrap=px_%,store_accept store_known store_settle store_settle_all store_lease store_purge store_mark dispatch_failed late_confirm)

# What a layer's tests link: itself and all below it, highest first (one group: order does not matter).
below_base    := base
below_conf    := conf base
below_net     := net conf base
below_xml     := xml conf base
below_store   := store conf base
below_inspect := inspect net xml store conf base
below_flow    := flow inspect net xml store conf base
below_ctl     := ctl flow inspect net xml store conf base
below_client  := client ctl flow inspect net xml store conf base
below_spool   := spool $(below_client)
below_daemon  := daemon ctl flow inspect net xml store conf base
libs_of        = -Wl,--start-group $(foreach l,$(below_$(1)),$(call lib,$(l))) -Wl,--end-group
deps_of        = $(foreach l,$(below_$(1)),$(call lib,$(l)))

PROGRAMS := $(O)/prinexd $(O)/prinexctl $(O)/prinex $(O)/prinex-spool $(O)/prinex-conform

.PHONY: all help message-set clean install check unit lint fuzz-smoke bench demo deps docs FORCE
.DEFAULT_GOAL := all

all: $(PROGRAMS) $(O)/examples/.done ## build everything

help: ## list the targets
	@echo "prinex $(VERSION): make TARGET [DEVELOPER=1] [SANITIZE=address,undefined] [O=folder]"
	@awk -F':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

deps: ## install the Debian packages that are missing (DEPS=yes|no: don't ask)
	@ops/deps

# --- objects and libraries --------------------------------------------------------------------------------------

$(O)/%.o: %.c $(O)/.flags
	@mkdir -p $(dir $@)
	@echo "  CC   $<"
	@$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

# Rebuild when flags or compiler change.
$(O)/.flags: FORCE
	@mkdir -p $(O)
	@printf '%s\n' '$(subst ','\'',$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS))' > $@.new
	@if cmp -s $@.new $@; then rm -f $@.new; else mv $@.new $@; fi

define layer_rule
$(call lib,$(1)): $(call objs,$(call src,$(1)))
	@mkdir -p $$(dir $$@)
	@rm -f $$@
	@$(AR) rcs $$@ $$^
lib-$(1): $(call lib,$(1))
.PHONY: lib-$(1)
endef
$(foreach l,$(LAYERS),$(eval $(call layer_rule,$(l))))

$(call lib,client): $(call objs,$(CLIENT_SRC))
	@mkdir -p $(dir $@)
	@rm -f $@
	@$(AR) rcs $@ $^
.PHONY: lib-client
lib-client: $(call lib,client)

# For its unit tests: all but main().
$(call lib,spool): $(call objs,$(filter-out adapters/spool/main.c,$(SPOOL_SRC)))
	@mkdir -p $(dir $@)
	@rm -f $@
	@$(AR) rcs $@ $^

# --- programs ------------------------------------------------------------------------------------------------------

$(O)/prinexd: $(call objs,$(DAEMON_SRC)) $(call deps_of,daemon)
	@echo "  LD   $@"
	@$(CC) $(ALL_LDFLAGS) $(call objs,$(DAEMON_SRC)) $(call libs_of,daemon) $(LIBS) -o $@

# The code on pre-arrival letters; nothing else needs it, and the daemon least of all.
QRENCODE_LIBS := $(shell pkg-config --libs libqrencode 2>/dev/null)
$(O)/prinexctl: $(call objs,$(PRINEXCTL_SRC)) $(call deps_of,ctl)
	@echo "  LD   $@"
	@$(CC) $(ALL_LDFLAGS) $(call objs,$(PRINEXCTL_SRC)) $(call libs_of,ctl) $(LIBS) $(QRENCODE_LIBS) -o $@

$(O)/prinex: $(call objs,$(PRINEX_SRC)) $(call deps_of,client)
	@echo "  LD   $@"
	@$(CC) $(ALL_LDFLAGS) $(call objs,$(PRINEX_SRC)) $(call libs_of,client) $(LIBS) -o $@

$(O)/prinex-spool: $(call objs,adapters/spool/main.c) $(call deps_of,spool)
	@echo "  LD   $@"
	@$(CC) $(ALL_LDFLAGS) $(call objs,adapters/spool/main.c) $(call libs_of,spool) $(LIBS) -o $@

.PHONY: prinexd prinexctl prinex
prinexd: $(O)/prinexd
prinexctl: $(O)/prinexctl
prinex: $(O)/prinex

$(O)/prinex-conform: $(call objs,$(HARNESS_SRC)) $(call deps_of,client)
	@echo "  LD   $@"
	@$(CC) $(ALL_LDFLAGS) $(call objs,$(HARNESS_SRC)) $(call libs_of,client) $(LIBS) -o $@

# A peer with faults, to try the certification on; never installed.
BROKEN_SRC := $(sort $(wildcard tests/harness/broken/*.c tests/harness/peer*.c))
$(O)/prinex-broken: $(call objs,$(BROKEN_SRC)) $(call deps_of,client)
	@echo "  LD   $@"
	@$(CC) $(ALL_LDFLAGS) $(call objs,$(BROKEN_SRC)) $(call libs_of,client) $(LIBS) -o $@

$(O)/examples/.done: schemas/examples/make-large
	@mkdir -p $(O)/examples
	@schemas/examples/make-large $(O)/examples
	@touch $@

# --- tests -----------------------------------------------------------------------------------------------------------

# tests/unit/LAYER/test_NAME.c links LAYER and everything below it.
UNIT_LAYERS := $(LAYERS) client spool
unit_src     = $(sort $(wildcard tests/unit/$(1)/test_*.c))
unit_help    = $(filter-out $(call unit_src,$(1)),$(sort $(wildcard tests/unit/$(1)/*.c)))
unit_bin     = $(patsubst tests/unit/%.c,$(O)/unit/%,$(call unit_src,$(1)))

define unit_rule
$(O)/unit/$(1)/%: $(O)/tests/unit/$(1)/%.o $(call objs,$(call unit_help,$(1))) $(call deps_of,$(1))
	@mkdir -p $$(dir $$@)
	@$(CC) $(ALL_LDFLAGS) $$< $(call objs,$(call unit_help,$(1))) $(call libs_of,$(1)) -lcmocka $(LIBS) -o $$@
unit-$(1): $(call unit_bin,$(1))
	@PX_BUILD=$(O) tests/run $(call unit_bin,$(1))
.PHONY: unit-$(1)
endef
$(foreach l,$(UNIT_LAYERS),$(eval $(call unit_rule,$(l))))
unit unit-ctl: $(O)/prinexctl # its tests run the program
UNIT_BINS := $(foreach l,$(UNIT_LAYERS),$(call unit_bin,$(l)))
.SECONDARY:

unit: $(UNIT_BINS) ## run the unit tests
	@PX_BUILD=$(O) tests/run $(UNIT_BINS)

# Fuzz targets: tests/fuzz/fuzz_NAME.c; the line `/* layer: NAME */` says what they link.
FUZZ_SRC   := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES := $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ_BINS  := $(patsubst %,$(O)/fuzz/%,$(FUZZ_NAMES))
fuzz_layer  = $(shell sed -n 's,^/\* layer: \([a-z]*\) \*/$$,\1,p' tests/fuzz/fuzz_$(1).c)

# Replay: the corpus through a plain main(), part of every check.
define fuzz_rule
$(O)/fuzz/$(1): $(O)/tests/fuzz/fuzz_$(1).o $(O)/tests/fuzz/replay.o $(call deps_of,$(call fuzz_layer,$(1)))
	@mkdir -p $$(dir $$@)
	@$(CC) $(ALL_LDFLAGS) $(O)/tests/fuzz/fuzz_$(1).o $(O)/tests/fuzz/replay.o \
		$(call libs_of,$(call fuzz_layer,$(1))) $(LIBS) -o $$@
endef
$(foreach f,$(FUZZ_NAMES),$(eval $(call fuzz_rule,$(f))))

fuzz-smoke: ## fuzz each target for FUZZ_SECONDS (20) with libFuzzer
	@tests/fuzz/smoke $(or $(FUZZ_SECONDS),20) $(FUZZ_NAMES)

# One libFuzzer binary; called by tests/fuzz/smoke in a build folder of clang's own.
$(O)/libfuzzer/%: $(FUZZ_SRC) FORCE
	@mkdir -p $(dir $@)
	@$(MAKE) --no-print-directory O=$(O) CC=clang CFLAGS='-O1 -g' SANITIZE=fuzzer-no-link,address,undefined \
		$(O)/tests/fuzz/fuzz_$*.o $(foreach l,$(below_$(call fuzz_layer,$*)),$(call lib,$(l)))
	@clang -pthread -fsanitize=fuzzer,address,undefined $(O)/tests/fuzz/fuzz_$*.o \
		$(call libs_of,$(call fuzz_layer,$*)) $(LIBS) -o $@

$(O)/simulate: $(call objs,$(SIMULATE_SRC)) $(call deps_of,flow)
	@$(CC) $(ALL_LDFLAGS) $(SIMULATE_WRAP) $(call objs,$(SIMULATE_SRC)) $(call libs_of,flow) -lcmocka $(LIBS) -o $@

# Loaded into prinexd by tests/faults: system calls that fail, writes that a power cut takes back.
$(O)/shim.so: tests/faults/shim.c
	@mkdir -p $(O)
	@$(CC) -std=c11 -D_GNU_SOURCE -O2 $(WARN) $(if $(filter 1,$(DEVELOPER)),-Werror) -fPIC -shared $< -o $@ -ldl

simulate: $(O)/simulate ## play SEEDS=1000 seeds of the simulation, JOBS=2 at a time (FROM=seed: the first)
	@$(O)/simulate --seeds $(or $(SEEDS),1000) --jobs $(or $(JOBS),2) --from $(or $(FROM),1)

storm: all ## kill -9 KILLS=20 times under a load of MESSAGES (500 a kill), and compare the ledgers
	@PX_BUILD=$(O) tests/faults/storm.py $(or $(KILLS),20) $(MESSAGES)

conformance: all ## certify one of two brokers (tests/conformance); the report: build/conformance.html
	@PX_BUILD=$(O) PX_SANITIZE=$(SANITIZE) tests/run tests/conformance/certify

# One at a time: they assert times.
check-long: all $(O)/simulate $(O)/prinex-broken $(O)/backlog $(O)/make-store $(O)/bench-load $(O)/shim.so ## the proofs under faults in full (hours): 10,000 seeds, 200 kills, a million deliveries
	@PX_BUILD=$(O) PX_SANITIZE=$(SANITIZE) PX_LONG=1 PX_JOBS=1 PX_TEST_SECONDS=14400 tests/run $(sort $(wildcard tests/faults/test_*)) \
		tests/conformance/test_broken.py tests/conformance/test_certify.sh tests/e2e/test_kill.py tests/e2e/test_upgrade.py
.PHONY: simulate storm conformance check-long

check: deps ## do all set-up and run the tests; ends with "N passed, N failed"
	@$(MAKE) --no-print-directory O=$(O) check-run

.PHONY: check-run check-bins
check-bins: all $(UNIT_BINS) $(FUZZ_BINS) $(O)/make-store $(O)/bench-inspect $(O)/bench-store $(O)/bench-fill $(O)/bench-pool $(O)/bench-load $(O)/bench-floor $(O)/bench-count $(O)/backlog $(O)/rules-judge $(O)/simulate $(O)/prinex-broken $(O)/shim.so
check-run: check-bins
	@PX_BUILD=$(O) PX_SANITIZE=$(SANITIZE) tests/run --all $(UNIT_BINS) -- $(FUZZ_BINS)

# --- benchmark, demo, docs, lint ----------------------------------------------------------------------------------

$(O)/rules-judge: $(call objs,tests/rules/judge.c tests/rules/cost.c) $(call deps_of,xml)
	@$(CC) $(ALL_LDFLAGS) $(call objs,tests/rules/judge.c tests/rules/cost.c) $(call libs_of,xml) $(LIBS) -o $@

$(O)/bench-inspect: $(call objs,$(BENCH_SRC)) $(call deps_of,client)
	@$(CC) $(ALL_LDFLAGS) $(call objs,$(BENCH_SRC)) $(call libs_of,client) $(LIBS) -o $@

$(O)/bench-load: $(call objs,$(patsubst %,tests/bench/%.c,load partner wire message)) $(call deps_of,flow)
	@$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(call libs_of,flow) $(LIBS) -o $@
$(O)/bench-floor: $(call objs,$(patsubst %,tests/bench/%.c,floor floor_xml floor_own floor_net floor_whole wire message)) $(call deps_of,client)
	@$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(call libs_of,client) $(LIBS) -o $@
$(O)/bench-pool: $(call objs,$(patsubst %,tests/bench/%.c,pool message)) $(call deps_of,client)
	@$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(call libs_of,client) $(LIBS) -o $@
$(O)/bench-count: $(call objs,tests/bench/count.c tests/bench/message.c $(call unit_help,flow)) $(call deps_of,client)
	@$(CC) $(ALL_LDFLAGS) $(filter %.o,$^) $(call libs_of,client) -lcmocka $(LIBS) -o $@

# Programs on the store alone: tests/bench/bench_store.c and fill.c, tests/faults/backlog.c, tests/e2e/stores/make.c.
$(O)/bench-fill: $(call objs,tests/bench/fill.c) $(call deps_of,store)
	@$(CC) $(ALL_LDFLAGS) $< $(call libs_of,store) $(LIBS) -o $@
$(O)/bench-store: $(call objs,tests/bench/bench_store.c) $(call deps_of,store)
	@$(CC) $(ALL_LDFLAGS) $< $(call libs_of,store) $(LIBS) -o $@
$(O)/backlog: $(call objs,tests/faults/backlog.c) $(call deps_of,store)
	@$(CC) $(ALL_LDFLAGS) $< $(call libs_of,store) $(LIBS) -o $@
$(O)/make-store: $(call objs,tests/e2e/stores/make.c) $(call deps_of,store)
	@$(CC) $(ALL_LDFLAGS) $< $(call libs_of,store) $(LIBS) -o $@

bench: all $(O)/bench-inspect $(O)/bench-store $(O)/bench-load $(O)/bench-floor ## measure the broker under load beside the floor of its libraries (BASE=file: against an earlier run)
	@PX_BUILD=$(O) BASE=$(BASE) tests/bench/run

SCALE_BINS := $(patsubst %,$(O)/bench-%,pool fill load) $(O)/backlog
bench-scale: all $(SCALE_BINS) ## does it scale: inspectors, 1,000,000 messages kept (MESSAGES=n), purge, 200 partners, fairness
	@PX_BUILD=$(O) tests/bench/scale $(if $(MESSAGES),--messages $(MESSAGES))
.PHONY: bench-scale

count-update: all $(O)/bench-count ## record how many instructions a message takes (tests/bench/instructions.json)
	@PX_BUILD=$(O) tests/bench/test_count.py --update
.PHONY: count-update

demo: deps ## two brokers, real declarations, the proof back (KEEP=1 leaves them running, CORPUS=folder)
	@$(MAKE) --no-print-directory O=$(O) all
	@PX_BUILD=$(O) KEEP=$(KEEP) CORPUS=$(CORPUS) ops/demo

docs: $(O)/prinexd $(O)/rules-judge ## write the reference pages that come from tables (docs/configuration.md, docs/errors.md, ...)
	@ops/make-docs $(O)

message-set: $(O)/message-set.html ## the PRINEX set as one HTML page for a partner's developer (build/message-set.html)
	@echo "$<: open it in a browser; it needs nothing else"
$(O)/message-set.html: schemas/message-set schemas/message-set.html broker/base/state_rules.def \
		$(wildcard schemas/xsd/prinex/*.xsd schemas/rules/prinex.sch schemas/catalogue/prinex.conf schemas/examples/*.xml)
	@mkdir -p $(O)
	@schemas/message-set $@

lint: ## clang-format, clang-tidy, cppcheck, layers, and what else can be told without running
	@ops/lint $(LINT_FILES)

install: all $(O)/message-set.html ## install under $(DESTDIR)$(prefix)
	install -d $(DESTDIR)$(sbindir) $(DESTDIR)$(bindir) $(DESTDIR)$(datadir)
	install -m 755 $(O)/prinexd $(DESTDIR)$(sbindir)/prinexd
	install -m 755 $(O)/prinexctl $(DESTDIR)$(sbindir)/prinexctl
	install -m 755 $(O)/prinex $(DESTDIR)$(bindir)/prinex
	install -m 755 $(O)/prinex-spool $(DESTDIR)$(bindir)/prinex-spool
	install -m 755 $(O)/prinex-conform $(DESTDIR)$(bindir)/prinex-conform
	install -d $(DESTDIR)$(datadir)/conformance
	install -m 644 tests/conformance/*.scn $(DESTDIR)$(datadir)/conformance/
	install -d $(DESTDIR)$(mandir)/man1 $(DESTDIR)$(mandir)/man8 $(DESTDIR)$(completiondir)
	$(O)/prinex help --man >$(DESTDIR)$(mandir)/man1/prinex.1
	$(O)/prinexctl help --man >$(DESTDIR)$(mandir)/man8/prinexctl.8
	$(O)/prinex-spool --man >$(DESTDIR)$(mandir)/man8/prinex-spool.8
	$(O)/prinex completion >$(DESTDIR)$(completiondir)/prinex
	$(O)/prinexctl completion >$(DESTDIR)$(completiondir)/prinexctl
	cp -R schemas certs $(DESTDIR)$(datadir)/
	install -d $(DESTDIR)$(datadir)/doc
	cp -R docs/. $(DESTDIR)$(datadir)/doc/
	install -m 644 $(O)/message-set.html $(DESTDIR)$(datadir)/doc/message-set.html
	install -d $(DESTDIR)$(unitdir) $(DESTDIR)$(prefix)/lib/sysusers.d $(DESTDIR)$(prefix)/lib/tmpfiles.d $(DESTDIR)$(datadir)/prometheus
	sed 's,@sbindir@,$(sbindir),g; s,@datadir@,$(datadir),g' ops/systemd/prinexd.service.in >$(DESTDIR)$(unitdir)/prinexd.service
	sed 's,@bindir@,$(bindir),g; s,@datadir@,$(datadir),g' ops/systemd/prinex-spool.service.in >$(DESTDIR)$(unitdir)/prinex-spool.service
	install -m 644 ops/systemd/prinexd.socket $(DESTDIR)$(unitdir)/prinexd.socket
	install -m 644 ops/systemd/sysusers.conf $(DESTDIR)$(prefix)/lib/sysusers.d/prinex.conf
	install -m 644 ops/systemd/tmpfiles.conf $(DESTDIR)$(prefix)/lib/tmpfiles.d/prinex.conf
	install -m 644 ops/prometheus/prinex.rules.yml $(DESTDIR)$(datadir)/prometheus/prinex.rules.yml

clean: ## remove what was built
	rm -rf build

-include $(shell find $(O) -name '*.d' 2>/dev/null)
