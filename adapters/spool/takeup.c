/* prinex: prinex-spool: what lies in out/: taken up, or refused at once
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "client/files.h"
#include "spool/spool.h"

/*
 * One file that cannot be taken up never holds up another: what can never be sent (a folder, a link, a name
 * that nothing can stand beside) goes to refused/ with the reason; what cannot even be moved is said.
 */

/* --- taking up --- */

static bool is_free(const struct spool *s, const char *name)
{
	static const char *const parts[] = {"work", "sent", "refused"};
	static const char *const forms[] = {"", ".px", ".txt"};
	bool taken = false;
	struct px_buf path = PX_BUF_INIT;
	for (size_t i = 0; i < PX_ARRAY_LEN(parts); i++) {
		for (size_t k = 0; k < PX_ARRAY_LEN(forms); k++) {
			spool_path(s, parts[i], name, &path);
			px_buf_adds(&path, forms[k]);
			taken |= px_file_exists(px_buf_str(&path));
		}
	}
	px_buf_free(&path);
	return !taken;
}

/* `a.xml`, else `a.1.xml`, ...: an earlier one of that name keeps it. */
static void choose_name(const struct spool *s, const char *name, struct px_buf *out)
{
	px_buf_setf(out, "%s", name);
	for (unsigned i = 1; !is_free(s, px_buf_str(out)); i++)
		px_buf_setf(out, "%.*s.%u.xml", (int)(strlen(name) - strlen(".xml")), name, i);
}

static void drop_marker(const struct spool *s, const char *name)
{
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, "out", name, &path);
	px_buf_adds(&path, s->settings->spool_marker);
	if (s->settings->spool_marker[0] != '\0')
		unlink(px_buf_str(&path));
	px_buf_free(&path);
}

/* Into @part as @as, or a name like it. */
static int take_to(const struct spool *s, const char *name, const char *part, const char *as,
		   struct px_buf *why)
{
	struct px_buf from = PX_BUF_INIT, to = PX_BUF_INIT;
	spool_path(s, "out", name, &from);
	spool_path(s, part, as, &to);
	int rc = px_file_move(px_buf_str(&from), px_buf_str(&to), why);
	if (rc == PX_OK)
		drop_marker(s, name);
	px_buf_free(&from);
	px_buf_free(&to);
	return rc;
}

static int take_up(const struct spool *s, const char *name, struct px_buf *why)
{
	struct px_buf ours = PX_BUF_INIT;
	choose_name(s, name, &ours);
	int rc = take_to(s, name, "work", px_buf_str(&ours), why);
	px_buf_free(&ours);
	return rc;
}

/* --- what can never be sent --- */

const char *spool_unfit_kind(const char *path)
{
	struct stat st;
	if (lstat(path, &st) != 0 || S_ISREG(st.st_mode))
		return NULL;
	return S_ISDIR(st.st_mode)   ? "it is a folder, not a file"
	       : S_ISLNK(st.st_mode) ? "it is a symbolic link, not a file; links are not followed"
				     : "it is a pipe, a socket or a device, not a file";
}

static bool is_printable(const char *name, size_t len)
{
	for (size_t i = 0; i < len;) {
		size_t n = px_utf8_length(name + i, len - i);
		if (n == 0 || (n == 1 && ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)))
			return false;
		i += n;
	}
	return true;
}

unsigned spool_name_max(long most)
{
	enum { USUAL = 255, LEAST = 20, BESIDE = 55 };
	most = most > 0 ? most : USUAL;
	return most > LEAST + BESIDE ? (unsigned)PX_MIN(most - BESIDE, (long)USUAL - BESIDE) : LEAST;
}

/* NULL: it can be sent. */
static const char *unfit(const struct spool *s, const char *name)
{
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, "out", name, &path);
	const char *why = spool_unfit_kind(px_buf_str(&path));
	if (why == NULL && !is_printable(name, strlen(name)))
		why = "its name is not UTF-8, or holds control characters";
	if (why == NULL && strlen(name) > s->name_max)
		why =
		    "its name is too long: others stand beside it, such as FILE.coa, whose names are longer";
	px_buf_free(&path);
	return why;
}

/* As it can be shown: what cannot be is \xHH (@hex) or an underscore. */
static void show_name(const char *name, size_t len, bool hex, struct px_buf *out)
{
	for (size_t i = 0; i < len;) {
		size_t n = px_utf8_length(name + i, len - i);
		bool good = n > 0 && is_printable(name + i, n);
		if (good)
			px_buf_add(out, name + i, n);
		else if (hex)
			px_buf_addf(out, "\\x%02X", (unsigned)(unsigned char)name[i]);
		else
			px_buf_addc(out, '_');
		i += good ? n : 1;
	}
}

