# SPDX-License-Identifier: GPL-2.0-only
#
# What a person can do with this tree. What the module is made of is said in Kbuild, which kbuild prefers to this file; lists that
# belong to a directory lie in its Makefile.inc. Everything that is made goes under build/: the library and the
# selftests once plain, and once each for the sanitizers, so that switching between them rebuilds nothing.

PREFIX  ?= /usr/local
DESTDIR ?=
WERROR  ?= -Werror
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
STRICT  := -std=gnu11 -Wall -Wextra $(WERROR) -pthread

TOOL_SRCS    = $(wildcard tools/*.c)
MMSBD_SRCS   = $(wildcard tools/mmsbd/*.c) tools/value.c
BENCH_SRCS   = $(wildcard bench/*.c)

all: ## build the library, the command and, where its headers are, the module for the running kernel
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# The library and the selftests, plain and for each sanitizer, are their own business.
include lib/Makefile.inc
-include selftests/Makefile.inc tools/Makefile.inc bench/Makefile.inc
.SECONDARY:

# ------------------------------------------------------------------------------------------------------- what is built

LIB_A   := build/lib/libmmsb-user.a
LIB_SO  := build/lib/libmmsb-user.so

build/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(STRICT) $(CFLAGS) $(LIB_USER_CFLAGS) $(LOCAL_CFLAGS) -MMD -MP -c -o $@ $<

build/bin/mmsb: $(TOOL_SRCS:%.c=build/obj/%.o) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS) $(LIB_LIBS) $(LDLIBS)

build/bin/mmsbd: $(MMSBD_SRCS:%.c=build/obj/%.o) $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIB_LIBS) $(LDLIBS)

$(BENCH_SRCS:%.c=build/%): build/%: build/obj/%.o $(LIB_A)
	@mkdir -p $(@D)
	$(call say,LD)$(CC) -pthread $(CFLAGS) $(LDFLAGS) -o $@ $^ $(BENCH_LIBS) $(LIB_LIBS) $(LDLIBS)

-include $(patsubst %.c,build/obj/%.d,$(TOOL_SRCS) $(MMSBD_SRCS) $(BENCH_SRCS))

.PHONY: all lib tools module module-if-headers selftests asan tsan fuzz
all: lib tools module-if-headers

lib: ## build/lib/libmmsb-user.a and .so, and the examples

tools: $(if $(TOOL_SRCS),build/bin/mmsb build/bin/mmsbd) ## build/bin/mmsb, the command, mmsbd, the log's writer, and what looks on by BPF

module: ## build/kmod/KVER/mmsb.ko against KDIR=, or the headers of KVER= (default: the running kernel)
	@test -e $(KDIR)/Makefile || { echo "make: no kernel headers at $(KDIR): apt install linux-headers-$(KVER)," \
		"or name a kernel whose headers are there with KVER= or KDIR=" >&2; exit 1; }
	@mkdir -p build/kmod/$(KVER)
	@cp -rs --remove-destination $(CURDIR)/Kbuild $(CURDIR)/kmod $(CURDIR)/uapi build/kmod/$(KVER)/
	@find build/kmod/$(KVER) -xtype l -delete
	+$(MAKE) -C $(KDIR) M=$(CURDIR)/build/kmod/$(KVER) modules
	@kmod/add-btf $(KVER) build/kmod/$(KVER)/mmsb.ko

module-if-headers:
	@if [ -e $(KDIR)/Makefile ]; then $(MAKE) --no-print-directory module; else \
		echo "make: no headers for kernel $(KVER) at $(KDIR), so no module was built: apt install" \
		"linux-headers-$(KVER), or make module KVER=OTHER. The embedded home needs none."; fi

selftests: ## build/selftests/*
asan: lib-asan selftests-asan ## library and selftests with AddressSanitizer and UBSan
tsan: lib-tsan selftests-tsan ## library and selftests with ThreadSanitizer
fuzz: ## libFuzzer targets, build/fuzz/* (clang); selftests/fuzz/run runs them

# ---------------------------------------------------------------------------------------------------------- what is run
# The first line of each sees to the Debian packages that the rest needs and says what it installs and why.

SUBMAKE = +$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))

.PHONY: check check-static demo guest bench soak
demo: ## the main job in a minute: many share a space, write by ring, read by map
	@scripts/setup build
	$(SUBMAKE) tools
	build/bin/mmsb demo

check: ## every test, guests with real kernels included
	@scripts/setup build check guest debug peers
	$(SUBMAKE) lib tools selftests asan tsan fuzz $(BENCH_SRCS:%.c=build/%) build/bench/shared-lines
	@env -u MAKEFLAGS -u MFLAGS selftests/bed/suite

check-static: ## the checks that run nothing: layers, licenses, scripts, style
	@scripts/check-static

guest: ## a shell in a guest with the module loaded, to play
	@scripts/setup build guest
	$(SUBMAKE) lib tools
	@selftests/bed/guest --kernel 6.12 --insmod --shell

bench: ## measure: a table, build/bench.json, build/bench.html; QUICK=1, REALTIME=1, BENCH="NAME...", PEERS=1 (installs other stores)
	@scripts/setup build $(if $(filter-out 0,$(PEERS)),peers)
	$(SUBMAKE) lib tools $(BENCH_SRCS:%.c=build/%) $(if $(filter-out 0,$(QUICK)),,build/bench/shared-lines)
	@bench/run

soak: ## the random and hostile tests, for SOAK= seconds (default an hour)
	@scripts/setup build check guest debug
	$(SUBMAKE) lib tools selftests asan tsan fuzz build/bench/shared-lines
	@env -u MAKEFLAGS -u MFLAGS selftests/bed/suite --soak $(or $(SOAK),3600)

.PHONY: format help clean
format: ## run clang-format over the lines changed since SINCE= (default: the last commit)
	@command -v git-clang-format >/dev/null || { echo "make: git-clang-format is missing: apt install clang-format" >&2; exit 1; }
	git clang-format --force --extensions c,h $(or $(SINCE),HEAD)

clean: ## remove build/
	rm -rf build

help: ## this text
	@echo "usage: make [TARGET] [V=1] [PREFIX=$(PREFIX)] [DESTDIR=] [KVER=$(KVER)] [KDIR=] [WERROR=]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ------------------------------------------------------------------------------------------------------------- install
# One list serves both ways: MODE:FILE:PLACE.

LIBDIR  ?= $(PREFIX)/lib
MAN      = $(wildcard lib/man/*.[1-9] tools/man/*.[1-9] Documentation/man/*.[1-9])
# man NAME finds the page that describes it: a link for each name that is not the page's own.
ALIASES  = $(foreach name,$(shell scripts/man-names $(MAN)),$(if $(filter $(firstword $(subst :, ,$(name))),$(notdir $(MAN))),,$(name)))
INSTALL  = $(foreach file,$(wildcard uapi/mmsb/*.h lib/include/mmsb/*.h),644:$(file):$(PREFIX)/include/mmsb/$(notdir $(file))) \
	   644:build/lib/libmmsb-user.a:$(LIBDIR)/libmmsb-user.a \
	   755:build/lib/libmmsb-user.so.$(SOMAJOR):$(LIBDIR)/libmmsb-user.so.$(VERSION) \
	   644:build/lib/libmmsb-user.pc:$(LIBDIR)/pkgconfig/libmmsb-user.pc \
	   755:build/bin/mmsb:$(PREFIX)/bin/mmsb \
	   755:build/bin/mmsbd:$(PREFIX)/sbin/mmsbd \
	   $(foreach tool,$(BPF_BUILT),755:build/bin/$(tool):$(PREFIX)/sbin/$(tool)) \
	   $(foreach script,$(wildcard tools/bpftrace/*.bt),755:$(script):$(PREFIX)/share/mmsb/bpftrace/$(notdir $(script))) \
	   $(subst :share/,:$(PREFIX)/share/,$(TOOL_COMPLETIONS)) \
	   $(subst :share/,:$(PREFIX)/share/,$(subst :lib/,:$(PREFIX)/lib/,$(TOOL_SYSTEM))) \
	   $(foreach page,$(MAN),644:$(page):$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
# What makes /dev/mmsb usable without being root, with the module or ready for it.
SYSTEM   = 644:kmod/99-mmsb.rules:$(PREFIX)/lib/udev/rules.d/99-mmsb.rules \
	   644:kmod/mmsb.sysusers:$(PREFIX)/lib/sysusers.d/mmsb.conf \
	   644:kmod/mmsb.modprobe:$(PREFIX)/lib/modprobe.d/mmsb.conf
# Loading at boot is for systems that have the module: it fails the boot's units where there is none.
ON_BOOT  = 644:kmod/mmsb.modules-load:$(PREFIX)/lib/modules-load.d/mmsb.conf
LINKS    = $(LIBDIR)/libmmsb-user.so $(LIBDIR)/libmmsb-user.so.$(SOMAJOR)
MANDIR   = $(DESTDIR)$(PREFIX)/share/man/man
MODULE   = $(CURDIR)/build/kmod/$(KVER)
MODDIR   = $(DESTDIR)/lib/modules/$(KVER)/updates

.PHONY: install uninstall dkms dkms-remove
put = set -e; for item in $(1); do mode=$${item%%:*}; item=$${item\#*:}; \
	echo "  INST  $(DESTDIR)$${item\#*:}"; install -D -m $$mode $${item%%:*} "$(DESTDIR)$${item\#*:}"; done

install: all ## put library, headers, command, man pages and, if its headers are there, the module in place
	@$(call put,$(INSTALL) $(SYSTEM))
	@for link in $(LINKS); do ln -sf libmmsb-user.so.$(VERSION) $(DESTDIR)$$link; done
	@for alias in $(ALIASES); do link=$${alias%%:*}; ln -sf $${alias##*:} $(MANDIR)$${link##*.}/$$link; done
	+@if [ -e $(MODULE)/mmsb.ko ]; then $(call put,$(ON_BOOT)); $(MAKE) -C $(KDIR) M=$(MODULE) \
		INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates DEPMOD=true CONFIG_MODULE_SIG_ALL= modules_install; fi
	@$(if $(DESTDIR),,scripts/after-install $(KVER))

uninstall: ## take all of that away again
	@for item in $(INSTALL) $(SYSTEM) $(ON_BOOT) $(BPF_TOOLS:%=:$(PREFIX)/sbin/%); do rm -vf "$(DESTDIR)$${item##*:}"; done
	@for link in $(LINKS); do rm -vf $(DESTDIR)$$link; done
	@for alias in $(ALIASES); do link=$${alias%%:*}; rm -f $(MANDIR)$${link##*.}/$$link; done
	@rm -vf $(MODDIR)/mmsb.ko $(MODDIR)/mmsb.ko.xz $(MODDIR)/mmsb.ko.gz $(MODDIR)/mmsb.ko.zst
	@$(if $(DESTDIR),,if [ -d /lib/modules/$(KVER) ]; then depmod $(KVER); fi; ldconfig)

# With DKMS_ROOT=DIR, below DIR instead of in the system: to see that it works, as a test does.
DKMS_SRC   = $(if $(DKMS_ROOT),$(DKMS_ROOT)/src,/usr/src)
DKMS_TREES = $(if $(DKMS_ROOT),--dkmstree $(DKMS_ROOT)/dkms --sourcetree $(DKMS_SRC) --installtree $(DKMS_ROOT)/lib/modules)
DKMS       = dkms $(DKMS_TREES)

dkms: ## build and install the module for KVER= through DKMS, which does so again for each new kernel
	@command -v dkms >/dev/null || { echo "make: dkms is missing: apt install dkms" >&2; exit 1; }
	@test -e $(KDIR)/Makefile || { echo "make: no kernel headers at $(KDIR): apt install linux-headers-$(KVER)" >&2; exit 1; }
	@rm -rf $(DKMS_SRC)/mmsb-$(VERSION)
	@mkdir -p $(DKMS_SRC)/mmsb-$(VERSION) $(if $(DKMS_ROOT),$(DKMS_ROOT)/dkms $(DKMS_ROOT)/lib/modules/$(KVER))
	@cp -r Kbuild dkms.conf kmod uapi LICENSES $(DKMS_SRC)/mmsb-$(VERSION)/
	@$(DKMS) status -m mmsb -v $(VERSION) | grep -q mmsb || $(DKMS) add -m mmsb -v $(VERSION)
	$(DKMS) build --force -m mmsb -v $(VERSION) -k $(KVER)
	$(DKMS) install --force -m mmsb -v $(VERSION) -k $(KVER)
	@$(if $(DKMS_ROOT),,$(call put,$(ON_BOOT) $(SYSTEM)); scripts/after-install $(KVER))

dkms-remove: ## take the module away from DKMS, for all kernels
	$(DKMS) remove -m mmsb -v $(VERSION) --all
	rm -rf $(DKMS_SRC)/mmsb-$(VERSION)
