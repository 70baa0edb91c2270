/* SPDX-License-Identifier: MIT */
/*
 * A terminal for a test: a pseudo-terminal with a session in it, as a terminal window with its shell is. The session's leader is a small
 * shell in place of one: it runs one job, in a group of its own, in the foreground, and tells when that job stops or ends.
 *
 *	const char *const argv[] = { "brood", "run", "cat", NULL };
 *	struct pty pty;
 *
 *	pty_open(&pty);
 *	pty_exec(&pty, argv);
 *	pty_type(&pty, "hello\n");
 *	pty_expect(&pty, "hello\r\nhello\r\n");
 *	pty_type(&pty, PTY_END_OF_FILE);
 *	assert_int_equal(pty_end(&pty), 0);
 *
 * The terminal is as it is born: it echoes what is typed, edits lines, sends signals for its keys and turns "\n" into "\r\n" on the way out. It
 * has 24 rows of 80 columns. Nothing here waits longer than 30 seconds: it fails the test, and shows what the terminal showed.
 */
#ifndef SUPPORT_PTY_H
#define SUPPORT_PTY_H

#include <stddef.h>
#include <sys/types.h>

/* Keys that the terminal makes a signal or an end of. */
#define PTY_INTERRUPT "\003"	/* SIGINT to the foreground group */
#define PTY_QUIT "\034"		/* SIGQUIT */
#define PTY_SUSPEND "\032"	/* SIGTSTP */
#define PTY_END_OF_FILE "\004"	/* at the start of a line */

struct pty {
	int master;	/* the test's end, non-blocking; read and write by the functions below */
	int slave;	/* held open, so that nobody's leaving looks like the end */
	int shell_fd;	/* to the session's leader */
	pid_t shell;	/* the leader, a child of the test's process until pty_end */
	pid_t job;	/* the job, and the number of its group; the leader's child */
	char *text;	/* all that has been read, a NUL after it */
	size_t size;
	size_t seen;	/* up to where pty_expect has looked */
};

/* A terminal without a session. Skips the test where there are no pseudo-terminals. */
void pty_open(struct pty *ret);

/*
 * Make the session and run the job in it: its descriptors 0, 1 and 2 are the terminal, signals are at their defaults. The function is called
 * in a forked process, where assertions mean nothing: what it returns is the exit status. Not twice for one terminal.
 */
void pty_run(struct pty *pty, int (*fn)(void *data), void *data);

/* The same with a program, found on PATH where argv[0] has no slash. The environment is the test's. 127 where it cannot be executed. */
void pty_exec(struct pty *pty, const char *const *argv);

/* Type these keys. */
void pty_type(struct pty *pty, const char *keys);

/* Read until this text has come, behind what was expected before. */
void pty_expect(struct pty *pty, const char *text);

/* Wait until the job has been stopped, and return the signal. It fails the test when the job ends instead. */
int pty_expect_stop(struct pty *pty);

/* After that: let it go on, in the foreground as `fg` does, or in the background as `bg`. */
void pty_continue(struct pty *pty, int foreground);

/* The foreground group of the terminal: pty->job, or another. */
pid_t pty_foreground(const struct pty *pty);

/* Give it another size. The foreground group gets SIGWINCH. */
void pty_resize(struct pty *pty, unsigned short rows, unsigned short columns);

/*
 * Wait for the end of the job and return its exit status, 128 + n for signal n. What it left in the terminal is in pty->text then, to the last
 * byte, until pty_free. The session ends: whoever is still in its foreground gets SIGHUP.
 */
int pty_end(struct pty *pty);

/* After pty_end, or instead: the session is killed. The terminal is gone. A zeroed one is fine. */
void pty_free(struct pty *pty);

#endif
