# SPDX-License-Identifier: GPL-2.0-only
#
# What a person can do with this tree. What the module is made of is said in Kbuild, which kbuild prefers to this file; lists that
# belong to a directory lie in its Makefile.inc. Everything that is made goes under build/: once plain, and once each
# for the sanitizers, so that switching between them rebuilds nothing.

PREFIX  ?= /usr/local
DESTDIR ?=
WERROR  ?= -Werror
CLANG   ?= clang
JOBS    ?= $(shell nproc)

VERSION := $(shell awk '/define MMSB_VERSION_(MAJOR|MINOR|PATCH)/ { v = v s $$3; s = "." } END { print v }' \
	     lib/include/mmsb/mmsb.h)
SOMAJOR := $(firstword $(subst ., ,$(VERSION)))

ifdef KDIR
KVER    ?= $(shell cat $(KDIR)/include/config/kernel.release)
else
KVER    ?= $(shell uname -r)
KDIR     = /lib/modules/$(KVER)/build
endif

CFLAGS  ?= -O2 -g
V       ?= 0
say      = $(if $(filter 0,$(V)),@printf '  %-5s %s\n' $(1) $@;)
BASE    := -std=gnu11 -Wall -Wextra $(WERROR) -pthread -fPIC -fno-semantic-interposition -fno-strict-aliasing
INCLUDE := -Iuapi -Ilib/include

TOOL_SRCS    = $(wildcard tools/*.c)
TEST_SRCS    = $(wildcard selftests/*.c)
TEST_COMMON  = $(wildcard selftests/common/*.c)
FUZZ_SRCS    = $(wildcard selftests/fuzz/*.c)
BENCH_SRCS   = $(wildcard bench/*.c)
TEST_CFLAGS  = -I$(KSELFTEST) -Iselftests
KSELFTEST    = $(eval KSELFTEST := $$(shell selftests/bed/kselftest))$(KSELFTEST)

all: ## build the library, the command and, where its headers are, the module for the running kernel
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

-include lib/Makefile.inc tools/Makefile.inc selftests/Makefile.inc bench/Makefile.inc

# ---------------------------------------------------------------------------------------------- programs of a variant
# lib/Makefile.inc makes DIR/lib/libmmsb-user.a for each DIR of build, build/asan, build/tsan. $(call variant,DIR,FLAGS) makes the
# selftests on top of it.

define variant
$(1)/obj/%.o: %.c Makefile $(wildcard */Makefile.inc)
	@mkdir -p $$(@D)
	$$(call say,CC)$$(CC) $(BASE) $(2) $(INCLUDE) $$(LOCAL_CFLAGS) -MMD -MP -c -o $$@ $$<

$(1)/obj/selftests/%.o: LOCAL_CFLAGS = $$(TEST_CFLAGS)

$(TEST_SRCS:selftests/%.c=$(1)/selftests/%): $(1)/selftests/%: $(1)/obj/selftests/%.o \
		$(TEST_COMMON:%.c=$(1)/obj/%.o) $(1)/lib/libmmsb-user.a
	@mkdir -p $$(@D)
	$$(call say,LD)$$(CC) -pthread $(2) $(LDFLAGS) -o $$@ $$^ $(LDLIBS)

-include $(patsubst %.c,$(1)/obj/%.d,$(TEST_SRCS) $(TEST_COMMON))
endef

SANE := -O1 -g -fno-omit-frame-pointer
ASAN := $(SANE) -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN := $(SANE) -fsanitize=thread

$(eval $(call variant,build,$(CFLAGS)))
$(eval $(call variant,build/asan,$(ASAN)))
$(eval $(call variant,build/tsan,$(TSAN)))

# libFuzzer is clang's; the library is built once more for it.
$(eval $(call lib_variant,build/fuzz,$(ASAN) -fsanitize=fuzzer-no-link))
$(eval $(call variant,build/fuzz,$(ASAN) -fsanitize=fuzzer-no-link))
build/fuzz/%: CC := $(CLANG)

$(FUZZ_SRCS:selftests/fuzz/%.c=build/fuzz/%): build/fuzz/%: build/fuzz/obj/selftests/fuzz/%.o build/fuzz/lib/libmmsb-user.a
	$(call say,LD)$(CC) -pthread $(ASAN) -fsanitize=fuzzer -o $@ $^
-include $(patsubst %.c,build/fuzz/obj/%.d,$(FUZZ_SRCS))
.SECONDARY:

# ------------------------------------------------------------------------------------------------------- what is built

LIB_A   := build/lib/libmmsb-user.a
LIB_SO  := build/lib/libmmsb-user.so

build/bin/mmsb: $(TOOL_SRCS:%.c=build/obj/%.o) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS) $(LDLIBS)

$(BENCH_SRCS:%.c=build/%): build/%: build/obj/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(BENCH_LIBS) $(LDLIBS)

-include $(patsubst %.c,build/obj/%.d,$(TOOL_SRCS) $(BENCH_SRCS))

.PHONY: all lib tools module module-if-headers selftests asan tsan fuzz
all: lib tools module-if-headers

