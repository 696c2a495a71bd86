/* prinex: LMDB store: what is done while nobody has it open: restore, repair
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "store/manifest.h"
#include "store/repair.h"
#include "store/verify.h"

/* --- both -------------------------------------------------------------------------------------------- */

/* A store opened for work without threads. */
struct offline {
	struct px_db db;
	struct px_leases *leases;
	struct px_wtx w;
};

static int open_offline(struct offline *o, const struct px_store_lmdb_setup *setup, const char *path,
			bool mend_state, struct px_buf *why)
{
	bool made = false;
	*o = (struct offline){.leases = px_leases_new()};
	int rc = px_db_open(&o->db, path, setup->map_size, 0, why);
	if (rc == PX_OK && mend_state) {
		rc = px_repair_state(&o->db, &made);
		if (rc != PX_OK)
			px_buf_setf(why, "%s: %s", path, px_err_text(rc));
	}
	if (rc == PX_OK)
		rc = px_wtx_open(&o->w, &o->db, o->leases, why);
	o->w.now = px_clock_wall(setup->clock);
	return rc;
}

static void close_offline(struct offline *o)
{
	px_wtx_close(&o->w);
	px_leases_free(&o->leases);
	px_db_close(&o->db);
}

static bool is_sound(const struct px_verify_report *r)
{
	return r->damaged == 0 && r->index_faults == 0 && r->journal_ok;
}

static void describe(const struct px_verify_report *r, struct px_buf *out)
{
	px_buf_addf(out, "%llu records, %llu damaged, %llu index faults, journal of %llu entries %s",
		    (unsigned long long)r->records, (unsigned long long)r->damaged,
		    (unsigned long long)r->index_faults, (unsigned long long)r->journal_entries,
		    r->journal_ok ? "whole" : "broken");
	if (r->first_fault[0] != '\0')
		px_buf_addf(out, "; first: %s", r->first_fault);
}

/* --- repair ------------------------------------------------------------------------------------------ */

static int repair_and_verify(struct offline *o, struct px_buf *said)
{
	struct px_verify v = {.check = NULL};
	int rc = px_repair(&o->w);
	if (rc == PX_OK)
		rc = px_verify_all(&v, &o->db);
	if (rc != PX_OK) {
		px_buf_setf(said, "%s: %s; it can be done again", o->db.path, px_err_text(rc));
		return rc;
	}
	px_buf_setf(said, "%s: indexes and counts made anew; ", o->db.path);
	describe(&v.report, said);
	return is_sound(&v.report) ? PX_OK : PX_ECORRUPT;
}

int px_store_lmdb_repair(const struct px_store_lmdb_setup *setup, struct px_buf *said)
{
	struct offline o;
	struct stat there;
	struct px_buf data = PX_BUF_INIT;
	px_buf_addf(&data, "%s/" PX_MANIFEST_DATA, setup->path);
	int missing = stat(px_buf_str(&data), &there);
	px_buf_free(&data);
	if (missing != 0) { /* opening would make an empty one */
		px_buf_setf(said, "%s: there is no store: %s", setup->path, strerror(errno));
		return PX_ENOTFOUND;
	}
	int rc = open_offline(&o, setup, setup->path, true, said);
	if (rc == PX_OK)
		rc = repair_and_verify(&o, said);
	close_offline(&o);
	return rc == PX_EFATAL ? PX_ESYS : rc;
}

/* --- restore ----------------------------------------------------------------------------------------- */

struct restore {
	const struct px_store_lmdb_setup *setup;
	const char *from;
	struct px_db lock; /* of the folder; the store in it is not opened */
	struct px_manifest manifest;
	struct px_buf beside; /* folder of the new store until it is in place */
	struct px_buf aside;  /* folder of the old one */
	uint64_t epoch;
	struct px_buf *said;
};

static int compare(struct restore *r, uint64_t octets, const uint8_t digest[PX_DIGEST_LEN])
{
	if (octets == r->manifest.octets && memcmp(digest, r->manifest.digest, PX_DIGEST_LEN) == 0)
		return PX_OK;
	px_buf_setf(r->said, "%s: " PX_MANIFEST_DATA " is not what the manifest says: nothing was changed",
		    r->from);
	return PX_ECORRUPT;
}

