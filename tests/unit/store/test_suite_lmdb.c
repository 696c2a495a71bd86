/* prinex: the store's conformance suite on the LMDB store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/redo.h"

#include "suite.h"

#define MAP_SIZE (64u * 1024 * 1024)

struct folder {
	char path[64];
	unsigned copies;
	struct px_clock *clock;
};

static struct px_store *open_store(const char *path, struct px_clock *clock)
{
	struct px_store_lmdb_setup setup = {.path = path, .map_size = MAP_SIZE, .batch = 16, .clock = clock};
	struct px_buf why = PX_BUF_INIT;
	struct px_store *st = NULL;
	if (px_store_lmdb_open(&setup, &st, &why) != PX_OK) {
		printf("# %s\n", px_buf_str(&why));
		abort();
	}
	px_buf_free(&why);
	return st;
}

static void store_path(const struct folder *f, char *out, size_t size)
{
	(void)snprintf(out, size, "%s/%u", f->path, f->copies);
}

static struct px_store *make(struct suite_backend *backend, struct px_clock *clock)
{
	struct folder *f = backend->data;
	char path[80];
	(void)snprintf(f->path, sizeof(f->path), "/tmp/px-suite-XXXXXX");
	if (mkdtemp(f->path) == NULL)
		abort();
	f->copies = 0;
	f->clock = clock;
	store_path(f, path, sizeof(path));
	return open_store(path, clock);
}

static struct px_store *reopen(struct suite_backend *backend, struct px_store *st)
{
	struct folder *f = backend->data;
	char path[80];
	px_store_close(&st);
	store_path(f, path, sizeof(path));
	return open_store(path, f->clock);
}

static void copy_file(const char *from, const char *to, const char *name)
{
	struct px_buf data = PX_BUF_INIT, path = PX_BUF_INIT;
	px_buf_addf(&path, "%s/%s", from, name);
	if (px_buf_read_file(&data, px_buf_str(&path), MAP_SIZE, NULL) != PX_OK)
		abort();
	px_buf_clear(&path);
	px_buf_addf(&path, "%s/%s", to, name);
	FILE *out = fopen(px_buf_str(&path), "wb");
	if (out == NULL || fwrite(data.data, 1, data.len, out) != data.len || fclose(out) != 0)
		abort();
	px_buf_free(&data);
	px_buf_free(&path);
}

/* What a machine that stops now would leave on its disk: the files as they are, before anything is closed.
 * The log first: a commit may come in between, which makes it void. */
static struct px_store *crash(struct suite_backend *backend, struct px_store *st)
{
	struct folder *f = backend->data;
	char from[80], to[80];
	store_path(f, from, sizeof(from));
	f->copies++;
	store_path(f, to, sizeof(to));
	if (mkdir(to, 0700) != 0)
		abort();
	copy_file(from, to, PX_REDO_FILE);
	copy_file(from, to, "data.mdb");
	px_store_close(&st);
	return open_store(to, f->clock);
}

static void remove_folder(struct suite_backend *backend)
{
	static const char *const files[] = {"data.mdb", PX_REDO_FILE, "lock.mdb", "in-use"};
	struct folder *f = backend->data;
	char path[80];
	for (unsigned i = 0; i <= f->copies; i++) {
		(void)snprintf(path, sizeof(path), "%s/%u", f->path, i);
		for (size_t k = 0; k < PX_ARRAY_LEN(files); k++) {
			char file[112];
			(void)snprintf(file, sizeof(file), "%s/%s", path, files[k]);
			unlink(file);
		}
		rmdir(path);
	}
	rmdir(f->path);
}

int main(void)
{
	static struct folder folder;
	struct suite_backend backend = {.name = "lmdb",
					.data = &folder,
					.make = make,
					.reopen = reopen,
					.crash = crash,
					.remove = remove_folder,
					.small_queue = true};
	return suite_run(&backend);
}
