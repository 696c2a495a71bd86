/* prinex: status and ping
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/limits.h"
#include "base/strings.h"
#include "client/answer.h"
#include "client/link.h"
#include "client/show.h"
#include "prinex/prinex.h"

enum { ANSWER_MAX = 1024 * 1024 };

static int print_document(const struct px_settings *s, const struct px_reply *r)
{
	if (s->json) {
		json_t *o = px_json_document(r->body.data, r->body.len);
		if (o == NULL)
			return px_complain(PX_EXIT_BARRED, "the answer cannot be read");
		px_json_print(o);
		return PX_EXIT_OK;
	}
	struct px_buf text = PX_BUF_INIT;
	int rc = px_show_document(&text, r->body.data, r->body.len);
	fputs(px_buf_str(&text), stdout);
	px_buf_free(&text);
	return rc == PX_OK ? PX_EXIT_OK : px_complain(PX_EXIT_BARRED, "the answer cannot be read");
}

static int exit_of(const struct px_reply *r)
{
	return px_reply_is_temporary(r) || r->end == PX_LINK_STOPPED ? PX_EXIT_NOT_YET : PX_EXIT_BARRED;
}

static int ask(struct px_client *c, const char *path, struct px_reply *r)
{
	struct px_buf why = PX_BUF_INIT;
	int status = PX_EXIT_OK;
	if (px_client_load_tls(c, &why) != PX_OK) {
		status = px_complain(PX_EXIT_USAGE, "%s", px_buf_str(&why));
	} else {
		struct px_link *link = px_link_new(c);
		px_link_officer(link, px_client_settings(c)->user, false);
		px_link_request(link, path, NULL, 0, 0, ANSWER_MAX, r);
		px_link_free(&link);
		px_reply_describe(r, &why);
		if (r->end != PX_LINK_ANSWERED || (r->status != 200 && r->status != 404))
			status = px_complain(exit_of(r), "%s", px_buf_str(&why));
	}
	px_buf_free(&why);
	return status;
}

int px_cmd_status(struct px_client *c, char **args, unsigned n)
{
	struct px_reply r = {0};
	struct px_buf path = PX_BUF_INIT;
	(void)n;
	if (!px_is_authority(args[0]) || !px_is_message_id(args[1]))
		return px_complain(PX_EXIT_USAGE, "%s %s: not an authority code and a MessageId", args[0],
				   args[1]);
	px_buf_addf(&path, "/v1/exchanges/%s/%s", args[0], args[1]);
	int status = ask(c, px_buf_str(&path), &r);
	if (status == PX_EXIT_OK && r.status == 404)
		status = px_complain(PX_EXIT_REFUSED, "%s of %s: the broker knows no such exchange of ours",
				     args[1], args[0]);
	else if (status == PX_EXIT_OK)
		status = print_document(px_client_settings(c), &r);
	px_buf_free(&path);
	px_reply_free(&r);
	return status;
}

/* Without --trust the connection alone says who answered. */
static int verify_node(struct px_client *c, const struct px_reply *r)
{
	struct px_buf why = PX_BUF_INIT;
	int status = PX_EXIT_OK;
	if (px_client_need_trust(c, &why) != PX_OK) {
		if (!px_client_settings(c)->json)
			fputs("prinex: the answer's signature is not verified: no --trust\n", stderr);
	} else if (px_client_load_examiner(c, &why) != PX_OK) {
		status = px_complain(PX_EXIT_USAGE, "%s", px_buf_str(&why));
	} else if (px_answer_verify_node(c, r->body.data, r->body.len, &why) != PX_OK) {
		status = px_complain(PX_EXIT_BARRED, "%s", px_buf_str(&why));
	}
	px_buf_free(&why);
	return status;
}

int px_cmd_ping(struct px_client *c, char **args, unsigned n)
{
	struct px_reply r = {0};
	(void)args, (void)n;
	int status = ask(c, "/v1/ping", &r);
	if (status == PX_EXIT_OK && r.status != 200)
		status = px_complain(PX_EXIT_BARRED, "answered %d", r.status);
	if (status == PX_EXIT_OK)
		status = verify_node(c, &r);
	if (status == PX_EXIT_OK)
		status = print_document(px_client_settings(c), &r);
	px_reply_free(&r);
	return status;
}
