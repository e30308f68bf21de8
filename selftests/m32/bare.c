// SPDX-License-Identifier: GPL-2.0-only
#include "bare.h"

/* The sixth argument goes in the register that the compiler keeps for itself. */
__asm__(".globl bare_call\n"
	"bare_call:\n"
	"	push %ebp\n"
	"	push %ebx\n"
	"	push %esi\n"
	"	push %edi\n"
	"	mov 20(%esp), %eax\n"
	"	mov 24(%esp), %ebx\n"
	"	mov 28(%esp), %ecx\n"
	"	mov 32(%esp), %edx\n"
	"	mov 36(%esp), %esi\n"
	"	mov 40(%esp), %edi\n"
	"	mov 44(%esp), %ebp\n"
	"	int $0x80\n"
	"	pop %edi\n"
	"	pop %esi\n"
	"	pop %ebx\n"
	"	pop %ebp\n"
	"	ret\n"
	".section .note.GNU-stack, \"\", @progbits\n"
	".text\n");

/* The compiler calls these two whether there is a library or not. */
void *memset(void *to, int byte, size_t n);
void *memcpy(void *to, const void *from, size_t n);

void *memset(void *to, int byte, size_t n)
{
	volatile unsigned char *at = to;

	while (n--)
		*at++ = (unsigned char)byte;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	volatile unsigned char *at = to;
	const unsigned char *source = from;

	while (n--)
		*at++ = *source++;
	return to;
}

void _start(void);

__attribute__((force_align_arg_pointer)) void _start(void)
{
	bare(SYS_exit, bare_main());
}
