/* prinex: the loop of one inspector
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "inspect/inspector.h"

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include "base/strings.h"
#include "inspect/arena.h"
#include "inspect/codec.h"
#include "inspect/sandbox.h"
#include "inspect/wire.h"
#include "xml/heap.h"

/* What a document of this size occupied goes back to the system, but not while others like it may follow:
 * getting it anew is a tenth of what they cost. */
#define LARGE    ((uint64_t)256 * 1024)
#define PAUSE_MS 500

struct inspector {
	const struct px_inspector_setup *setup;
	struct px_arena arena;
	struct px_buf encoded;
	bool swollen; /* by a large document */
};

static void say_hello(int sock, bool ok, const char *why)
{
	struct px_wire_hello hello = {.magic = PX_WIRE_MAGIC, .ok = ok};
	px_strlcpy(hello.text, why, sizeof(hello.text));
	if (px_wire_send(sock, &hello, sizeof(hello), NULL, 0, 0) != PX_OK || !ok)
		_exit(1);
}

/* The broker is believed, but a slot beyond the arena would only hide a bug. */
static bool is_sound(const struct inspector *in, const struct px_wire_request *r)
{
	return r->slot < PX_ARENA_SLOTS && r->len <= px_arena_room(&in->arena, r->slot) &&
	       r->kind <= PX_DOC_CONFIRMATION && memchr(r->partner, '\0', sizeof(r->partner)) != NULL &&
	       memchr(r->expected_sender, '\0', sizeof(r->expected_sender)) != NULL &&
	       memchr(r->expected_id, '\0', sizeof(r->expected_id)) != NULL;
}

static void examine(struct inspector *in, const struct px_wire_request *r)
{
	const struct px_exam exam = {
	    .kind = (enum px_doc_kind)r->kind,
	    .now = r->now,
	    .first_broker = r->first_broker != 0,
	    .expected_digest = r->has_expected ? r->expected_digest : NULL,
	    .expected_sender = r->expected_sender,
	    .expected_id = r->expected_id,
	    .roles = r->roles,
	    .partner = r->partner,
	};
	struct px_verdict *v =
	    in->setup->examine(in->setup->arg, &exam, px_arena_doc(&in->arena, r->slot), r->len);
	px_buf_clear(&in->encoded);
	px_verdict_encode(v, &in->encoded);
	px_verdict_free(&v);
	memcpy(px_arena_verdict(&in->arena, r->slot), in->encoded.data, in->encoded.len);
}

static void shrink_when_idle(struct inspector *in)
{
	struct pollfd next = {.fd = in->setup->sock, .events = POLLIN};
	if (!in->swollen || poll(&next, 1, PAUSE_MS) != 0)
		return;
	in->swollen = false;
	px_buf_free(&in->encoded);
	px_heap_trim();
	malloc_trim(0);
}

static void serve(struct inspector *in)
{
	for (;;) {
		struct px_wire_request r;
		shrink_when_idle(in);
		int rc = px_wire_recv(in->setup->sock, &r, sizeof(r), NULL, NULL, 0);
		if (rc != PX_OK)
			_exit(rc == PX_ECLOSED ? 0 : 1);
		if (!is_sound(in, &r))
			_exit(1);
		examine(in, &r);
		const struct px_wire_answer answer = {.magic = PX_WIRE_MAGIC,
						      .slot = r.slot,
						      .cookie = r.cookie,
						      .verdict_len = in->encoded.len};
		if (px_wire_send(in->setup->sock, &answer, sizeof(answer), NULL, 0, 0) != PX_OK)
			_exit(0);
		in->swollen = in->swollen || r.len >= LARGE;
	}
}

void px_inspector_run(const struct px_inspector_setup *setup)
{
	struct inspector in = {.setup = setup, .encoded = PX_BUF_INIT};
	struct px_buf why = PX_BUF_INIT;
	if (px_arena_attach(setup->arena, setup->body_limit, &in.arena) != PX_OK)
		say_hello(setup->sock, false, "an inspector cannot map its arena");
	px_heap_open();
	if (px_sandbox_enter(setup->sock, setup->parent, &why) != PX_OK)
		say_hello(setup->sock, false, px_buf_str(&why));
	say_hello(setup->sock, true, "");
	serve(&in);
	_exit(0);
}
