/* prinex: prinex-spool: folders as lists, and the status file
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "client/files.h"
#include "spool/spool.h"

void spool_path(const struct spool *s, const char *part, const char *name, struct px_buf *out)
{
	px_buf_setf(out, "%s/%s%s%s", s->folder, part, name[0] != '\0' ? "/" : "", name);
}

/* --- lists --- */

struct entry {
	struct timespec at;
	char *name;
};

static int older(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->at.tv_sec != y->at.tv_sec)
		return x->at.tv_sec < y->at.tv_sec ? -1 : 1;
	if (x->at.tv_nsec != y->at.tv_nsec)
		return x->at.tv_nsec < y->at.tv_nsec ? -1 : 1;
	return strcmp(x->name, y->name);
}

static bool fits(const struct dirent *e, const char *suffix)
{
	return e->d_name[0] != '.' && strlen(e->d_name) > strlen(suffix) && px_str_ends(e->d_name, suffix);
}

char **spool_list(const struct spool *s, const char *part, const char *suffix, unsigned *n,
		  struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT;
	struct entry *list = NULL;
	*n = 0;
	spool_path(s, part, "", &path);
	DIR *d = opendir(px_buf_str(&path));
	if (d == NULL)
		px_buf_setf(why, "cannot read folder %s: %s", px_buf_str(&path), strerror(errno));
	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		struct stat st;
		if (!fits(e, suffix) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		list = px_xrealloc_array(list, *n + 1, sizeof(*list));
		list[(*n)++] = (struct entry){st.st_mtim, px_xstrdup(e->d_name)};
	}
	px_buf_free(&path);
	if (d == NULL)
		return NULL;
	closedir(d);
	if (*n > 0)
		qsort(list, *n, sizeof(*list), older);
	char **names = px_xcalloc(*n + 1, sizeof(*names));
	for (unsigned i = 0; i < *n; i++)
		names[i] = list[i].name;
	free(list);
	return names;
}

void spool_list_free(char **names, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

unsigned spool_count(const struct spool *s, const char *part, const char *suffix)
{
	struct px_buf path = PX_BUF_INIT;
	unsigned n = 0;
	spool_path(s, part, "", &path);
	DIR *d = opendir(px_buf_str(&path));
	for (const struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
		n += fits(e, suffix);
	if (d != NULL)
		closedir(d);
	px_buf_free(&path);
	return n;
}

/* --- folders that vanish --- */

static bool is_ours(const struct spool *s)
{
	struct stat ours, there;
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, ".spool", "lock", &path);
	bool same = fstat(s->locked, &ours) == 0 && stat(px_buf_str(&path), &there) == 0 &&
		    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
	px_buf_free(&path);
	return same;
}

void spool_keep_folders(const struct spool *s)
{
	static const char *const parts[] = {"out", "sent", "refused", "in", "aside"};
	struct px_buf path = PX_BUF_INIT;
	bool ours = is_ours(s);
	for (size_t i = 0; ours && i < PX_ARRAY_LEN(parts); i++) {
		spool_path(s, parts[i], "", &path);
		(void)mkdir(px_buf_str(&path), 0777); /* where it cannot be made, what needs it says so */
	}
	px_buf_free(&path);
}

/* --- what is said --- */

void spool_say(struct spool *s, struct px_buf *ails, const char *text)
{
	pthread_mutex_lock(&s->lock);
	bool changed = strcmp(px_buf_str(ails), text) != 0, ended = text[0] == '\0';
	if (changed)
		px_buf_setf(ails, "%s", text);
	pthread_mutex_unlock(&s->lock);
	if (changed)
		fprintf(stderr, "prinex-spool: %s%s\n",
			ails == &s->sending    ? "sending: "
			: ails == &s->fetching ? "fetching: "
					       : "status: ",
			ended ? "all is well again" : text);
}

static void put_text(json_t *o, const char *name, const struct px_buf *text)
{
	json_object_set_new(o, name, text->len > 0 ? json_string(px_buf_str(text)) : json_null());
}

static void put_count(json_t *o, const char *name, uint64_t n)
{
	json_object_set_new(o, name, json_integer((json_int_t)n));
}

static json_t *describe(struct spool *s, bool running)
{
	char at[32];
	json_t *o = json_object();
	px_time_format(px_clock_wall(px_clock_real()), at, sizeof(at));
	json_object_set_new(o, "at", json_string(at));
	json_object_set_new(o, "pid", json_integer(getpid()));
	json_object_set_new(o, "running", json_boolean(running));
	put_count(o, "out", spool_count(s, "out", ".xml"));
	put_count(o, "work", spool_count(s, "work", ".xml"));
	put_count(o, "in", spool_count(s, "in", ".xml"));
	pthread_mutex_lock(&s->lock);
	put_count(o, "sent", s->sent);
	put_count(o, "refused", s->refused);
	put_count(o, "received", s->received);
	put_count(o, "confirmed", s->confirmed);
	put_count(o, "set_aside", s->set_aside);
	put_text(o, "sending", &s->sending);
	put_text(o, "fetching", &s->fetching);
	pthread_mutex_unlock(&s->lock);
	return o;
}

void spool_status(struct spool *s, bool running)
{
	struct px_buf path = PX_BUF_INIT, line = PX_BUF_INIT, why = PX_BUF_INIT;
	json_t *o = describe(s, running);
	char *text = json_dumps(o, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
	px_buf_addf(&line, "%s\n", text);
	spool_path(s, "status.json", "", &path);
	/* said once: it is written anew every few seconds, and a full disk may hold the log as well */
	bool told = px_file_put(px_buf_str(&path), line.data, line.len, &why) == PX_OK;
	spool_say(s, &s->telling, told ? "" : px_buf_str(&why));
	free(text);
	json_decref(o);
	px_buf_free(&path);
	px_buf_free(&line);
	px_buf_free(&why);
}