/* The words first: a crash in between leaves words too many, never a file without them. */
static int refuse(struct spool *s, const char *name, const char *reason, struct px_buf *why)
{
	struct px_buf plain = PX_BUF_INIT, ours = PX_BUF_INIT, words = PX_BUF_INIT, text = PX_BUF_INIT;
	size_t stem = strlen(name) - strlen(".xml");
	show_name(name, px_utf8_cut(name, stem, PX_MIN(stem, (size_t)s->name_max - strlen(".xml"))), false,
		  &plain);
	px_buf_adds(&plain, ".xml");
	choose_name(s, px_buf_str(&plain), &ours);
	spool_path(s, "refused", px_buf_str(&ours), &words);
	px_buf_adds(&words, ".txt");
	show_name(name, strlen(name), true, &text);
	px_buf_addf(&text, ": not sent: %s\n", reason);
	int rc = px_file_put(px_buf_str(&words), text.data, text.len, why);
	if (rc == PX_OK) {
		rc = take_to(s, name, "refused", px_buf_str(&ours), why);
		if (rc != PX_OK)
			unlink(px_buf_str(&words));
	}
	pthread_mutex_lock(&s->lock);
	s->refused += rc == PX_OK;
	pthread_mutex_unlock(&s->lock);
	px_buf_free(&plain);
	px_buf_free(&ours);
	px_buf_free(&words);
	px_buf_free(&text);
	return rc;
}

/* --- all --- */

static bool is_complete(const struct spool *s, const char *name)
{
	struct px_buf marker = PX_BUF_INIT;
	if (s->settings->spool_marker[0] == '\0')
		return true;
	spool_path(s, "out", name, &marker);
	px_buf_adds(&marker, s->settings->spool_marker);
	bool there = px_file_exists(px_buf_str(&marker));
	px_buf_free(&marker);
	return there;
}

/* Whether it is still there: else somebody took it back, and nobody waits for it. */
static bool is_there(const struct spool *s, const char *name)
{
	struct stat st;
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, "out", name, &path);
	bool there = lstat(px_buf_str(&path), &st) == 0;
	px_buf_free(&path);
	return there;
}

int spool_take_up(struct spool *s, unsigned room, struct px_buf *why)
{
	unsigned n = 0;
	int rc = PX_OK;
	struct px_buf reason = PX_BUF_INIT;
	char **names = room > 0 ? spool_list(s, "out", ".xml", &n, why) : NULL;
	if (names == NULL)
		return room > 0 ? PX_ESYS : PX_OK;
	for (unsigned i = 0; i < n && room > 0; i++) {
		if (!is_complete(s, names[i]))
			continue;
		const char *never = unfit(s, names[i]);
		int one = never != NULL ? refuse(s, names[i], never, &reason) : take_up(s, names[i], &reason);
		room -= one == PX_OK && never == NULL;
		if (one != PX_OK && rc == PX_OK && is_there(s, names[i])) {
			rc = one;
			px_buf_setf(why, "%s", px_buf_str(&reason));
		}
	}
	spool_list_free(names, n);
	px_buf_free(&reason);
	return rc;
}

const char *spool_unfit_marker(const char *marker)
{
	enum { MOST = 50 };
	if (strchr(marker, '/') != NULL)
		return "it holds a slash, and the marker lies beside its file";
	if (px_str_ends(marker, ".xml"))
		return "it ends in .xml, so the marker would be taken for a document";
	return strlen(marker) > MOST ? "it is longer than 50 octets" : NULL;
}

/* Nothing but FILE.xml with the suffix is a marker: whatever else ends so is not ours to remove. */
void spool_drop_markers(const struct spool *s)
{
	unsigned n = 0;
	struct px_buf why = PX_BUF_INIT, path = PX_BUF_INIT, suffix = PX_BUF_INIT;
	size_t len = strlen(s->settings->spool_marker);
	px_buf_addf(&suffix, ".xml%s", s->settings->spool_marker);
	char **names = len > 0 ? spool_list(s, "out", px_buf_str(&suffix), &n, &why) : NULL;
	for (unsigned i = 0; i < n; i++) {
		spool_path(s, "out", names[i], &path);
		char *file = px_xstrndup(px_buf_str(&path), path.len - len);
		if (!px_file_exists(file))
			unlink(px_buf_str(&path));
		free(file);
	}
	if (names != NULL)
		spool_list_free(names, n);
	px_buf_free(&why);
	px_buf_free(&path);
	px_buf_free(&suffix);
}
