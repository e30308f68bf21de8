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

LIB_SRCS     = $(wildcard lib/*.c lib/embedded/*.c lib/kernel/*.c kmod/engine/*.c)
TOOL_SRCS    = $(wildcard tools/*.c)
TEST_SRCS    = $(wildcard selftests/*.c)
TEST_COMMON  = $(wildcard selftests/common/*.c)
FUZZ_SRCS    = $(wildcard selftests/fuzz/*.c)
BENCH_SRCS   = $(wildcard bench/*.c)
EXAMPLE_SRCS = $(wildcard lib/examples/*.c)
TEST_CFLAGS  = -I$(KSELFTEST) -Iselftests
KSELFTEST    = $(eval KSELFTEST := $$(shell selftests/bed/kselftest))$(KSELFTEST)

all: ## build the library, the command and, where its headers are, the module for the running kernel
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

-include lib/Makefile.inc tools/Makefile.inc selftests/Makefile.inc bench/Makefile.inc

# ----------------------------------------------------------------------------------------- a variant of the userspace
# $(call variant,DIR,CC,FLAGS): objects, library, tests below DIR. The engine and its embedded home alone see the engine's headers.

define variant
$(1)/obj/kmod/engine/%.o: INC = -Ikmod/engine -Ilib/embedded
$(1)/obj/lib/embedded/%.o: INC = -Ikmod/engine -Ilib/embedded -Ilib
$(1)/obj/lib/%.o: INC = -Ilib
$(1)/obj/selftests/%.o: INC = $$(TEST_CFLAGS)

$(1)/obj/%.o: %.c Makefile $(wildcard */Makefile.inc)
	@mkdir -p $$(@D)
	$$(call say,CC)$(2) $(BASE) $(3) $(INCLUDE) $$(INC) $$(LOCAL_CFLAGS) -MMD -MP -c -o $$@ $$<

$(1)/lib/libmmsb-user.a: $(LIB_SRCS:%.c=$(1)/obj/%.o)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(call say,AR)ar rcs $$@ $$^

$(TEST_SRCS:selftests/%.c=$(1)/selftests/%): $(1)/selftests/%: $(1)/obj/selftests/%.o \
		$(TEST_COMMON:%.c=$(1)/obj/%.o) $(1)/lib/libmmsb-user.a
	@mkdir -p $$(@D)
	$$(call say,LD)$(2) -pthread $(3) $(LDFLAGS) -o $$@ $$^ $(LDLIBS)

-include $(patsubst %.c,$(1)/obj/%.d,$(LIB_SRCS) $(TEST_SRCS) $(TEST_COMMON))
endef

ASAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
TSAN := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
FUZZ := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

$(eval $(call variant,build,$(CC),$(CFLAGS)))
$(eval $(call variant,build/asan,$(CC),$(ASAN)))
$(eval $(call variant,build/tsan,$(CC),$(TSAN)))
$(eval $(call variant,build/fuzz,$(CLANG),$(FUZZ) -fsanitize=fuzzer-no-link))
.SECONDARY:

# ------------------------------------------------------------------------------------------------------- what is built

LIB_A   := build/lib/libmmsb-user.a
LIB_SO  := build/lib/libmmsb-user.so
LIB_MAP := $(wildcard lib/libmmsb-user.map)

$(LIB_SO).$(VERSION): $(LIB_SRCS:%.c=build/obj/%.o) $(LIB_MAP)
	$(call say,LD)$(CC) -shared -pthread $(CFLAGS) $(LDFLAGS) -Wl,-soname,$(@F:%.$(VERSION)=%.$(SOMAJOR)) -Wl,-z,defs \
		$(LIB_MAP:%=-Wl,--version-script=%) -o $@ $(filter %.o,$^) $(LDLIBS)

$(LIB_SO): $(LIB_SO).$(VERSION)
	@ln -sf $(<F) $@.$(SOMAJOR)
	@ln -sf $(<F) $@

build/bin/mmsb: $(TOOL_SRCS:%.c=build/obj/%.o) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS) $(LDLIBS)

$(BENCH_SRCS:%.c=build/%): build/%: build/obj/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(BENCH_LIBS) $(LDLIBS)

$(EXAMPLE_SRCS:lib/%.c=build/%): build/examples/%: build/obj/lib/examples/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(FUZZ_SRCS:selftests/fuzz/%.c=build/fuzz/%): build/fuzz/%: build/fuzz/obj/selftests/fuzz/%.o build/fuzz/lib/libmmsb-user.a
	$(call say,LD)$(CLANG) -pthread $(FUZZ) -fsanitize=fuzzer -o $@ $^

-include $(patsubst %.c,build/obj/%.d,$(TOOL_SRCS) $(BENCH_SRCS) $(EXAMPLE_SRCS))
-include $(patsubst %.c,build/fuzz/obj/%.d,$(FUZZ_SRCS))

.PHONY: all lib tools module module-if-headers selftests examples asan tsan fuzz
all: lib tools module-if-headers

lib: $(LIB_A) $(LIB_SO) ## build/lib/libmmsb-user.a and .so

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
examples: $(EXAMPLE_SRCS:lib/%.c=build/%) ## build/examples/*, the programs that README and man pages show
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
	$(SUBMAKE) lib tools selftests examples asan tsan fuzz
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

MAN      = $(wildcard lib/man/*.[1-9] tools/man/*.[1-9] Documentation/man/*.[1-9])
INSTALL  = $(patsubst %,644:%:$(PREFIX)/include/mmsb/,$(wildcard uapi/mmsb/*.h lib/include/mmsb/*.h)) \
	   644:$(LIB_A):$(PREFIX)/lib/ \
	   755:$(LIB_SO).$(VERSION):$(PREFIX)/lib/ \
	   644:build/lib/libmmsb-user.pc:$(PREFIX)/lib/pkgconfig/ \
	   755:build/bin/mmsb:$(PREFIX)/bin/ \
	   $(foreach page,$(MAN),644:$(page):$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/)
LINKS    = $(PREFIX)/lib/libmmsb-user.so $(PREFIX)/lib/libmmsb-user.so.$(SOMAJOR)

build/lib/libmmsb-user.pc: Makefile lib/include/mmsb/mmsb.h FORCE
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
		'Name: libmmsb-user' 'Description: memory-mapped state bus: shared, versioned state' \
		'Version: $(VERSION)' 'Libs: -L$${libdir} -lmmsb-user' 'Libs.private: -pthread' \
		'Cflags: -I$${includedir}' >$@
FORCE:

.PHONY: install uninstall dkms
install: lib tools build/lib/libmmsb-user.pc ## put library, headers, command, man pages and, if built, the module in place
	@set -e; for item in $(INSTALL); do \
		mode=$${item%%:*}; item=$${item#*:}; file=$${item%%:*}; place=$(DESTDIR)$${item#*:}; \
		echo "install $$file -> $$place"; mkdir -p "$$place"; install -m "$$mode" "$$file" "$$place"; done
	@for link in $(LINKS); do ln -sf libmmsb-user.so.$(VERSION) $(DESTDIR)$$link; done

uninstall: ## take all of that away again
	@for item in $(INSTALL); do item=$${item#*:}; rm -vf "$(DESTDIR)$${item#*:}$$(basename "$${item%%:*}")"; done
	@for link in $(LINKS); do rm -vf $(DESTDIR)$$link; done
