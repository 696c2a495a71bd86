/* prinex: prinexctl: the journal, the check of the store
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <inttypes.h>

static void put_about(struct table *t, const json_t *e)
{
	struct px_buf s = PX_BUF_INIT;
	if (has(e, "message_id"))
		px_buf_addf(&s, "%s/%s", text_of(e, "sender"), text_of(e, "message_id"));
	if (has(e, "recipient"))
		px_buf_addf(&s, " to %s", text_of(e, "recipient"));
	table_add(t, px_buf_str(&s), PLAIN);
	px_buf_free(&s);
}

void show_journal(const json_t *result)
{
	struct table *t = table_new(">entry|at|kind|who|message|code|detail");
	const json_t *e;
	size_t i;
	json_array_foreach(json_object_get(result, "entries"), i, e)
	{
		cell_int(t, e, "seq");
		cell_time(t, e, "at");
		cell_text(t, e, "kind");
		cell_text(t, e, has(e, "actor") ? "actor" : "partner");
		put_about(t, e);
		cell_text(t, e, "code");
		cell_text(t, e, "detail");
	}
	table_print(&t);
}

static void put_journal(const json_t *j)
{
	if (bool_of(j, "ok")) {
		line("journal", GREEN, "unbroken: %" PRId64 " entries, signed checkpoints: %" PRId64,
		     int_of(j, "entries"), int_of(j, "checkpoints"));
		return;
	}
	if (has(j, "broken_at"))
		line("journal", RED, "broken at entry %" PRId64, int_of(j, "broken_at"));
	else
		line("journal", RED, "broken");
	line_text("fault", j, "fault");
}

void show_journal_verify(const json_t *result)
{
	put_journal(result);
}

void show_verify(const json_t *result)
{
	int64_t damaged = int_of(result, "damaged"), faults = int_of(result, "index_faults");
	line("store", bool_of(result, "ok") ? GREEN : RED, "%s",
	     bool_of(result, "ok") ? "sound" : "not sound");
	line("records", PLAIN, "%" PRId64 " read", int_of(result, "records"));
	line("damaged", damaged > 0 ? RED : PLAIN, "%" PRId64, damaged);
	line("index faults", faults > 0 ? RED : PLAIN, "%" PRId64, faults);
	line_text("first fault", result, "first_fault");
	put_journal(json_object_get(result, "journal"));
}
