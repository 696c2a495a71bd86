/* prinex: what a backup of the LMDB store says of itself
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_MANIFEST_H
#define PX_STORE_MANIFEST_H

#include "base/buf.h"
#include "base/digest.h"

/*
 * A backup is a folder NAME with two files: data.mdb, and MANIFEST, lines of `name value`, written last. A
 * folder without it (or called NAME.partial) is not a backup. Names begin with the time, so that they sort by
 * age.
 */
#define PX_MANIFEST_FILE    "MANIFEST"
#define PX_MANIFEST_DATA    "data.mdb"
#define PX_MANIFEST_PREFIX  "prinex-"
#define PX_MANIFEST_PARTIAL ".partial"

struct px_manifest {
	int64_t created; /* wall ms */
	uint64_t format, epoch;
	uint64_t message; /* the last accepted */
	uint64_t journal; /* the last entry... */
	uint8_t journal_hash[PX_DIGEST_LEN];
	uint64_t octets; /* of data.mdb... */
	uint8_t digest[PX_DIGEST_LEN];
};

void px_manifest_print(const struct px_manifest *m, struct px_buf *out);
/** Read that of the backup in @folder. @return PX_OK, PX_ENOTFOUND (no backup), PX_EPARSE, PX_EVERSION (of
 * a later kind), PX_ESYS; @why. */
int px_manifest_read(const char *folder, struct px_manifest *m, struct px_buf *why);

/**
 * Write what comes from @from to the new file @path until it ends, and flush it; @octets and @digest of all
 * that came. @stop may be NULL; looked at between pieces. @return PX_OK, PX_ECANCELLED, PX_EFULL, PX_ESYS;
 * @why.
 */
struct px_stop {
	bool (*is_set)(void *arg);
	void *arg;
};
int px_manifest_copy(int from, const char *path, const struct px_stop *stop, uint64_t *octets,
		     uint8_t digest[PX_DIGEST_LEN], struct px_buf *why);
/** Make the entries of a folder durable. @return PX_OK or PX_ESYS (errno). */
int px_manifest_sync(const char *folder);
/** Remove a backup, or what became of one. */
void px_manifest_remove(const char *folder);

#endif
