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

/* One line, without its end, into rpc->in. */
static bool read_line(struct rpc *rpc)
{
	px_buf_clear(&rpc->in);
	while (rpc->in.len < ANSWER_MAX) {
		uint8_t *to = px_buf_reserve(&rpc->in, 64 * 1024);
		ssize_t n = recv(rpc->fd, to, 64 * 1024, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		px_buf_grown(&rpc->in, (size_t)n);
		/* One request at a time: nothing follows the line. */
		if (to[n - 1] == '\n')
			return true;
	}
	return false;
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
	json_t *answer = json_loadb((const char *)rpc->in.data, rpc->in.len, JSON_REJECT_DUPLICATES, &why);
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
	if (!read_line(rpc)) {
		fprintf(stderr, "prinexctl: prinexd closed the connection before it answered\n");
		return PX_CTL_EXIT_UNREACHABLE;
	}
	return take_answer(rpc, result);
}
