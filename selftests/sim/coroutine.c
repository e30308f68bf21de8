// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "coroutine.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define ASAN 1
#else
#define ASAN 0
#endif

#define STACK	((size_t)256 << 10)
#define GUARD	((size_t)4096)

static struct coroutine *came_from, *came_to;

static void before_switch(struct coroutine *from, struct coroutine *to)
{
	came_from = from;
	came_to = to;
#if ASAN
	__sanitizer_start_switch_fiber(&from->fake_stack, to->stack, to->stack_bytes);
#endif
}

/* The first to leave the program's own stack learns from AddressSanitizer where that lies. */
static void after_switch(void)
{
#if ASAN
	const void *stack;
	size_t bytes;

	__sanitizer_finish_switch_fiber(came_to->fake_stack, &stack, &bytes);
	if (!came_from->stack) {
		came_from->stack = (void *)stack;
		came_from->stack_bytes = bytes;
	}
#endif
}

static void begin(void)
{
	struct coroutine *self = came_to;

	after_switch();
	for (;;) {
		self->run(self->arg);
		self->ended();
	}
}

/* The page below the stack is nobody's, so that running over its end is noticed. */
static void make_stack(struct coroutine *coroutine)
{
	char *memory = mmap(NULL, GUARD + STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);

	if (memory == MAP_FAILED || mprotect(memory, GUARD, PROT_NONE)) {
		perror("sim: a stack");
		exit(1);
	}
	coroutine->stack = memory + GUARD;
	coroutine->stack_bytes = STACK;
	getcontext(&coroutine->context);
	coroutine->context.uc_stack.ss_sp = coroutine->stack;
	coroutine->context.uc_stack.ss_size = STACK;
	makecontext(&coroutine->context, begin, 0);
}

static bool is_fresh(const struct coroutine *coroutine)
{
	return coroutine->run && !coroutine->begun;
}

void coroutine_switch(struct coroutine *from, struct coroutine *to)
{
	if (is_fresh(to))
		make_stack(to);
	if (_setjmp(from->registers)) {
		after_switch();
		return;
	}
	before_switch(from, to);
	if (is_fresh(to)) {
		to->begun = true;
		setcontext(&to->context);
	}
	_longjmp(to->registers, 1);
}
