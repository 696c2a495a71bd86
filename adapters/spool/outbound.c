/* prinex: prinex-spool: from out/ to the broker, and on to sent/ or refused/
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "client/files.h"
#include "client/send.h"
#include "spool/spool.h"

/*
 * What a crash may leave, and why it never doubles or loses: a document in work/ is ours. FILE.px beside it
 * is what is sent again; an answer beside that ends it. Moving away begins with FILE itself, so that a FILE
 * in work/ always means "not ended", and an answer without FILE means "move the rest".
 */

/* Taken up at a time: what waits beyond stays in out/. */
enum { BATCH = 200 };

/* --- taking up --- */

static bool is_free(const struct spool *s, const char *name)
{
	static const char *const parts[] = {"work", "sent", "refused"};
	static const char *const forms[] = {"", ".px"};
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

static int take_up(const struct spool *s, const char *name, struct px_buf *why)
{
	struct px_buf from = PX_BUF_INIT, to = PX_BUF_INIT, ours = PX_BUF_INIT;
	spool_path(s, "out", name, &from);
	choose_name(s, name, &ours);
	spool_path(s, "work", px_buf_str(&ours), &to);
	int rc = px_file_move(px_buf_str(&from), px_buf_str(&to), why);
	if (rc == PX_OK && s->settings->spool_marker[0] != '\0') {
		px_buf_adds(&from, s->settings->spool_marker);
		unlink(px_buf_str(&from));
	}
	px_buf_free(&from);
	px_buf_free(&to);
	px_buf_free(&ours);
	return rc;
}

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

static int take_all(const struct spool *s, unsigned room, struct px_buf *why)
{
	unsigned n = 0;
	int rc = PX_OK;
	char **names = room > 0 ? spool_list(s, "out", ".xml", &n, why) : NULL;
	if (names == NULL)
		return room > 0 ? PX_ESYS : PX_OK;
	for (unsigned i = 0; i < n && room > 0 && rc == PX_OK; i++) {
		if (!is_complete(s, names[i]))
			continue;
		rc = take_up(s, names[i], why);
		room--;
	}
	spool_list_free(names, n);
	return rc;
}

/* A marker whose file was taken up would make the next file of that name look complete. */
static void drop_markers(const struct spool *s)
{
	unsigned n = 0;
	struct px_buf why = PX_BUF_INIT, path = PX_BUF_INIT;
	const char *marker = s->settings->spool_marker;
	char **names = marker[0] != '\0' ? spool_list(s, "out", marker, &n, &why) : NULL;
	for (unsigned i = 0; i < n; i++) {
		spool_path(s, "out", names[i], &path);
		char *file = px_xstrndup(px_buf_str(&path), path.len - strlen(marker));
		if (!px_file_exists(file))
			unlink(px_buf_str(&path));
		free(file);
	}
	if (names != NULL)
		spool_list_free(names, n);
	px_buf_free(&why);
	px_buf_free(&path);
}

/* --- moving away --- */

static int move(const struct spool *s, const char *name, const char *suffix, const char *to,
		struct px_buf *why)
{
	struct px_buf a = PX_BUF_INIT, b = PX_BUF_INIT;
	spool_path(s, "work", name, &a);
	px_buf_adds(&a, suffix);
	spool_path(s, to, name, &b);
	px_buf_adds(&b, suffix);
	int rc = px_file_exists(px_buf_str(&a)) ? px_file_move(px_buf_str(&a), px_buf_str(&b), why) : PX_OK;
	px_buf_free(&a);
	px_buf_free(&b);
	return rc;
}

/* The answer last: as long as it is in work/, recovery knows that there is something left to do. */
static int move_away(const struct spool *s, const char *name, const char *to, struct px_buf *why)
{
	static const char *const suffixes[] = {"", ".txt", ".px", ".untrusted", ".coe", ".coa"};
	int rc = PX_OK;
	for (size_t i = 0; i < PX_ARRAY_LEN(suffixes) && rc == PX_OK; i++)
		rc = move(s, name, suffixes[i], to, why);
	return rc;
}

static bool is_in_work(const struct spool *s, const char *name)
{
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, "work", name, &path);
	bool there = px_file_exists(px_buf_str(&path));
	px_buf_free(&path);
	return there;
}

static int finish(const struct spool *s, const char *suffix, const char *to, struct px_buf *why)
{
	unsigned n = 0;
	int rc = PX_OK;
	char **names = spool_list(s, "work", suffix, &n, why);
	if (names == NULL)
		return PX_ESYS;
	for (unsigned i = 0; i < n && rc == PX_OK; i++) {
		names[i][strlen(names[i]) - strlen(suffix)] = '\0';
		if (!is_in_work(s, names[i]))
			rc = move_away(s, names[i], to, why);
	}
	spool_list_free(names, n);
	return rc;
}

int spool_out_recover(struct spool *s, struct px_buf *why)
{
	int rc = finish(s, ".coa", "sent", why);
	if (rc == PX_OK)
		rc = finish(s, ".coe", "refused", why);
	if (rc == PX_OK)
		rc = finish(s, ".txt", "refused", why); /* without an answer: it could not be sent at all */
	drop_markers(s);
	return rc;
}

