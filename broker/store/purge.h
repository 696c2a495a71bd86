/* prinex: LMDB store: what may be purged, and its removal
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_PURGE_H
#define PX_STORE_PURGE_H

#include "store/wtx.h"

/* The rules stand in store/admin.h. Judging works in read and write transactions: the reader looks for what
 * may go, the writer judges it once more before it removes it. */

enum px_purge_verdict {
	PX_PURGE_KEEP,
	PX_PURGE_MESSAGE, /* but not its duplicate key yet */
	PX_PURGE_RECEIPT, /* the message is gone already */
	PX_PURGE_BOTH
};

/** Judge the message of a receipt. @entries: about how many entries its removal takes. */
enum px_purge_verdict px_purge_judge(struct px_tx *tx, const struct px_purge *rules, uint64_t seq,
				     const struct px_rec_receipt *receipt, unsigned *entries);
/** Remove what @verdict says; counts go to @report. Thread: writer. */
void px_purge_remove(struct px_wtx *w, uint64_t seq, enum px_purge_verdict verdict,
		     struct px_purge_report *report);

/** Whether a note about a damaged record, made at @at, may go by age. */
bool px_purge_note_is_old(const struct px_purge *rules, int64_t at);
/** Remove a note about record @id of @table, and a message whose record nobody can read, when its deliveries
 * are final; keep it while the damaged record has to stay. @return whether it went. Thread: writer. */
bool px_purge_note(struct px_wtx *w, enum px_table table, uint64_t id, struct px_purge_report *report);

#endif