static int copy_beside(struct restore *r)
{
	struct px_buf from = PX_BUF_INIT, to = PX_BUF_INIT;
	uint8_t digest[PX_DIGEST_LEN];
	uint64_t octets = 0;
	int rc = PX_OK;
	px_manifest_remove(px_buf_str(&r->beside)); /* of a run that was cut off */
	px_buf_addf(&from, "%s/" PX_MANIFEST_DATA, r->from);
	px_buf_addf(&to, "%s/" PX_MANIFEST_DATA, px_buf_str(&r->beside));
	int fd = open(px_buf_str(&from), O_RDONLY | O_CLOEXEC);
	if (fd < 0 || mkdir(px_buf_str(&r->beside), 0700) != 0) {
		px_buf_setf(r->said, "%s: %s", px_buf_str(fd < 0 ? &from : &r->beside), strerror(errno));
		rc = PX_ESYS;
	}
	if (rc == PX_OK)
		rc = px_manifest_copy(fd, px_buf_str(&to), NULL, &octets, digest, r->said);
	if (rc == PX_OK)
		rc = compare(r, octets, digest);
	if (fd >= 0)
		close(fd);
	px_buf_free(&from);
	px_buf_free(&to);
	return rc;
}

/* No token, and no delivery number of a fetcher, that the old store gave may mean anything to the new one. */
static uint64_t epoch_beyond(const struct restore *r, uint64_t of_copy)
{
	struct px_rec_state old = {.epoch = 0};
	if (px_db_peek(r->setup->path, &old) != PX_OK)
		old.epoch = 0; /* damaged, or there is none */
	return ((PX_MAX(old.epoch, of_copy) >> 32) + 1) << 32;
}

static int note_restore(struct restore *r, struct px_wtx *w)
{
	struct px_buf detail = PX_BUF_INIT;
	char time[32];
	px_time_format(r->manifest.created, time, sizeof(time));
	r->epoch = epoch_beyond(r, w->state.epoch);
	px_buf_addf(&detail, "backup of %s, messages to %llu, journal to %llu; epoch %llu", time,
		    (unsigned long long)r->manifest.message, (unsigned long long)r->manifest.journal,
		    (unsigned long long)r->epoch);
	int rc = px_wtx_begin(w);
	if (rc == PX_OK) {
		w->state.epoch = r->epoch;
		px_wtx_journal(
		    w, &(struct px_journal_entry){.kind = PX_J_RESTORED, .detail = px_buf_str(&detail)});
		rc = px_wtx_commit(w);
	}
	if (rc != PX_OK)
		px_buf_setf(r->said, "%s: %s", px_buf_str(&r->beside), px_err_text(rc));
	px_buf_free(&detail);
	return rc;
}

static int verify_beside(struct restore *r)
{
	struct px_verify v = {.check = NULL};
	struct offline o;
	int rc = open_offline(&o, r->setup, px_buf_str(&r->beside), false, r->said);
	if (rc == PX_OK && (o.w.state.last_message != r->manifest.message ||
			    o.w.state.last_journal != r->manifest.journal)) {
		px_buf_setf(r->said, "%s: the copy is not the one of its manifest: nothing was changed",
			    r->from);
		rc = PX_ECORRUPT;
	}
	if (rc == PX_OK)
		rc = px_verify_all(&v, &o.db);
	if (rc == PX_OK && !is_sound(&v.report)) {
		px_buf_setf(r->said, "%s: the copy is damaged, nothing was changed: ", r->from);
		describe(&v.report, r->said);
		rc = PX_ECORRUPT;
	}
	if (rc == PX_OK)
		rc = note_restore(r, &o.w);
	close_offline(&o);
	return rc == PX_EFATAL ? PX_ESYS : rc;
}

