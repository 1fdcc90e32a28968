# make          builds everything under build/, the pages of the API included
# make run      installs what is missing, then builds and starts a demo
# make stop     stops it
# make seed     loads the sample of flags into the configured database
# make test     installs what is missing, then builds and runs all tests;
#               T="t/30-headers.t test_json" runs some
# make unit     builds and runs the unit tests of src/core
# make diff     compares a million random rules and flags with the field's own
#               engines; DIFF_OPTIONS="--pairs 20000 --seed 7"
# make fuzz     feeds each target of t/fuzz for ten minutes;
#               FUZZ_OPTIONS="--seconds 60 json image"
# make conformance DIR="CHECKOUT..."
#               runs json-logic's compat-tables and flagd's test bed
# make coverage what the tests of src/core reach, by gcovr, without sanitizers
# make bench    measures for half an hour, prints a table and keeps it as
#               build/bench.json
# make clean    removes build/
#
# BUILD=folder builds elsewhere, JOBS=n sets how many compilers run at once.

SHELL = /bin/bash

BUILD ?= build
JOBS ?= $(shell nproc)

CC = gcc
CORE_WARN = -std=c11 -D_GNU_SOURCE -Wall -W -Wpointer-arith \
	-Wno-unused-parameter -Werror
CORE_OPT = -O2 -g -fPIC -fno-strict-aliasing
UNIT_SAN = -g -O1 -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all

# Every object depends on every header of core: they are few, and a contract
# that changed should be compiled against everywhere.