/* --- sending --- */

struct round {
	struct spool *s;
	bool failed;
	struct px_buf why; /* of the first failure */
};

/* Called by px_send, one at a time. The answer is on disk already. */
static void report(void *arg, const struct px_sent_report *r)
{
	struct round *round = arg;
	struct spool *s = round->s;
	struct px_buf text = PX_BUF_INIT, why = PX_BUF_INIT, path = PX_BUF_INIT;
	const char *slash = strrchr(r->file, '/'), *name = slash != NULL ? slash + 1 : r->file;
	char *file = px_xstrndup(name, strlen(name) - (px_str_ends(name, ".px") ? strlen(".px") : 0));
	bool good = r->sent <= PX_SENT_BEFORE, bad = r->sent == PX_SENT_REFUSED || r->sent == PX_SENT_WRONG;
	if (good || bad) {
		struct px_sent_report named = *r;
		named.file = file;
		px_sent_describe(&text, &named);
		spool_path(s, "work", file, &path);
		px_buf_adds(&path, ".txt");
		int rc = px_file_put(px_buf_str(&path), text.data, text.len, &why);
		if (rc == PX_OK)
			rc = move_away(s, file, good ? "sent" : "refused", &why);
		pthread_mutex_lock(&s->lock);
		s->sent += good;
		s->refused += bad;
		pthread_mutex_unlock(&s->lock);
		if (rc != PX_OK) {
			round->failed = true;
			px_buf_setf(&round->why, "%s", px_buf_str(&why));
		}
	} else {
		if (round->why.len == 0)
			px_buf_setf(&round->why, "%s: %s", file, r->why);
		round->failed = true;
	}
	free(file);
	px_buf_free(&text);
	px_buf_free(&why);
	px_buf_free(&path);
}

static void note(void *arg, const char *file, const char *text)
{
	(void)arg, (void)file, (void)text; /* every failure is reported; we come again */
}

/* What is to be sent: FILE.px where there is one, whatever the settings say by now. */
static char **inputs(const struct spool *s, unsigned *n, struct px_buf *why)
{
	struct px_buf path = PX_BUF_INIT;
	char **names = spool_list(s, "work", ".xml", n, why);
	for (unsigned i = 0; names != NULL && i < *n; i++) {
		spool_path(s, "work", names[i], &path);
		px_buf_adds(&path, ".px");
		if (!px_file_exists(px_buf_str(&path)))
			spool_path(s, "work", names[i], &path);
		free(names[i]);
		names[i] = px_xstrdup(px_buf_str(&path));
	}
	px_buf_free(&path);
	return names;
}

/* Without spool-sign: what is not signed yet is not for us to sign. */
static bool refuse_unsigned(struct round *round, const char *file)
{
	struct px_buf data = PX_BUF_INIT, why = PX_BUF_INIT;
	struct px_document doc = {0};
	const struct px_header none = {0};
	const struct px_line_map lines = {0};
	bool is_signed = px_buf_read_file(&data, file, (size_t)PX_LIMIT_BODY_MAX, &why) == PX_OK &&
			 px_document_read(data.data, data.len, "", &doc, &why) == PX_OK && doc.is_signed;
	if (!is_signed) {
		const struct px_sent_report r = {
		    .file = file,
		    .sent = PX_SENT_WRONG,
		    .header = &none,
		    .why = why.len > 0 ? px_buf_str(&why) : "it is not signed, and spool-sign is false",
		    .remark = "",
		    .lines = &lines};
		report(round, &r);
	}
	px_document_free(&doc);
	px_buf_free(&data);
	px_buf_free(&why);
	return !is_signed;
}

static void send_all(struct round *round, char **files, unsigned n)
{
	const struct px_send_how how = {.report = report, .note = note, .arg = round, .failure_ends = true};
	struct px_send_totals totals;
	unsigned left = n;
	if (!round->s->settings->spool_sign) {
		left = 0;
		for (unsigned i = 0; i < n; i++) {
			char *file = files[i];
			if (!refuse_unsigned(round, file)) {
				files[i] = files[left];
				files[left++] = file;
			}
		}
	}
	struct px_buf why = PX_BUF_INIT;
	if (left > 0 && px_send(round->s->c, files, left, &how, &totals, &why) != PX_OK) {
		round->failed = true;
		px_buf_setf(&round->why, "%s", px_buf_str(&why));
	}
	px_buf_free(&why);
}

enum spool_round spool_out_round(struct spool *s)
{
	struct round round = {.s = s};
	unsigned n = 0, waiting = spool_count(s, "work", ".xml");
	if (take_all(s, waiting < BATCH ? BATCH - waiting : 0, &round.why) != PX_OK)
		round.failed = true;
	char **files = round.failed ? NULL : inputs(s, &n, &round.why);
	if (files != NULL && n > 0)
		send_all(&round, files, n);
	if (files != NULL)
		spool_list_free(files, n);
	spool_say(s, &s->sending, round.failed ? px_buf_str(&round.why) : "");
	px_buf_free(&round.why);
	return round.failed ? SPOOL_FAILED : n > 0 ? SPOOL_MORE : SPOOL_IDLE;
}
