/* prinex: two nodes that most tests of flow work with
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "pairs.h"

struct pair make_pair(uint64_t seed, const char *to_ua, const char *routes)
{
	static const char *const trusted[] = {"BY", "UA", NULL};
	struct pair p = {.w = world_new(seed)};
	struct px_buf text = PX_BUF_INIT;
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	conf_partner(&text, "node-ua", "UA", "node", "https://ua:1", to_ua);
	px_buf_adds(&text, routes);
	p.by = world_node(p.w, "BY", px_buf_str(&text));
	px_buf_clear(&text);
	conf_head(&text, "UA", trusted);
	conf_partner(&text, "system-ua", "UA", "system", NULL, "");
	conf_partner(&text, "node-by", "BY", "node", "https://by:1", "");
	p.ua = world_node(p.w, "UA", px_buf_str(&text));
	px_buf_free(&text);
	world_start(p.w);
	return p;
}

void expect_status(struct reply r, int status)
{
	if (r.status != status)
		print_error("status %d: %s\n", r.status, px_buf_str(&r.body));
	assert_int_equal(r.status, status);
	reply_free(&r);
}

void expect_code(struct reply r, int status, const char *code)
{
	assert_int_equal(r.status, status);
	assert_string_equal(field(&r.body, "Kind"), "CoE");
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "code=\"%s\"", code);
	if (strstr(px_buf_str(&r.body), wanted) == NULL)
		fail_msg("no %s in %s", code, px_buf_str(&r.body));
	reply_free(&r);
}

/* Fetch one, confirm it, return its MessageId. */
const char *take(struct node *n, const char *partner, const char *authority)
{
	static char id[2][64];
	static unsigned turn;
	char *out = id[turn++ % 2];
	struct reply r = world_fetch(n, partner, 2 * SECOND);
	if (r.status != 200) {
		snprintf(out, 64, "nothing (%d)", r.status);
	} else {
		px_strlcpy(out, field(&r.body, "MessageId"), 64);
		expect_status(world_confirm(n, partner, authority, &r, NULL), 204);
	}
	reply_free(&r);
	return out;
}

struct node *lone_node(struct world *w, const char *const *authorities, const char *more)
{
	const char *trusted[8] = {"BY"};
	struct px_buf text = PX_BUF_INIT;
	for (unsigned i = 0; authorities[i] != NULL; i++)
		trusted[i + 1] = authorities[i];
	conf_head(&text, "BY", trusted);
	conf_partner(&text, "system-by", "BY", "system", NULL, "");
	for (unsigned i = 0; authorities[i] != NULL; i++) {
		char name[32] = "system-";
		for (unsigned k = 0; k < 2; k++)
			name[7 + k] = (char)(authorities[i][k] + 32);
		conf_partner(&text, name, authorities[i], "system", NULL, "");
	}
	px_buf_adds(&text, more);
	struct node *n = world_node(w, "BY", px_buf_str(&text));
	px_buf_free(&text);
	return n;
}

void send_ok(struct node *n, const char *partner, const struct msg *m)
{
	expect_status(world_send(n, partner, m), 201);
}

struct reply take_confirmations(struct node *n, const char *partner, const char *authority)
{
	struct reply r = world_fetch(n, partner, 3 * SECOND);
	assert_int_equal(r.status, 200);
	assert_string_equal(field(&r.body, "MessageType"), "Confirmations");
	expect_status(world_confirm(n, partner, authority, &r, NULL), 204);
	return r;
}
