/* SPDX-License-Identifier: MIT */
/*
 * Children without libc and without a loader, so that what is measured is the kernel and the one who starts them.
 *
 * A child includes this, defines tiny_main and is linked with nothing. There is no errno: calls return -errno.
 */
#ifndef TINY_H
#define TINY_H

#include <asm/unistd.h>

typedef unsigned long word;

enum { STDIN = 0, STDOUT = 1, BLOCK = 64 << 10 };

#if defined(__x86_64__) && defined(__LP64__)

static inline long call4(long number, word a, word b, word c, word d)
{
	register word r10 __asm__("r10") = d;
	long r;

	__asm__ volatile("syscall"
	                 : "=a"(r)
	                 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
	                 : "rcx", "r11", "memory");
	return r;
}

__asm__(".globl _start\n"
        "_start:\n\t"
        "xor %ebp, %ebp\n\t"
        "mov (%rsp), %rdi\n\t"
        "lea 8(%rsp), %rsi\n\t"
        "and $-16, %rsp\n\t"
        "call tiny_main\n\t"
        "hlt\n");

#elif defined(__aarch64__)

static inline long call4(long number, word a, word b, word c, word d)
{
	register long x8 __asm__("x8") = number;
	register word x0 __asm__("x0") = a;
	register word x1 __asm__("x1") = b;
	register word x2 __asm__("x2") = c;
	register word x3 __asm__("x3") = d;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return (long)x0;
}

__asm__(".globl _start\n"
        "_start:\n\t"
        "mov x29, xzr\n\t"
        "ldr x0, [sp]\n\t"
        "add x1, sp, #8\n\t"
        "bl tiny_main\n\t"
        "brk 1\n");

#else
#error "the children of the benchmarks are written for x86-64 and aarch64"
#endif

/* The entry above calls it by name. */
void tiny_main(long argc, char **argv) __attribute__((__noreturn__, __used__));

static inline void __attribute__((__noreturn__)) leave(word code)
{
	call4(__NR_exit_group, code, 0, 0, 0);
	__builtin_unreachable();
}

static inline word number(const char *text)
{
	word value = 0;

	while (*text >= '0' && *text <= '9')
		value = value * 10 + (word)(*text++ - '0');
	return value;
}

/* All of it, or the child ends with code 3. */
static inline void write_all(const char *bytes, word size)
{
	while (size > 0) {
		long r = call4(__NR_write, STDOUT, (word)bytes, size, 0);

		if (r <= 0)
			leave(3);
		bytes += r;
		size -= (word)r;
	}
}

#endif
