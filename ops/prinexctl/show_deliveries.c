/* prinex: prinexctl: what acting on deliveries came to, and what is in quarantine
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

void show_told(const json_t *result)
{
	struct px_buf text = PX_BUF_INIT;
	screen_clean(&text, text_of(result, "text"));
	px_buf_addc(&text, '\n');
	screen_put(px_buf_str(&text), bool_of(result, "ok") ? PLAIN : YELLOW);
	px_buf_free(&text);
}

void show_quarantine(const json_t *result)
{
	const json_t *list = json_object_get(result, "records");
	if (json_array_size(list) == 0 && !has(result, "next")) {
		screen_put("nothing is in quarantine\n", GREEN);
		return;
	}
	put_rows("record|>delivery|found|reason", "record|#delivery|@found|reason", list);
	put_more(result);
}
