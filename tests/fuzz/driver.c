/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer: first the files of its corpus, then changes of them, always the same ones for the same seed.
 *
 *	fuzz_units [FILE...]            without files: $BROOD_SRCDIR/tests/fuzz/corpus/units/
 *	BROOD_FUZZ_RUNS=N               so many changes (20000)
 *	BROOD_FUZZ_SEED=N               others than usual
 *
 * An input that ends the program is shown with its seed and number, in a form that printf(1) takes.
 */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

enum {
	INPUT_MOST = 4096,      /* bytes: larger files of a corpus are cut */
	CORPUS_MOST = 1024,
	RUNS = 20000,
	CHANGES_MOST = 4        /* in one input */
};
#define SEED UINT64_C(20240607)

struct input {
	uint8_t bytes[INPUT_MOST];
	size_t size;
};

__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);
/* Sanitizers end a program without a signal. */
__attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)(void));

/* ---- what is being run, for the one who has to mend it -------------------------------------------------------- */

static struct input now;
static char now_named[512];
static volatile sig_atomic_t running;

/* Called from a signal handler too: nothing but write(2). */
static void show_input(void)
{
	static const char digits[] = "01234567";
	static char text[4 * INPUT_MOST];
	size_t used = 0;

	if (!running)
		return;
	running = 0;
	for (size_t i = 0; i < now.size; i++) {
		text[used++] = '\\';
		text[used++] = digits[now.bytes[i] >> 6];
		text[used++] = digits[now.bytes[i] >> 3 & 7];
		text[used++] = digits[now.bytes[i] & 7];
	}
	if (write(STDERR_FILENO, now_named, strlen(now_named)) < 0 || write(STDERR_FILENO, ": printf '", 10) < 0 ||
	    write(STDERR_FILENO, text, used) < 0 || write(STDERR_FILENO, "'\n", 2) < 0)
		return;
}

static void on_end(int number)
{
	show_input();
	signal(number, SIG_DFL);
	raise(number);
}

static void watch(void)
{
	static char stack[1 << 16];
	const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL };
	struct sigaction action = { .sa_handler = on_end, .sa_flags = SA_ONSTACK };
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };

	/* A target that recursed until its stack was full has no room for a handler there. */
	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	if (__sanitizer_set_death_callback)
		__sanitizer_set_death_callback(show_input);
}

static void run_now(void)
{
	/* A copy of just its size: a sanitizer or valgrind sees a read beyond it. */
	uint8_t *copy = malloc(now.size ? now.size : 1);

	if (!copy)
		abort();
	memcpy(copy, now.bytes, now.size);
	running = 1;
	LLVMFuzzerTestOneInput(copy, now.size);
	running = 0;
	free(copy);
}

/* ---- the corpus ----------------------------------------------------------------------------------------------- */

static struct input *corpus;
static size_t corpus_count;

static void corpus_add(const char *path)
{
	struct input *input = &corpus[corpus_count];
	FILE *file = fopen(path, "rbe");

	if (!file || corpus_count == CORPUS_MOST - 1) {
		fprintf(stderr, "%s: %s\n", path, file ? "too many files" : "cannot be read");
		exit(1);
	}
	input->size = fread(input->bytes, 1, sizeof(input->bytes), file);
	fclose(file);
	corpus_count++;
}

static int is_file_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of their names: a folder's own order would make other changes on another file system. */
static void corpus_add_folder(const char *folder)
{
	struct dirent **entries = NULL;
	int count = scandir(folder, &entries, is_file_name, alphasort);
	char path[8192];

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		corpus_add(path);
		free(entries[i]);
	}
	free(entries);
}

/* fuzz_units, .libs/fuzz_units and .libs/lt-fuzz_units (libtool) are the target "units". */
static const char *target_name(const char *program)
{
	const char *name = strstr(program, "fuzz_");

	for (const char *next; name && (next = strstr(name + 1, "fuzz_"));)
		name = next;
	return name ? name + strlen("fuzz_") : program;
}