lib: ## build/lib/libmmsb-user.a and .so, and the examples

tools: $(if $(TOOL_SRCS),build/bin/mmsb) ## build/bin/mmsb, the command

module: ## build/kmod/KVER/mmsb.ko against KDIR=, or the headers of KVER= (default: the running kernel)
	@test -e $(KDIR)/Makefile || { echo "make: no kernel headers at $(KDIR): apt install linux-headers-$(KVER)," \
		"or name a kernel whose headers are there with KVER= or KDIR=" >&2; exit 1; }
	@mkdir -p build/kmod/$(KVER)
	@cp -rs --remove-destination $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/uapi build/kmod/$(KVER)/
	@find build/kmod/$(KVER) -xtype l -delete
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/build/kmod/$(KVER) modules

module-if-headers:
	@if [ -e $(KDIR)/Makefile ]; then $(MAKE) --no-print-directory module; else \
		echo "make: no headers for kernel $(KVER) at $(KDIR), so no module was built: apt install" \
		"linux-headers-$(KVER), or make module KVER=OTHER. The embedded home needs none."; fi

selftests: $(TEST_SRCS:%.c=build/%) ## build/selftests/*
asan: build/asan/lib/libmmsb-user.a $(TEST_SRCS:%.c=build/asan/%) ## library and selftests with AddressSanitizer and UBSan
tsan: build/tsan/lib/libmmsb-user.a $(TEST_SRCS:%.c=build/tsan/%) ## library and selftests with ThreadSanitizer
fuzz: $(FUZZ_SRCS:selftests/fuzz/%.c=build/fuzz/%) ## libFuzzer targets, build/fuzz/* (clang)

# ---------------------------------------------------------------------------------------------------------- what is run
# The first line of each sees to the Debian packages that the rest needs and says what it installs and why.

SUBMAKE = +$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: check check-static demo guest bench soak
demo: ## the main job in a minute: many share a space, write by ring, read by map
	@scripts/setup build
	$(SUBMAKE) tools
	build/bin/mmsb demo

check: ## every test, guests with real kernels included
	@scripts/setup build check guest debug
	$(SUBMAKE) lib tools selftests asan tsan fuzz
	@selftests/bed/suite

check-static: ## the checks that run nothing: layers, licenses, scripts, style
	@scripts/check-static

guest: ## a shell in a guest with the module loaded, to play
	@scripts/setup build guest
	$(SUBMAKE) lib tools
	@selftests/bed/guest --kernel 6.12 --insmod --shell

bench: ## measure: a table, and build/bench/*.json
	@scripts/setup build
	$(SUBMAKE) lib tools $(BENCH_SRCS:%.c=build/%)
	@bench/run

soak: ## the random and hostile tests, for SOAK= seconds (default an hour)
	@scripts/setup build check guest debug
	$(SUBMAKE) lib tools selftests asan tsan fuzz
	@selftests/bed/suite --soak $(or $(SOAK),3600)

.PHONY: format help clean
format: ## run clang-format over all C of the tree
	git ls-files '*.c' '*.h' | xargs clang-format -i

clean: ## remove build/
	rm -rf build

help: ## this text
	@echo "usage: make [TARGET] [V=1] [PREFIX=$(PREFIX)] [DESTDIR=] [KVER=$(KVER)] [KDIR=] [WERROR=]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------------------------------- install
# One list serves both ways: MODE:FILE:PLACE.

LIBDIR  ?= $(PREFIX)/lib
MAN      = $(wildcard lib/man/*.[1-9] tools/man/*.[1-9] Documentation/man/*.[1-9])
INSTALL  = $(foreach file,$(wildcard uapi/mmsb/*.h lib/include/mmsb/*.h),644:$(file):$(PREFIX)/include/mmsb/$(notdir $(file))) \
	   644:$(LIB_A):$(LIBDIR)/libmmsb-user.a \
	   755:$(LIB_SO).$(SOMAJOR):$(LIBDIR)/libmmsb-user.so.$(VERSION) \
	   644:build/lib/libmmsb-user.pc:$(LIBDIR)/pkgconfig/libmmsb-user.pc \
	   755:build/bin/mmsb:$(PREFIX)/bin/mmsb \
	   $(foreach page,$(MAN),644:$(page):$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
LINKS    = $(LIBDIR)/libmmsb-user.so $(LIBDIR)/libmmsb-user.so.$(SOMAJOR)

.PHONY: install uninstall dkms
install: lib tools ## put library, headers, command, man pages and, if built, the module in place
	@set -e; for item in $(INSTALL); do \
		mode=$${item%%:*}; item=$${item#*:}; file=$${item%%:*}; place=$(DESTDIR)$${item#*:}; \
		echo "  INST  $$place"; install -D -m "$$mode" "$$file" "$$place"; done
	@for link in $(LINKS); do ln -sf libmmsb-user.so.$(VERSION) $(DESTDIR)$$link; done

uninstall: ## take all of that away again
	@for item in $(INSTALL); do rm -vf "$(DESTDIR)$${item##*:}"; done
	@for link in $(LINKS); do rm -vf $(DESTDIR)$$link; done
