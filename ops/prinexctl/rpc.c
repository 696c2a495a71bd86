/* prinex: prinexctl: the connection to the daemon
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "prinexctl.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/strings.h"

#define ANSWER_MAX (64 * 1024 * 1024)

/* Codes of the protocol that mean another exit status than NO. */
#define RPC_NOT_PERMITTED (-32001)

static enum px_ctl_exit explain_connect(const char *path, int error)
{
	if (error == ENOENT)
		fprintf(stderr,
			"prinexctl: there is no socket %s: is prinexd running? (--socket names another)\n",
			path);
	else if (error == ECONNREFUSED)
		fprintf(stderr, "prinexctl: nobody answers at %s: prinexd is not running\n", path);
	else if (error == EACCES || error == EPERM)
		fprintf(stderr, "prinexctl: no permission to open %s or a folder on the way\n", path);
	else
		fprintf(stderr, "prinexctl: cannot connect to %s: %s\n", path, strerror(error));
	return error == EACCES || error == EPERM ? PX_CTL_EXIT_NOT_PERMITTED : PX_CTL_EXIT_UNREACHABLE;
}

enum px_ctl_exit rpc_open(struct rpc *rpc, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	*rpc = (struct rpc){.fd = -1};
	if (!px_strlcpy(address.sun_path, path, sizeof(address.sun_path)))
		return explain_connect(path, ENAMETOOLONG);
	rpc->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (rpc->fd < 0 || connect(rpc->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int error = errno;
		rpc_close(rpc);
		return explain_connect(path, error);
	}
	return PX_CTL_EXIT_OK;
}

void rpc_close(struct rpc *rpc)
{
	if (rpc->fd >= 0)
		close(rpc->fd);
	rpc->fd = -1;
	px_buf_free(&rpc->in);
}

/* A daemon that refuses may have closed already; what it said is read all the same. */
static void send_line(struct rpc *rpc, const char *line)
{
	size_t left = strlen(line);
	while (left > 0) {
		ssize_t n = send(rpc->fd, line, left, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		line += n;
		left -= (size_t)n;
	}
}

/* The next line: rpc->line octets of rpc->in. */
static bool read_line(struct rpc *rpc)
{
	struct px_buf *in = &rpc->in;
	if (rpc->taken > 0)
		memmove(in->data, in->data + rpc->taken, in->len - rpc->taken);
	in->len -= rpc->taken;
	rpc->taken = 0;
	for (size_t seen = 0; in->len < ANSWER_MAX;) {
		const uint8_t *end = in->len > seen ? memchr(in->data + seen, '\n', in->len - seen) : NULL;
		if (end != NULL) {
			rpc->line = (size_t)(end - in->data);
			rpc->taken = rpc->line + 1;
			return true;
		}
		seen = in->len;
		ssize_t n = recv(rpc->fd, px_buf_reserve(in, 64 * 1024), 64 * 1024, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		px_buf_grown(in, (size_t)n);
	}
	return false;
}

/* `verify: 45 %`, on one line that is written over and over. @return whether the line was about that. */
static bool take_progress(const struct rpc *rpc, const char *method)
{
	json_t *line = json_loadb((const char *)rpc->in.data, rpc->line, JSON_REJECT_DUPLICATES, NULL);
	const char *what = json_string_value(json_object_get(line, "method"));
	const json_t *params = json_object_get(line, "params");
	bool is = what != NULL && strcmp(what, "progress") == 0;
	double done = (double)int_of(params, "done"), total = (double)int_of(params, "total");
	if (is && total > 0)
		fprintf(stderr, "\r%s: %.0f %%\033[K", method, done < total ? 100 * done / total : 100.0);
	json_decref(line);
	return is;
}

static enum px_ctl_exit explain_error(const json_t *error)
{
	struct px_buf text = PX_BUF_INIT;
	json_int_t code = json_integer_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	for (const char *s = message != NULL ? message : "no reason given"; *s != '\0'; s++)
		px_buf_addc(&text, (unsigned char)*s < 0x20 || *s == 0x7f ? ' ' : *s);
	fprintf(stderr, "prinexctl: %s\n", px_buf_str(&text));
	px_buf_free(&text);
	if (code == RPC_NOT_PERMITTED)
		return PX_CTL_EXIT_NOT_PERMITTED;
	return code <= -32600 ? PX_CTL_EXIT_USAGE : PX_CTL_EXIT_NO;
}

static enum px_ctl_exit take_answer(struct rpc *rpc, json_t **result)
{
	json_error_t why;
	json_t *answer = json_loadb((const char *)rpc->in.data, rpc->line, JSON_REJECT_DUPLICATES, &why);
	json_t *error = json_object_get(answer, "error");
	enum px_ctl_exit rc = PX_CTL_EXIT_OK;
	*result = json_object_get(answer, "result");
	if (error != NULL) {
		rc = explain_error(error);
	} else if (json_is_object(*result)) {
		json_incref(*result);
	} else {
		fprintf(stderr, "prinexctl: the answer is not one of prinexd: %s\n",
			answer == NULL ? why.text : "neither result nor error");
		rc = PX_CTL_EXIT_UNREACHABLE;
	}
	json_decref(answer);
	return rc;
}

enum px_ctl_exit rpc_call(struct rpc *rpc, const char *method, const json_t *params, json_t **result)
{
	json_t *request = json_pack("{s:s, s:i, s:s, s:O}", "jsonrpc", "2.0", "id", (int)++rpc->calls,
				    "method", method, "params", params);
	struct px_buf out = PX_BUF_INIT;
	char *text = json_dumps(request, JSON_COMPACT);
	px_buf_addf(&out, "%s\n", text);
	free(text);
	json_decref(request);
	send_line(rpc, px_buf_str(&out));
	px_buf_free(&out);
	*result = NULL;
	bool good = read_line(rpc), shown = false;
	while (good && take_progress(rpc, method)) {
		shown = true;
		good = read_line(rpc);
	}
	if (shown)
		fputs("\r\033[K", stderr);
	if (!good) {
		fprintf(stderr, "prinexctl: prinexd closed the connection before it answered\n");
		return PX_CTL_EXIT_UNREACHABLE;
	}
	return take_answer(rpc, result);
}