static void corpus_read(int argc, char **argv)
{
	const char *sources = getenv("BROOD_SRCDIR");
	char folder[4096];

	corpus = calloc(CORPUS_MOST, sizeof(*corpus));
	if (!corpus)
		abort();
	for (int i = 1; i < argc; i++)
		corpus_add(argv[i]);
	if (argc == 1) {
		snprintf(folder, sizeof(folder), "%s/tests/fuzz/corpus/%s", sources ? sources : ".", target_name(argv[0]));
		corpus_add_folder(folder);
		/* A corpus that is not found would pass every time. */
		if (corpus_count == 0) {
			fprintf(stderr, "%s has no file\n", folder);
			exit(1);
		}
	}
}

/* ---- changes -------------------------------------------------------------------------------------------------- */

static uint64_t state;

/* splitmix64 (Steele, Lea, Flood 2014): any seed will do. Below `most`. */
static size_t draw(size_t most)
{
	uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((z ^ z >> 31) % most);
}

/* Put `size` bytes in at `at`, as far as there is room. */
static void insert(struct input *input, size_t at, const uint8_t *bytes, size_t size)
{
	if (size > sizeof(input->bytes) - input->size)
		size = sizeof(input->bytes) - input->size;
	memmove(input->bytes + at + size, input->bytes + at, input->size - at);
	memcpy(input->bytes + at, bytes, size);
	input->size += size;
}

static void take_out(struct input *input, size_t at, size_t size)
{
	memmove(input->bytes + at, input->bytes + at + size, input->size - at - size);
	input->size -= size;
}

/* A byte that means something as a rule: one of a corpus file. Now and then any. */
static uint8_t likely_byte(void)
{
	const struct input *from = &corpus[draw(corpus_count)];

	return from->size > 0 && draw(4) > 0 ? from->bytes[draw(from->size)] : (uint8_t)draw(256);
}

static void change(struct input *input)
{
	size_t at = draw(input->size + 1), left = input->size - at;
	const struct input *from = &corpus[draw(corpus_count)];
	uint8_t bytes[64];
	size_t size, begin;

	switch (draw(6)) {
	case 0: /* another byte */
		if (left > 0)
			input->bytes[at] = likely_byte();
		break;
	case 1: /* one bit */
		if (left > 0)
			input->bytes[at] ^= (uint8_t)(1 << draw(8));
		break;
	case 2: /* a byte more, or many of one */
		size = draw(8) == 0 ? 1 + draw(sizeof(bytes)) : 1;
		memset(bytes, likely_byte(), size);
		insert(input, at, bytes, size);
		break;
	case 3: /* some less */
		if (left > 0)
			take_out(input, at, 1 + draw(left < 8 ? left : 8));
		break;
	case 4: /* a part of another */
		if (from->size == 0)
			break;
		begin = draw(from->size);
		size = from->size - begin;
		insert(input, at, from->bytes + begin, 1 + draw(size));
		break;
	case 5: /* a part of itself again */
		size = left < sizeof(bytes) ? left : sizeof(bytes);
		memcpy(bytes, input->bytes + at, size);
		insert(input, draw(input->size + 1), bytes, size);
		break;
	}
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoull(value, NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	uint64_t runs = number_from("BROOD_FUZZ_RUNS", RUNS), seed = number_from("BROOD_FUZZ_SEED", SEED);

	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	corpus_read(argc, argv);
	watch();
	for (size_t i = 0; i < corpus_count; i++) {
		snprintf(now_named, sizeof(now_named), "file %zu of the corpus", i + 1);
		now = corpus[i];
		run_now();
	}
	state = seed;
	for (uint64_t run = 1; run <= runs; run++) {
		snprintf(now_named, sizeof(now_named), "BROOD_FUZZ_SEED=%" PRIu64 ", change %" PRIu64, seed, run);
		now = corpus[draw(corpus_count)];
		for (size_t changes = 1 + draw(CHANGES_MOST); changes > 0; changes--)
			change(&now);
		run_now();
	}
	printf("%zu files, %" PRIu64 " changes of them, seed %" PRIu64 "\n", corpus_count, runs, seed);
	free(corpus);
	return 0;
}
