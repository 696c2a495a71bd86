/* prinex: LMDB's errors in our words
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_DB_ERROR_H
#define PX_STORE_DB_ERROR_H

#include "store/db.h"

/**
 * Translate what LMDB said while @doing something. An I/O error on a disk that is nearly full is PX_EFULL;
 * any other is PX_EFATAL, because after one later commits keep failing and only a restart shows what is
 * there.
 * @return PX_OK, PX_ENOTFOUND, PX_EFULL, PX_ECORRUPT or PX_EFATAL (logged).
 */
int px_db_error(const struct px_db *db, int rc, const char *doing);

#endif
