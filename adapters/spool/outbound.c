/* prinex: prinex-spool: from work/ to the broker, and on to sent/ or refused/
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

/* In work/ at a time: what waits beyond stays in out/. */
enum { BATCH = 200 };

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
	spool_drop_markers(s);
	return rc;
}

/* --- sending --- */

struct round {
	struct spool *s;
	unsigned ended;
	bool failed;
	struct px_buf why; /* of the first failure */
};

static void fail(struct round *round, const char *file, const char *why)
{
	if (!round->failed)
		px_buf_setf(&round->why, "%s%s%s", file, file[0] != '\0' ? ": " : "", why);
	round->failed = true;
}

/* Words beside it, then away with it. */
static int end(struct spool *s, const char *file, const struct px_sent_report *r, bool good,
	       struct px_buf *why)
{
	struct px_buf text = PX_BUF_INIT, path = PX_BUF_INIT;
	struct px_sent_report named = *r;
	named.file = file;
	px_sent_describe(&text, &named);
	spool_path(s, "work", file, &path);
	px_buf_adds(&path, ".txt");
	int rc = px_file_put(px_buf_str(&path), text.data, text.len, why);
	if (rc == PX_OK)
		rc = move_away(s, file, good ? "sent" : "refused", why);
	px_buf_free(&text);
	px_buf_free(&path);
	return rc;
}

/* Called by px_send, one at a time. The answer is on disk already. */
static void report(void *arg, const struct px_sent_report *r)
{
	struct round *round = arg;
	struct spool *s = round->s;
	struct px_buf why = PX_BUF_INIT;
	const char *slash = strrchr(r->file, '/'), *name = slash != NULL ? slash + 1 : r->file;
	char *file = px_xstrndup(name, strlen(name) - (px_str_ends(name, ".px") ? strlen(".px") : 0));
	bool good = r->sent <= PX_SENT_BEFORE, bad = r->sent == PX_SENT_REFUSED || r->sent == PX_SENT_WRONG;
	if (!good && !bad) {
		fail(round, file, r->why);
	} else if (end(s, file, r, good, &why) != PX_OK) {
		fail(round, "", px_buf_str(&why));
	} else {
		round->ended++;
		pthread_mutex_lock(&s->lock);
		s->sent += good;
		s->refused += bad;
		pthread_mutex_unlock(&s->lock);
	}
	free(file);
	px_buf_free(&why);
}

/* What px_send need not see. */
static void report_local(struct round *round, const char *file, enum px_sent sent, const char *why)
{
	const struct px_header none = {0};
	const struct px_line_map lines = {0};
	const struct px_sent_report r = {
	    .file = file, .sent = sent, .header = &none, .why = why, .remark = "", .lines = &lines};
	report(round, &r);
}

static void note(void *arg, const char *file, const char *text)
{
	(void)arg, (void)file, (void)text; /* every failure is reported; we come again */
}

/* FILE.px whose FILE is not there: a crash left it, or somebody took FILE away. What it is sent as settles
 * it. */
static void add_orphans(const struct spool *s, char ***names, unsigned *n)
{
	struct px_buf why = PX_BUF_INIT;
	unsigned n_px = 0;
	char **px = spool_list(s, "work", ".xml.px", &n_px, &why);
	for (unsigned i = 0; i < n_px; i++) {
		px[i][strlen(px[i]) - strlen(".px")] = '\0';
		if (is_in_work(s, px[i]))
			continue;
		*names = px_xrealloc_array(*names, *n + 1, sizeof(**names));
		(*names)[(*n)++] = px_xstrdup(px[i]);
	}
	if (px != NULL)
		spool_list_free(px, n_px);
	px_buf_free(&why);
}

/* What is to be sent: FILE.px where there is one, whatever the settings say by now. NULL: nothing can be
 * said. */
static char **inputs(struct round *round, unsigned *n)
{
	const struct spool *s = round->s;
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	unsigned n_names = 0;
	char **names = spool_list(s, "work", ".xml", &n_names, &why);
	if (names == NULL)
		fail(round, "", px_buf_str(&why));
	else
		add_orphans(s, &names, &n_names);
	*n = 0;
	for (unsigned i = 0; names != NULL && i < n_names; i++) {
		spool_path(s, "work", names[i], &path);
		px_buf_adds(&path, ".px");
		if (!px_file_exists(px_buf_str(&path)))
			spool_path(s, "work", names[i], &path);
		const char *unfit = spool_unfit_kind(px_buf_str(&path));
		if (unfit != NULL)
			report_local(round, names[i], PX_SENT_WRONG, unfit);
		free(names[i]);
		if (unfit == NULL)
			names[(*n)++] = px_xstrdup(px_buf_str(&path));
	}
	px_buf_free(&path);
	px_buf_free(&why);
	return names;
}

/* Without spool-sign: what is not signed yet is not for us to sign. */
static bool is_signed(struct round *round, const char *file)
{
	struct px_buf data = PX_BUF_INIT, why = PX_BUF_INIT;
	struct px_document doc = {0};
	int rc = px_buf_read_file(&data, file, (size_t)PX_LIMIT_BODY_MAX, &why);
	if (rc == PX_OK)
		rc = px_document_read(data.data, data.len, "", &doc, &why);
	if (rc != PX_OK)
		report_local(round, file, px_sent_of_error(rc), px_buf_str(&why));
	else if (!doc.is_signed)
		report_local(round, file, PX_SENT_WRONG, "it is not signed, and spool-sign is false");
	bool good = rc == PX_OK && doc.is_signed;
	px_document_free(&doc);
	px_buf_free(&data);
	px_buf_free(&why);
	return good;
}

/* @return whether everything was tried. */
static bool send_all(struct round *round, char **files, unsigned n)
{
	struct spool *s = round->s;
	const struct px_send_how how = {
	    .report = report, .note = note, .arg = round, .comes_again = true, .begin_at = s->begin_at};
	struct px_send_totals totals = {0};
	unsigned left = n;
	if (!s->settings->spool_sign) {
		left = 0;
		for (unsigned i = 0; i < n; i++) {
			char *file = files[i];
			if (is_signed(round, file)) {
				files[i] = files[left];
				files[left++] = file;
			}
		}
	}
	struct px_buf why = PX_BUF_INIT;
	bool tried = left == 0 || px_send(s->c, files, left, &how, &totals, &why) == PX_OK;
	if (!tried)
		fail(round, "", px_buf_str(&why));
	px_buf_free(&why);
	return tried && !totals.broken_off;
}

enum spool_round spool_out_round(struct spool *s)
{
	struct round round = {.s = s};
	struct px_buf why = PX_BUF_INIT;
	spool_keep_folders(s);
	unsigned n = 0, waiting = spool_count(s, "work", ".xml");
	if (spool_take_up(s, waiting < BATCH ? BATCH - waiting : 0, &why) != PX_OK)
		fail(&round, "", px_buf_str(&why));
	char **files = inputs(&round, &n);
	bool tried = n == 0 || send_all(&round, files, n);
	if (files != NULL)
		spool_list_free(files, n);
	s->begin_at = !tried ? s->begin_at + 1 : round.failed ? s->begin_at : 0;
	spool_say(s, &s->sending, round.failed ? px_buf_str(&round.why) : "");
	px_buf_free(&round.why);
	px_buf_free(&why);
	return round.ended > 0 ? SPOOL_MORE : !tried ? SPOOL_FAILED : round.failed ? SPOOL_STUCK : SPOOL_IDLE;
}
