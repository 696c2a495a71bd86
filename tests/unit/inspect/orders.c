/* prinex: an examination that does what the document orders, crimes included
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "base/strings.h"
#include "inspect/parent.h"
#include "inspect/wire.h"
#include "pool_fixture.h"

static unsigned examined; /* by this process */
static int own_socket = -1;
static pid_t grandparent; /* the broker */

static struct px_verdict *good(const struct px_exam *exam, const char *text)
{
	struct px_verdict *v = px_xcalloc(1, sizeof(*v));
	v->kind = exam->kind;
	v->stage = PX_STAGE_OK;
	v->has_header = true;
	px_strlcpy(v->header.message_id, "ID1", sizeof(v->header.message_id));
	px_strlcpy(v->header.sender, "XA", sizeof(v->header.sender));
	px_strlcpy(v->header.type, text, sizeof(v->header.type));
	v->header.created_at = exam->now;
	px_strlcpy(v->signer.authority, "XA", sizeof(v->signer.authority));
	v->signer.role = exam->first_broker ? PX_ROLE_SYSTEM : PX_ROLE_NODE;
	v->profile = 1;
	if (exam->kind == PX_DOC_CONFIRMATION) {
		v->n_entries = 1;
		v->entries = px_xcalloc(1, sizeof(v->entries[0]));
		struct px_confirmation *e = &v->entries[0];
		px_strlcpy(e->ref_sender, exam->expected_sender, sizeof(e->ref_sender));
		px_strlcpy(e->ref_message_id, exam->expected_id, sizeof(e->ref_message_id));
		if (exam->expected_digest != NULL)
			memcpy(e->ref_digest, exam->expected_digest, PX_DIGEST_LEN);
		e->permanent = exam->roles == 1u << PX_ROLE_NODE;
	}
	return v;
}

static void spin_ms(int64_t ms)
{
	int64_t end = px_clock_mono(px_clock_real()) + ms;
	while (px_clock_mono(px_clock_real()) < end)
		;
}

/* Waits without using CPU time. */
static void wait_for_ever(void)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	pthread_mutex_lock(&m);
	pthread_mutex_lock(&m);
}

static void die_of(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}

/* Slow enough for others to be handed over behind it. */
static void slow_crash(void)
{
	spin_ms(30);
	die_of(SIGSEGV);
}

/* The second try, which comes to a fresh process, does not end. */
static void crash_then_spin(void)
{
	if (examined > 1)
		die_of(SIGSEGV);
	spin_ms(60000);
}

static void take_all_memory(void)
{
	for (;;)
		memset(px_xmalloc(16 * 1024 * 1024), 1, 16 * 1024 * 1024);
}

/* --- forbidden deeds -------------------------------------------------------------------------------------
 */

