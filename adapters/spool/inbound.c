/* prinex: prinex-spool: from the broker's inbox to in/
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/strings.h"
#include "client/fetch.h"
#include "client/files.h"
#include "spool/spool.h"

/*
 * The broker offers again what it has no confirmation of; the customs system may have taken the file away by
 * then, so in/ cannot tell. Hence: .spool/tmp/NAME, then .spool/seen/NAME (its digest), both flushed, then
 * the rename to in/. Seen and still in tmp/: not delivered yet, the rename is made up for. Seen and not in
 * tmp/: delivered, only to be confirmed.
 */

/* Longer than any broker goes on offering (72 h, or 30 days of horizon). */
enum { SEEN_DAYS = 40 };
/* .spool/seen is looked through so often. */
enum { THIN_HOURS = 12 };

static void digest_text(const struct px_buf *body, struct px_buf *out)
{
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	px_sha256(body->data, body->len, digest);
	px_hex(digest, sizeof(digest), hex);
	px_buf_setf(out, "%s\n", hex);
}

static int deliver(const struct spool *s, const char *name, struct px_buf *path, struct px_buf *why)
{
	struct px_buf tmp = PX_BUF_INIT;
	spool_path(s, ".spool/tmp", name, &tmp);
	spool_path(s, "in", name, path);
	int rc = px_file_exists(px_buf_str(&tmp)) ? px_file_move(px_buf_str(&tmp), px_buf_str(path), why)
						  : PX_OK;
	px_buf_free(&tmp);
	return rc;
}

static enum px_fetched keep_new(const struct spool *s, const char *name, const struct px_buf *body,
				const char *seen, const struct px_buf *digest, struct px_buf *path,
				struct px_buf *why)
{
	struct px_buf tmp = PX_BUF_INIT;
	spool_path(s, ".spool/tmp", name, &tmp);
	int rc = px_file_put(px_buf_str(&tmp), body->data, body->len, why);
	if (rc == PX_OK)
		rc = px_file_put(seen, digest->data, digest->len, why);
	if (rc != PX_OK && !px_file_exists(seen))
		unlink(px_buf_str(&tmp)); /* not promised: on a full disk it would take room from what is */
	if (rc == PX_OK)
		rc = deliver(s, name, path, why);
	px_buf_free(&tmp);
	return rc == PX_OK ? PX_FETCHED_NEW : PX_FETCHED_UNWRITTEN;
}

static enum px_fetched keep_aside(const struct spool *s, const char *name, const struct px_buf *body,
				  bool bad, const struct px_buf *digest, struct px_buf *path,
				  struct px_buf *why)
{
	struct px_buf reason = PX_BUF_INIT;
	spool_path(s, "aside", name, path);
	px_buf_addf(path, ".%.16s.%s", px_buf_str(digest), bad ? "bad" : "conflict");
	int rc = px_file_put(px_buf_str(path), body->data, body->len, &reason);
	px_buf_addf(&reason, "%s%s\n", reason.len > 0 ? "; " : "", px_buf_str(why));
	px_buf_adds(path, ".txt");
	if (rc == PX_OK)
		rc = px_file_put(px_buf_str(path), reason.data, reason.len, why);
	px_buf_free(&reason);
	return rc != PX_OK ? PX_FETCHED_UNWRITTEN : bad ? PX_FETCHED_BAD : PX_FETCHED_CONFLICT;
}

static enum px_fetched keep(void *arg, const char *name, const struct px_buf *body, bool bad,
			    struct px_buf *path, struct px_buf *why)
{
	const struct spool *s = arg;
	struct px_buf seen = PX_BUF_INIT, digest = PX_BUF_INIT;
	enum px_fetched fetched;
	digest_text(body, &digest);
	spool_path(s, ".spool/seen", name, &seen);
	if (bad) {
		fetched = keep_aside(s, name, body, true, &digest, path, why);
	} else if (!px_file_exists(px_buf_str(&seen))) {
		fetched = keep_new(s, name, body, px_buf_str(&seen), &digest, path, why);
	} else if (px_same_octets(px_buf_str(&seen), &digest)) {
		fetched = deliver(s, name, path, why) == PX_OK ? PX_FETCHED_KNOWN : PX_FETCHED_UNWRITTEN;
	} else {
		px_buf_setf(why, "%s came before with other octets", name);
		fetched = keep_aside(s, name, body, false, &digest, path, why);
	}
	px_buf_free(&seen);
	px_buf_free(&digest);
	return fetched;
}

