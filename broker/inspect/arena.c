/* prinex: the arena: a sealed memfd
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"

/* Of documents and of verdicts, kept when there is nothing to do: a single ordinary message never pays for
 * fresh pages. */
#define KEEP ((size_t)64 * 1024)
#define PAGE ((size_t)4096)

static size_t round_up(size_t n)
{
	return (n + PAGE - 1) / PAGE * PAGE;
}

static size_t docs_size(uint64_t body_limit)
{
	/* A confirmation must fit whatever the limit for exchanges is. */
	uint64_t largest = PX_MAX(body_limit, (uint64_t)PX_LIMIT_CONFIRMATION);
	px_assert(largest <= (uint64_t)PX_LIMIT_BODY_MAX);
	return PX_MAX(round_up((size_t)largest), PX_ARENA_SLOTS * PX_ARENA_SMALL);
}

static size_t verdict_at(unsigned slot)
{
	return slot * round_up((size_t)PX_LIMIT_VERDICT);
}

static size_t verdicts_size(void)
{
	return verdict_at(PX_ARENA_SLOTS);
}

static int map(struct px_arena *a, int fd, int docs_prot, int verdicts_prot)
{
	void *docs = mmap(NULL, a->docs_size, docs_prot, MAP_SHARED, fd, 0);
	if (docs == MAP_FAILED)
		return PX_ESYS;
	void *verdicts = mmap(NULL, verdicts_size(), verdicts_prot, MAP_SHARED, fd, (off_t)a->docs_size);
	if (verdicts == MAP_FAILED) {
		int err = errno;
		munmap(docs, a->docs_size);
		errno = err;
		return PX_ESYS;
	}
	a->docs = docs;
	a->verdicts = verdicts;
	return PX_OK;
}

int px_arena_new(uint64_t body_limit, struct px_arena *out)
{
	struct px_arena a = {.fd = -1, .docs_size = docs_size(body_limit)};
	a.fd = memfd_create("prinex-arena", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (a.fd < 0)
		return PX_ESYS;
	if (ftruncate(a.fd, (off_t)(a.docs_size + verdicts_size())) != 0 ||
	    fcntl(a.fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0 ||
	    map(&a, a.fd, PROT_WRITE, PROT_READ) != PX_OK) {
		int err = errno;
		close(a.fd);
		errno = err;
		return PX_ESYS;
	}
	*out = a;
	return PX_OK;
}

int px_arena_attach(int fd, uint64_t body_limit, struct px_arena *out)
{
	struct px_arena a = {.fd = -1, .docs_size = docs_size(body_limit)};
	struct stat st;
	if (fstat(fd, &st) != 0)
		return PX_ESYS;
	if (st.st_size != (off_t)(a.docs_size + verdicts_size()))
		return PX_EINVAL;
	int rc = map(&a, fd, PROT_READ, PROT_READ | PROT_WRITE);
	if (rc == PX_OK)
		*out = a;
	return rc;
}

void px_arena_close(struct px_arena *a)
{
	if (a->docs != NULL) {
		munmap(a->docs, a->docs_size);
		munmap(a->verdicts, verdicts_size());
	}
	if (a->fd >= 0)
		close(a->fd);
	*a = (struct px_arena){.fd = -1};
}

size_t px_arena_room(const struct px_arena *a, unsigned slot)
{
	return slot == 0 ? a->docs_size : PX_ARENA_SMALL;
}

void px_arena_put(struct px_arena *a, unsigned slot, const void *data, size_t len)
{
	px_assert(slot < PX_ARENA_SLOTS && len <= px_arena_room(a, slot));
	size_t at = slot * PX_ARENA_SMALL;
	if (len > 0)
		memcpy(a->docs + at, data, len);
	a->docs_used = PX_MAX(a->docs_used, at + len);
}

void px_arena_copy_verdict(struct px_arena *a, unsigned slot, size_t len, struct px_buf *out)
{
	px_assert(len <= (size_t)PX_LIMIT_VERDICT);
	px_buf_add(out, px_arena_verdict(a, slot), len);
	a->verdicts_used = PX_MAX(a->verdicts_used, verdict_at(slot) + len);
}

static void punch(const struct px_arena *a, size_t start, size_t used)
{
	/* Failing costs memory, nothing else. */
	if (used > KEEP && fallocate(a->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(start + KEEP),
				     (off_t)(round_up(used) - KEEP)) != 0)
		return;
}

bool px_arena_is_swollen(const struct px_arena *a)
{
	return a->docs_used > KEEP || a->verdicts_used > KEEP;
}

void px_arena_shrink(struct px_arena *a)
{
	punch(a, 0, a->docs_used);
	punch(a, a->docs_size, a->verdicts_used);
	a->docs_used = a->verdicts_used = 0;
}

const uint8_t *px_arena_doc(const struct px_arena *a, unsigned slot)
{
	px_assert(slot < PX_ARENA_SLOTS);
	return a->docs + slot * PX_ARENA_SMALL;
}

uint8_t *px_arena_verdict(const struct px_arena *a, unsigned slot)
{
	px_assert(slot < PX_ARENA_SLOTS);
	return a->verdicts + verdict_at(slot);
}