static int swap_failed(struct restore *r, const char *doing)
{
	px_buf_setf(r->said, "%s: %s: %s: nothing was changed", r->setup->path, doing, strerror(errno));
	return PX_ESYS;
}

/* A second name for what the old store has beside its data, so that it is whole where it is kept. Where it
 * was it means nothing to the new store, and whoever opens that makes its own. */
static int keep_log(struct restore *r)
{
	struct px_buf now = PX_BUF_INIT, old = PX_BUF_INIT;
	px_buf_addf(&now, "%s/" PX_REDO_FILE, r->setup->path);
	px_buf_addf(&old, "%s/" PX_REDO_FILE, px_buf_str(&r->aside));
	int rc = PX_OK;
	if (link(px_buf_str(&now), px_buf_str(&old)) != 0 && errno != ENOENT)
		rc = swap_failed(r, "keeping the old store's log");
	px_buf_free(&now);
	px_buf_free(&old);
	return rc;
}

/* The old store gets a second name before the new one takes its first in one step: there is a whole store
 * under that name at every moment. */
static int swap(struct restore *r)
{
	struct px_buf now = PX_BUF_INIT, new = PX_BUF_INIT, old = PX_BUF_INIT;
	int rc = PX_OK;
	px_buf_addf(&now, "%s/" PX_MANIFEST_DATA, r->setup->path);
	px_buf_addf(&new, "%s/" PX_MANIFEST_DATA, px_buf_str(&r->beside));
	px_buf_addf(&old, "%s/" PX_MANIFEST_DATA, px_buf_str(&r->aside));
	bool any = access(px_buf_str(&now), F_OK) == 0;
	if (any && mkdir(px_buf_str(&r->aside), 0700) != 0)
		rc = swap_failed(r, "making a folder for the old store");
	if (rc == PX_OK && any && link(px_buf_str(&now), px_buf_str(&old)) != 0)
		rc = swap_failed(r, "keeping the old store");
	if (rc == PX_OK && any)
		rc = keep_log(r);
	if (rc == PX_OK && any)
		rc = px_manifest_sync(px_buf_str(&r->aside));
	if (rc == PX_OK && rename(px_buf_str(&new), px_buf_str(&now)) != 0)
		rc = swap_failed(r, "putting the new store in its place");
	if (rc == PX_OK)
		rc = px_manifest_sync(r->setup->path);
	if (!any)
		px_buf_clear(&r->aside);
	px_buf_free(&now);
	px_buf_free(&new);
	px_buf_free(&old);
	return rc;
}

static void say_done(struct restore *r)
{
	char time[32];
	px_time_format(r->manifest.created, time, sizeof(time));
	px_buf_setf(r->said, "%s: restored from the backup of %s: messages up to %llu, epoch %llu",
		    r->setup->path, time, (unsigned long long)r->manifest.message,
		    (unsigned long long)r->epoch);
	if (r->aside.len > 0)
		px_buf_addf(r->said, "; the store before is in %s", px_buf_str(&r->aside));
}

int px_store_lmdb_restore(const struct px_store_lmdb_setup *setup, const char *from, struct px_buf *said)
{
	struct restore r = {.setup = setup, .from = from, .said = said};
	int rc = px_manifest_read(from, &r.manifest, said);
	if (rc != PX_OK)
		return rc == PX_EPARSE ? PX_ECORRUPT : rc;
	px_buf_addf(&r.beside, "%s/restoring", setup->path);
	px_buf_addf(&r.aside, "%s/replaced-%lld", setup->path, (long long)px_clock_wall(setup->clock));
	rc = px_db_lock(&r.lock, setup->path, said);
	if (rc == PX_OK)
		rc = copy_beside(&r);
	if (rc == PX_OK)
		rc = verify_beside(&r);
	if (rc == PX_OK)
		rc = swap(&r);
	if (r.lock.lock >= 0 && r.beside.len > 0)
		px_manifest_remove(px_buf_str(&r.beside));
	if (rc == PX_OK)
		say_done(&r);
	px_db_close(&r.lock);
	px_buf_free(&r.beside);
	px_buf_free(&r.aside);
	return rc;
}
