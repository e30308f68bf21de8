/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Coroutines: stacks, and how to go from one to another. ucontext makes a stack begin; from then on _setjmp() and _longjmp() switch,
 * because swapcontext() makes a system call each time. A coroutine whose function has returned can be given another one, so
 * that stacks are made once and serve every seed. AddressSanitizer is told of each switch.
 */
#ifndef SIM_COROUTINE_H
#define SIM_COROUTINE_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <ucontext.h>

struct coroutine {
	jmp_buf registers;
	ucontext_t context;
	bool begun;
	void *stack;			/* NULL: the program's own, or not begun */
	size_t stack_bytes;
	void *fake_stack;		/* AddressSanitizer's */
	void (*run)(void *arg);		/* when it returns, `ended` is called and must switch away */
	void (*ended)(void);
	void *arg;
};

void coroutine_switch(struct coroutine *from, struct coroutine *to);

#endif
