/* SPDX-License-Identifier: MIT */
/*
 * Which system calls may fail, and how: the table that the sweep walks through, and the numbers for questions that are no system call.
 */
#ifndef FAULTS_ERRNOS_H
#define FAULTS_ERRNOS_H

#include <stddef.h>
#include <stdint.h>

/* The host is the process under test itself; the child is whatever it made, up to its exec. */
enum side { SIDE_HOST = 0, SIDE_CHILD = 1, SIDES = 2 };

/* For a call's `sides`. */
enum { ON_HOST = 1 << SIDE_HOST, ON_CHILD = 1 << SIDE_CHILD, ON_BOTH = ON_HOST | ON_CHILD };

/*
 * Numbers that no kernel knows, which the process under test asks by: the supervisor sees them as it sees a system call. So an allocation, the
 * end of a close and the size of a read are refused like one.
 */
enum fake {
	FAKE_BEGIN = 5000,      /* counting begins */
	FAKE_END,               /* counting ends */
	FAKE_MALLOC,            /* may this allocation succeed? */
	FAKE_CLOSE,             /* what does the close that was just done return? */
	FAKE_READ,              /* all that there is, or one byte? */
	FAKE_WRITE,
	FAKE_PUT,               /* the same for a plain write(2), of a program */
	FAKE_OWN_PIPE,          /* asked by nobody: a program's write to a pipe of its own, told from other writes */
	FAKE_OWN_SOCKET,        /* and its child's read from the socket between them */
	FAKE_LAST = FAKE_OWN_SOCKET
};

/* A way to fail that is no errno: one byte is moved, of many. */
enum { SHORT = 4000 };

struct call {
	const char *name;
	long nr;
	int argument;           /* the argument that tells this use from others, 0 to 5; -1: there is but one use */
	uint64_t mask;
	uint64_t value;         /* (argument & mask) == value */
	unsigned sides;
	const int *once;        /* errors that may come at one call and not at the next; ends with 0 */
	const int *lasting;     /* errors that may come from one call on; ends with 0 */
	const char *source;
};

/* Ends with a NULL name. */
extern const struct call calls[];
size_t calls_count(void);

/* Which entry this call is: its index, or -1 where nothing is known of it. */
int calls_find(long nr, const uint64_t arguments[6], enum side side);

/* By name, for a point given by hand; -1. */
int calls_named(const char *name, enum side side);

/* "EMFILE"; a number where it has no name. Valid until the next call. */
const char *errno_name(int error);
int errno_number(const char *name);
/* The one whose words a text has; 0. */
int errno_in(const char *text);

/* A kernel (or a container's filter) without some calls. */
struct refusal {
	long nr;
	int argument;           /* -1: whatever its arguments */
	uint64_t mask;
	uint64_t value;
	int error;
};

enum { REFUSALS_MOST = 16 };

struct kernel {
	const char *name;
	unsigned lacks;         /* LACKS_* */
	struct refusal refused[REFUSALS_MOST];  /* ends with an error of 0 */
};

/* What a scenario may need and a kernel may lack. */
enum { LACKS_PIDFD = 1, LACKS_MEMFD = 2 };

/* Ends with a NULL name. */
extern const struct kernel kernels[];

#endif
