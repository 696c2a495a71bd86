/* prinex: who receives, for the benchmark: a recipient's system and the origin's own
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "partner.h"

#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/strings.h"
#include "flow/confirm.h"

enum { SLOT_RECIPIENT, SLOT_ORIGIN };

static pthread_t thread;

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t px_bench_now(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int64_t px_bench_thread_cpu(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* The text of the first <px:NAME> from *@at on; *@at is moved behind it. "" with *@len 0: none. */
static const char *text_of(const char **at, const char *end, const char *tag, size_t *len)
{
	const char *found = memmem(*at, (size_t)(end - *at), tag, strlen(tag));
	*len = 0;
	if (found == NULL)
		return "";
	found += strlen(tag);
	*len = strcspn(found, "<");
	*at = found + *len;
	return found;
}

static void note_delivered(struct px_bench_partner *p, const char *id, size_t len)
{
	long n = px_bench_number(id, len, p->run);
	if (n < 0 || (unsigned long)n >= p->n_times || p->times[n].delivered != 0) {
		p->strange++;
		return;
	}
	p->times[n].delivered = px_bench_now();
	p->delivered++;
}

static void note_confirmations(struct px_bench_partner *p, const char *body, const char *end)
{
	const char *at = body;
	size_t len;
	for (;;) {
		const char *kind = text_of(&at, end, "<px:Kind>", &len);
		if (len == 0)
			return;
		bool good = len == 3 && memcmp(kind, "CoD", 3) == 0;
		const char *id = text_of(&at, end, "<px:RefMessageId>", &len);
		long n = px_bench_number(id, len, p->run);
		if (!good) {
			p->exceptions++;
		} else if (n >= 0 && (unsigned long)n < p->n_times && p->times[n].confirmed == 0) {
			p->times[n].confirmed = px_bench_now();
			p->confirmed++;
		} else {
			p->strange++;
		}
	}
}

static void answer(struct px_wire_conn *c, const struct px_bench_side *side, const char *issuer,
		   const char *sender, const char *id, const uint8_t *body, size_t len)
{
	uint8_t digest[PX_DIGEST_LEN];
	char own[PX_MESSAGE_ID_MAX + 1];
	struct px_buf doc = PX_BUF_INIT;
	px_sha256(body, len, digest);
	snprintf(own, sizeof(own), "C%s", id + 1);
	struct px_confirm coa = {.kind = PX_COA,
				 .confirmation_id = own,
				 .issuer = issuer,
				 .ref_sender = sender,
				 .ref_message_id = id,
				 .ref_digest = digest,
				 .at = px_clock_wall(px_clock_real()) / 1000 * 1000};
	px_confirm_write(&doc, &coa, true);
	if (px_seal(side->key, &doc) != PX_OK)
		px_bench_die("sign", "OpenSSL failed");
	px_buf_clear(&c->answer);
	px_buf_addf(&c->answer,
		    "HTTP/1.1 201 Created\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n\r\n",
		    doc.len);
	px_buf_add(&c->answer, doc.data, doc.len);
	px_buf_free(&doc);
	px_wire_send(c, c->answer.data, c->answer.len);
}

static void on_request(void *arg, struct px_wire_conn *c, int status, const uint8_t *body, size_t len)
{
	struct px_bench_partner *p = arg;
	const char *at = (const char *)body, *end = at + len;
	char sender[PX_AUTHORITY_MAX + 1], recipient[PX_AUTHORITY_MAX + 1], id[PX_MESSAGE_ID_MAX + 1];
	size_t n;
	(void)status;
	const char *text = text_of(&at, end, "<px:MessageId>", &n);
	px_strlcpy_n(id, text, n, sizeof(id));
	text = text_of(&at, end, "<px:Sender>", &n);
	px_strlcpy_n(sender, text, n, sizeof(sender));
	text = text_of(&at, end, "<px:Recipient>", &n);
	px_strlcpy_n(recipient, text, n, sizeof(recipient));
	bool origin = c->slot == SLOT_ORIGIN;
	const struct px_bench_side *side = origin ? &p->origin : &p->recipient;
	answer(c, side, side->authority != NULL ? side->authority : recipient, sender, id, body, len);
	if (origin)
		note_confirmations(p, at, end);
	else
		note_delivered(p, id, strlen(id));
}

static SSL_CTX *tls_of(const struct px_bench_side *side)
{
	char cert[512], key[512];
	snprintf(cert, sizeof(cert), "%s/tls.pem", side->folder);
	snprintf(key, sizeof(key), "%s/tls.key", side->folder);
	return px_wire_tls(true, cert, key, side->anchors);
}

struct serving {
	struct px_bench_partner *p;
	int fds[2];
};

static void *serve(void *arg)
{
	struct serving *s = arg;
	struct px_bench_partner *p = s->p;
	SSL_CTX *recipient = tls_of(&p->recipient), *origin = tls_of(&p->origin);
	struct px_wire *w = px_wire_new(on_request, p);
	px_wire_listen(w, s->fds[SLOT_RECIPIENT], recipient, SLOT_RECIPIENT);
	px_wire_listen(w, s->fds[SLOT_ORIGIN], origin, SLOT_ORIGIN);
	free(s);
	while (!p->stop) {
		px_wire_turn(w, 100000);
		p->cpu_ns = px_bench_thread_cpu();
	}
	px_wire_free(&w);
	SSL_CTX_free(recipient);
	SSL_CTX_free(origin);
	return NULL;
}

void px_bench_partner_start(struct px_bench_partner *p)
{
	struct serving *s = px_xcalloc(1, sizeof(*s));
	s->p = p;
	s->fds[SLOT_RECIPIENT] = px_wire_socket(p->recipient.port);
	s->fds[SLOT_ORIGIN] = px_wire_socket(p->origin.port);
	px_assert(pthread_create(&thread, NULL, serve, s) == 0);
}

void px_bench_partner_join(struct px_bench_partner *p)
{
	p->stop = true;
	pthread_join(thread, NULL);
}
