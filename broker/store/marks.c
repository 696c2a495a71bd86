/* prinex: store operations for administrators: calls through the backend's table
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/marks.h"

void px_store_mark(struct px_store *st, const struct px_mark *mark, px_write_done *done, void *arg)
{
	st->ops->marks->mark(st, mark, done, arg);
}

void px_store_unmark(struct px_store *st, const char *name, px_write_done *done, void *arg)
{
	st->ops->marks->unmark(st, name, done, arg);
}

void px_store_marks(struct px_store *st, px_marks_done *done, void *arg)
{
	st->ops->marks->marks(st, done, arg);
}

void px_store_release(struct px_store *st, const char *table, uint64_t record, px_write_done *done, void *arg)
{
	st->ops->marks->release(st, table, record, done, arg);
}

void px_store_receipt(struct px_store *st, uint64_t message, px_receipt_done *done, void *arg)
{
	st->ops->marks->receipt(st, message, done, arg);
}