CORE_SRCS := $(wildcard src/core/*.c)
CORE_DEPS := $(wildcard src/core/*.h)
CORE_OBJS := $(CORE_SRCS:src/core/%.c=$(BUILD)/core/%.o)
UNIT_OBJS := $(CORE_SRCS:src/core/%.c=$(BUILD)/unit/core/%.o)

UNIT_SRCS := $(wildcard t/unit/test_*.c)
UNIT_DEPS := $(wildcard t/unit/*.h)
UNIT_BINS := $(UNIT_SRCS:t/unit/%.c=$(BUILD)/unit/%)

FUZZ_NAMES := $(filter-out replay,$(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c)))
FUZZ_SAN = -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer,address,undefined \
	-fno-sanitize-recover=all

CTL_SRCS := $(wildcard tools/flagshipctl*.c)
CTL_OBJS := $(CTL_SRCS:tools/%.c=$(BUILD)/tools/%.o)

CORE_LIBS = -lpcre2-8 -lcrypto -lm

# A -j of the caller's wins

ifeq ($(MAKELEVEL)$(filter -j%,$(MAKEFLAGS)),0)
MAKEFLAGS += -j$(JOBS)
endif

.PHONY: all module lib ctl docs sanitize unit unit-build clean
.PHONY: bench bench-build bench-peers
.PHONY: run stop seed test setup-run setup-test setup-extra
.PHONY: diff diff-build fuzz fuzz-build replay-build coverage
.PHONY: conformance
.DELETE_ON_ERROR:
.SECONDARY:

all: module lib ctl docs


# nginx's own Makefile knows what a change concerns

module:
	@JOBS=$(JOBS) tools/build-module "$(BUILD)"


# For LD_PRELOAD of the sanitizers' runtimes into Debian's nginx

sanitize:
	@JOBS=$(JOBS) tools/build-module "$(BUILD)/asan" sanitize


# openapi.json, /docs and /redoc; without npm or python3-yaml it says so and
# leaves out what they make

docs:
	@tools/build-docs "$(BUILD)"


# A list of members that changed (a file removed) makes the library anew

lib: $(BUILD)/libflagship.a

$(BUILD)/core.list: FORCE
	@mkdir -p $(BUILD)
	@echo '$(CORE_OBJS)' | cmp -s - $@ || echo '$(CORE_OBJS)' >$@

$(BUILD)/libflagship.a: $(CORE_OBJS) $(BUILD)/core.list
	@rm -f $@
	@ar rcs $@ $(CORE_OBJS)

$(BUILD)/core/%.o: src/core/%.c $(CORE_DEPS) Makefile
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(CORE_WARN) $(CORE_OPT) -Isrc/core -c -o $@ $<


# The engine on the command line, with nothing but core in it

ctl: $(BUILD)/flagshipctl

$(BUILD)/flagshipctl: $(CTL_OBJS) $(BUILD)/libflagship.a
	@$(CC) $(CORE_OPT) -o $@ $(CTL_OBJS) $(BUILD)/libflagship.a -lcrypto -lm

$(BUILD)/tools/%.o: tools/%.c tools/flagshipctl.h $(CORE_DEPS) Makefile
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(CORE_WARN) $(CORE_OPT) -Isrc/core -Itools -c -o $@ $<


unit: unit-build
	@tools/run-unit $(UNIT_BINS)

unit-build: $(UNIT_BINS)

$(BUILD)/unit/core/%.o: src/core/%.c $(CORE_DEPS) Makefile
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(CORE_WARN) $(UNIT_SAN) -Isrc/core -c -o $@ $<

$(BUILD)/unit/%: t/unit/%.c $(UNIT_OBJS) $(UNIT_DEPS) $(BUILD)/core.list
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(CORE_WARN) $(UNIT_SAN) -Isrc/core -It/unit -o $@ $< \
		$(UNIT_OBJS) $(UNIT_LINK) -lcmocka $(CORE_LIBS)

# It decides which allocation fails

$(BUILD)/unit/test_memory: UNIT_LINK = \
	$(foreach f,malloc calloc realloc free,-Wl,--wrap=$(f))


# Packages come first, by themselves: a compiler may be among them

setup-run:
	@tools/setup run

setup-test:
	@tools/setup test

setup-extra:
	@tools/setup extra

run: setup-run
	@$(MAKE) --no-print-directory all
	@tools/run

stop:
	@tools/stop

seed:
	@tools/seed

test: setup-test
	@$(MAKE) --no-print-directory all sanitize unit-build bench-build \
		diff-build replay-build
	@tools/run-tests --build "$(BUILD)" $(T)


# In the build folder, so that the packages are nowhere in the tree

diff: setup-test
	@$(MAKE) --no-print-directory all diff-build
	@node $(BUILD)/diff/run.mjs --build "$(BUILD)" $(DIFF_OPTIONS)

diff-build: $(BUILD)/diff/installed
	@cp t/diff/*.mjs $(BUILD)/diff/

$(BUILD)/diff/installed: t/diff/package.json t/diff/package-lock.json
	@mkdir -p $(@D)
	@cp t/diff/package.json t/diff/package-lock.json t/diff/.npmrc $(@D)
	@echo "  NPM $(@D)"
	@cd $(@D) && npm ci --silent --ignore-scripts
	@touch $@


# libFuzzer by clang; what "make test" replays is built as the unit tests are

fuzz: setup-extra
	@$(MAKE) --no-print-directory ctl fuzz-build replay-build
	@t/fuzz/run --build "$(BUILD)" $(FUZZ_OPTIONS)

fuzz-build: $(FUZZ_NAMES:%=$(BUILD)/fuzz/%)

replay-build: $(FUZZ_NAMES:%=$(BUILD)/replay/%)

$(BUILD)/fuzz/core/%.o: src/core/%.c $(CORE_DEPS) Makefile
	@mkdir -p $(@D)
	@echo "  CLANG $@"
	@clang-14 $(CORE_WARN) $(FUZZ_SAN) -Isrc/core -c -o $@ $<

$(BUILD)/fuzz/%: t/fuzz/%.c t/fuzz/fuzz.h $(CORE_SRCS:src/core/%.c=$(BUILD)/fuzz/core/%.o)
	@echo "  CLANG $@"
	@clang-14 $(CORE_WARN) $(FUZZ_SAN) -Isrc/core -o $@ $(filter-out %.h,$^) \
		$(CORE_LIBS)

$(BUILD)/replay/%: t/fuzz/%.c t/fuzz/replay.c t/fuzz/fuzz.h $(UNIT_OBJS)
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(CORE_WARN) $(UNIT_SAN) -Isrc/core -o $@ $(filter-out %.h,$^) \
		$(CORE_LIBS)


conformance: ctl
	@t/conformance/run --build "$(BUILD)" $(DIR)


# The same programs, built for gcov in a folder of their own

coverage: setup-extra
	@rm -rf "$(BUILD)/coverage"
	@$(MAKE) --no-print-directory BUILD="$(BUILD)/coverage" \
		CORE_OPT="-O0 -g -fPIC --coverage" UNIT_SAN="-O0 -g --coverage" \
		ctl unit-build replay-build diff-build
	@tools/run-tests --build "$(BUILD)/coverage" \
		t/unit/ t/15-flagshipctl.t t/16-diff.t t/17-fuzz.t
	@gcovr --root . --filter src/core/ --branches \
		--exclude-unreachable-branches --object-directory . "$(BUILD)/coverage"
	@gcovr --root . --filter src/core/ --object-directory . \
		"$(BUILD)/coverage" | tail -n 4


# BENCH_OPTIONS: see t/bench/run

bench: setup-extra
	@$(MAKE) --no-print-directory all bench-build diff-build bench-peers
	@t/bench/run --build "$(BUILD)" $(BENCH_OPTIONS)

bench-build: $(BUILD)/bench/core $(BUILD)/bench/peers

$(BUILD)/bench/%: t/bench/%.c t/bench/bench.h $(BUILD)/libflagship.a $(CORE_DEPS)
	@mkdir -p $(@D)
	@echo "  CC $@"
	@$(CC) $(CORE_WARN) $(CORE_OPT) -Isrc/core -o $@ $< \
		$(BUILD)/libflagship.a $(CORE_LIBS)


# What stands beside ours in another language; where one cannot be had, it is
# left out

bench-peers:
	@t/bench/peers/build "$(BUILD)"
	@$(MAKE) --no-print-directory "$(BUILD)/bench/fastapi/installed" || \
		echo "no FastAPI: the REST API is measured alone"

$(BUILD)/bench/fastapi/installed: t/bench/fastapi/requirements.txt
	@rm -rf $(@D)
	@mkdir -p $(dir $(@D))
	@echo "  PIP $(@D)"
	@python3 -m venv $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check \
		--require-hashes --only-binary :all: -r $<
	@touch $@


clean:
	rm -rf "$(BUILD)"

FORCE:
