/* prinex: indexes and counts of the LMDB store made anew from its records
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_REPAIR_H
#define PX_STORE_REPAIR_H

#include "store/wtx.h"

/**
 * Make anew, in transactions of their own, what tables.def marks as an index, and all counts: of partners,
 * movements, pending confirmations, the whole. Nothing else may have the store open. Records are only read. A
 * crash half-way leaves some tables made anew and others as they were; it can be done again.
 *
 * What waits behind a delivery whose record is damaged goes on waiting: its queue entry is the only one that
 * is taken over. @return PX_OK, PX_EFULL, PX_EFATAL.
 */
int px_repair(struct px_wtx *w);

/** Make the state anew when it cannot be read (before px_wtx_open): the last numbers are those in the tables,
 * the journal's end that of its last entry, the epoch beyond any that the journal tells of. Nothing when it
 * can be read. Counts of partners that cannot be read are dropped. @made: whether it was. @return PX_OK,
 * PX_EFULL, PX_EFATAL. */
int px_repair_state(struct px_db *db, bool *made);

#endif