/* --- what need not be remembered any more --- */

static void forget_old(const struct spool *s, const char *name, int64_t now)
{
	struct stat st;
	struct px_buf path = PX_BUF_INIT;
	spool_path(s, ".spool/seen", name, &path);
	if (stat(px_buf_str(&path), &st) == 0 && st.st_mtime + (time_t)SEEN_DAYS * 86400 < now / 1000)
		unlink(px_buf_str(&path));
	px_buf_free(&path);
}

int spool_in_thin(struct spool *s, int64_t now, struct px_buf *why)
{
	unsigned n = 0;
	/* also when the clock was set back */
	if (s->thinned != 0 && now >= s->thinned && now < s->thinned + (int64_t)THIN_HOURS * 3600 * 1000)
		return PX_OK;
	s->thinned = now;
	char **names = spool_list(s, ".spool/seen", ".xml", &n, why);
	if (names == NULL)
		return PX_ESYS;
	for (unsigned i = 0; i < n; i++)
		forget_old(s, names[i], now);
	spool_list_free(names, n);
	return PX_OK;
}

/* --- after a crash --- */

int spool_in_recover(struct spool *s, struct px_buf *why)
{
	unsigned n = 0;
	int rc = PX_OK;
	struct px_buf path = PX_BUF_INIT;
	char **names = spool_list(s, ".spool/tmp", ".xml", &n, why);
	if (names == NULL)
		return PX_ESYS;
	for (unsigned i = 0; i < n && rc == PX_OK; i++) {
		spool_path(s, ".spool/seen", names[i], &path);
		if (px_file_exists(px_buf_str(&path))) /* else it was never promised, and will come again */
			rc = deliver(s, names[i], &path, why);
	}
	spool_list_free(names, n);
	px_buf_free(&path);
	return rc == PX_OK ? spool_in_thin(s, px_clock_wall(px_clock_real()), why) : rc;
}

/* --- fetching --- */

static void report(void *arg, const struct px_fetched_report *r)
{
	struct spool *s = arg;
	bool aside = r->fetched == PX_FETCHED_BAD || r->fetched == PX_FETCHED_CONFLICT;
	pthread_mutex_lock(&s->lock);
	s->received += r->fetched == PX_FETCHED_NEW;
	s->set_aside += aside;
	s->confirmed += r->confirmed;
	pthread_mutex_unlock(&s->lock);
	if (aside || !r->confirmed)
		fprintf(stderr, "prinex-spool: %s: %s\n", r->file, r->why);
}

static void note(void *arg, const char *text)
{
	(void)arg, (void)text; /* said when the round ends */
}

bool spool_in_round(struct spool *s)
{
	const struct px_fetch_how how = {.report = report, .note = note, .keep = keep, .arg = s};
	struct px_fetch_totals totals;
	struct px_buf why = PX_BUF_INIT;
	spool_keep_folders(s);
	unsigned waiting = spool_count(s, "in", ".xml");
	if (spool_in_thin(s, px_clock_wall(px_clock_real()), &why) != PX_OK)
		fprintf(stderr, "prinex-spool: %s\n", px_buf_str(&why));
	px_buf_clear(&why);
	int rc = PX_EBUSY;
	if (waiting >= s->settings->spool_room)
		px_buf_setf(
		    &why, "%u files lie in in/: no more are fetched until the customs system takes them away",
		    waiting);
	else
		rc = px_fetch(s->c, &how, &totals, &why);
	spool_say(s, &s->fetching, rc == PX_OK || px_client_stop ? "" : px_buf_str(&why));
	px_buf_free(&why);
	return rc == PX_OK;
}