static void do_open(void)
{
	open("/etc/passwd", O_RDONLY);
}
static void do_socket(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}
static void do_execve(void)
{
	char *argv[] = {(char *)"true", NULL};
	execve("/bin/true", argv, argv + 1);
}
static void do_fork(void)
{
	fork();
}
static void do_kill(void)
{
	kill(grandparent, SIGTERM);
}
static void do_ptrace(void)
{
	ptrace(PTRACE_ATTACH, grandparent, NULL, NULL);
}
static void do_read_memory(void)
{
	char octet;
	const struct iovec to = {&octet, 1}, from = {(void *)&examined, 1};
	process_vm_readv(grandparent, &to, 1, &from, 1, 0);
}
static void do_run_data(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
static void do_make_code(void)
{
	static uint8_t page[4096] __attribute__((aligned(4096)));
	mprotect(page, sizeof(page), PROT_READ | PROT_EXEC);
}
static void do_write_stdout(void)
{
	PX_UNUSED ssize_t n = write(1, "x", 1);
}

static const struct {
	const char *name;
	void (*commit)(void);
} crimes[] = {{"open", do_open},
	      {"socket", do_socket},
	      {"execve", do_execve},
	      {"fork", do_fork},
	      {"kill", do_kill},
	      {"ptrace", do_ptrace},
	      {"read-memory", do_read_memory},
	      {"run-data", do_run_data},
	      {"make-code", do_make_code},
	      {"write-stdout", do_write_stdout}};

/* --- forged answers --------------------------------------------------------------------------------------
 */

/* Right after fork the inspector's socket is the highest one. The sandbox would not let us look later. */
static void find_own_socket(void)
{
	own_socket = -1;
	for (int fd = 3; fd < 64; fd++) {
		struct stat st;
		if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
			own_socket = fd;
	}
}

static void send_answer(uint32_t magic, uint32_t slot, uint64_t cookie, uint64_t len, size_t size)
{
	const struct px_wire_answer a = {.magic = magic, .slot = slot, .cookie = cookie, .verdict_len = len};
	send(own_socket, &a, size, 0);
	wait_for_ever();
}

static void forge(const char *what)
{
	const size_t all = sizeof(struct px_wire_answer);
	if (strcmp(what, "cookie") == 0)
		send_answer(PX_WIRE_MAGIC, 0, 77777, 100, all);
	else if (strcmp(what, "slot") == 0)
		send_answer(PX_WIRE_MAGIC, 9, 1, 100, all);
	else if (strcmp(what, "length") == 0)
		send_answer(PX_WIRE_MAGIC, 0, 1, 1ull << 40, all);
	else if (strcmp(what, "empty") == 0)
		send_answer(PX_WIRE_MAGIC, 0, 1, 0, all);
	else if (strcmp(what, "magic") == 0)
		send_answer(1, 0, 1, 100, all);
	else
		send_answer(PX_WIRE_MAGIC, 0, 1, 100, 5);
}

static int compare(const void *a, const void *b)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

/* What an examination may do: none of it may look like a crime. */
static struct px_verdict *innocent(const struct px_exam *exam)
{
	char now[32];
	px_time_format(exam->now, now, sizeof(now));
	uint8_t *large = px_xcalloc(3, 1024 * 1024);
	qsort(large, 100000, 1, compare);
	large = px_xrealloc(large, 8 * 1024 * 1024);
	memset(large, 1, 8 * 1024 * 1024);
	free(large);
	for (size_t i = 0; i < 1000; i++)
		free(px_xmalloc(i * 1000));
	px_warnx("inspect", "a line that goes nowhere");
	return good(exam, now);
}

/* A verdict that contradicts itself, or answers another question. */
static struct px_verdict *lie(const struct px_exam *exam, const char *how)
{
	struct px_verdict *v = good(exam, "lie");
	if (strcmp(how, "kind") == 0)
		v->kind = PX_DOC_CONFIRMATION;
	else if (strcmp(how, "unsigned") == 0)
		v->signer.authority[0] = '\0';
	else
		v->payload_len = 0x7fffffff;
	return v;
}

static struct px_verdict *obey(const struct px_exam *exam, const char *order, const char *rest)
{
	examined++;
	if (strcmp(order, "spin") == 0)
		spin_ms(strtol(rest, NULL, 10));
	else if (strcmp(order, "wait") == 0)
		wait_for_ever();
	else if (strcmp(order, "crash") == 0)
		die_of(SIGSEGV);
	else if (strcmp(order, "slow-crash") == 0)
		slow_crash();
	else if (strcmp(order, "abort") == 0)
		px_assert(strcmp(rest, "never") == 0);
	else if (strcmp(order, "late-crash") == 0 && examined > 1)
		die_of(SIGSEGV);
	else if (strcmp(order, "crash-then-spin") == 0)
		crash_then_spin();
	else if (strcmp(order, "hog") == 0)
		take_all_memory();
	else if (strcmp(order, "forge") == 0)
		forge(rest);
	else if (strcmp(order, "lie") == 0)
		return lie(exam, rest);
	for (size_t i = 0; i < PX_ARRAY_LEN(crimes); i++) {
		if (strcmp(order, crimes[i].name) == 0)
			crimes[i].commit();
	}
	if (strcmp(order, "innocent") == 0)
		return innocent(exam);
	return good(exam, rest);
}

static struct px_verdict *examine(void *arg PX_UNUSED, const struct px_exam *exam, const uint8_t *data,
				  size_t len)
{
	char order[64], *rest;
	px_strlcpy_n(order, (const char *)data, PX_MIN(len, sizeof(order) - 1), sizeof(order));
	if (strcmp(order, "scribble") == 0)
		*(volatile uint8_t *)data = 'X';
	rest = strchr(order, ' ');
	if (rest != NULL)
		*rest++ = '\0';
	return obey(exam, order, rest != NULL ? rest : "");
}

/* Arguments as prinexd gets them; `conf` says how the parent behaves. */
int orders_main(int argc, char **argv)
{
	const char *conf = "";
	uint64_t fd = 0, limit = 0;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--conf") == 0)
			conf = argv[i + 1];
		else if (strcmp(argv[i], "--fd") == 0)
			px_parse_u64(argv[i + 1], 3, 1000, &fd);
		else if (strcmp(argv[i], "--body-limit") == 0)
			px_parse_u64(argv[i + 1], 1, 1u << 30, &limit);
	}
	px_parent_begin((int)fd);
	if (strcmp(conf, "wrong") == 0)
		return px_parent_fail((int)fd, "the configuration is wrong");
	if (strcmp(conf, "exit") == 0)
		return 7;
	if (strcmp(conf, "hang") == 0)
		pause();
	grandparent = getppid();
	pthread_atfork(NULL, NULL, find_own_socket);
	return px_parent_serve((int)fd, limit, examine, NULL);
}
