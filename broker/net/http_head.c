/* prinex: strict HTTP/1.1: request line, fields and what they say about the body
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <strings.h>

#include "base/strings.h"
#include "net/http_internal.h"

/* Fields that may stand only once: with two of them, two readers may believe two different things. */
static const char *const single[] = {"host",    "content-length", "transfer-encoding", "connection",
				     "expect",  "content-type",   "content-encoding",  "authorization",
				     "upgrade", "trailer",        "prinex-user"};

static int bad(struct px_http *p, const char *reason)
{
	p->reason = reason;
	return 400;
}

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 9110, 5.6.2. */
static bool is_token_char(unsigned char c)
{
	return is_alnum(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(const char *s)
{
	if (*s == '\0')
		return false;
	while (is_token_char((unsigned char)*s))
		s++;
	return *s == '\0';
}

/* RFC 3986, pchar without percent signs, and the slash. */
static bool is_path_char(unsigned char c)
{
	return is_alnum(c) || (c != '\0' && strchr("-._~!$&'()*+,;=:@/", c) != NULL);
}

static bool is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static bool is_query(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '%') {
			if (!is_hex((unsigned char)s[1]) || !is_hex((unsigned char)s[2]))
				return false;
			s += 2;
		} else if (!is_path_char((unsigned char)*s) && *s != '?') {
			return false;
		}
	}
	return true;
}

static int parse_target(struct px_http *p, char *target)
{
	if (target[0] != '/')
		return bad(p, "the request target must begin with a slash");
	char *query = strchr(target, '?');
	if (query != NULL)
		*query++ = '\0';
	for (const char *c = target; *c != '\0'; c++) {
		if (!is_path_char((unsigned char)*c))
			return bad(p, *c == '%' ? "percent signs are not accepted in the path"
						: "octet not allowed in the path");
	}
	if (query != NULL && !is_query(query))
		return bad(p, "malformed query");
	p->path = target;
	p->query = query != NULL ? query : "";
	return 0;
}

/* RFC 9112, 3: METHOD SP target SP HTTP/1.1, nothing more. *@method_ok false: 405, if all else is well. */
static int parse_request_line(struct px_http *p, char *line, bool *method_ok)
{
	char *target = strchr(line, ' ');
	if (target == NULL)
		return bad(p, "not an HTTP request line");
	*target++ = '\0';
	char *version = strchr(target, ' ');
	if (version == NULL)
		return bad(p, "the request line has no version");
	*version++ = '\0';
	if (!is_token(line))
		return bad(p, "malformed method");
	if (strcmp(version, "HTTP/1.1") != 0)
		return bad(p, "HTTP/1.1 is required");
	*method_ok = true;
	if (strcmp(line, "GET") == 0)
		p->method = PX_HTTP_GET;
	else if (strcmp(line, "POST") == 0)
		p->method = PX_HTTP_POST;
	else
		*method_ok = false;
	return parse_target(p, target);
}

/* Lower case; true when a field of that name may stand only once. An underscore counts as a hyphen there,
 * since gateways of the CGI kind make one out of the other. */
static bool fold_name(char *name, const char **lookalike)
{
	char hyphens[64];
	size_t n = 0;
	for (char *c = name; *c != '\0'; c++) {
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + ('a' - 'A'));
		if (n < sizeof(hyphens) - 1)
			hyphens[n++] = *c == '_' ? '-' : *c;
	}
	hyphens[n] = '\0';
	*lookalike = NULL;
	for (size_t i = 0; i < PX_ARRAY_LEN(single); i++) {
		if (strcmp(hyphens, single[i]) == 0) {
			*lookalike = strcmp(name, single[i]) != 0 ? single[i] : NULL;
			return true;
		}
	}
	return false;
}

static int parse_field(struct px_http *p, char *line)
{
	if (*line == ' ' || *line == '\t')
		return bad(p, "folded header line");
	char *value = strchr(line, ':');
	if (value == NULL)
		return bad(p, "header line without a colon");
	*value++ = '\0';
	if (!is_token(line))
		return bad(p, "malformed header name");
	const char *lookalike;
	bool once = fold_name(line, &lookalike);
	if (lookalike != NULL)
		return bad(p, "header name that looks like another");
	if (once && px_http_field(p, line) != NULL)
		return bad(p, "header that may stand only once is repeated");
	if (p->n_fields >= PX_ARRAY_LEN(p->fields))
		return bad(p, "too many header fields");
	value += strspn(value, " \t");
	size_t len = strlen(value);
	while (len > 0 && (value[len - 1] == ' ' || value[len - 1] == '\t'))
		value[--len] = '\0';
	p->fields[p->n_fields++] = (struct px_http_field){.name = line, .value = value};
	return 0;
}

/* RFC 3986, 3.2.2 and 3.2.3: a name, an IPv4 address or an IPv6 address in brackets; a port. */
static bool is_host(const char *s)
{
	const char *c = s;
	if (*c == '[') {
		c++;
		while (is_hex((unsigned char)*c) || *c == ':' || *c == '.')
			c++;
		if (c == s + 1 || *c++ != ']')
			return false;
	} else {
		while (is_alnum((unsigned char)*c) || (*c != '\0' && strchr("-._~", *c) != NULL))
			c++;
		if (c == s)
			return false;
	}
	uint64_t port;
	return *c == '\0' || (*c == ':' && px_parse_u64(c + 1, 0, 65535, &port) == PX_OK);
}

static int check_connection(struct px_http *p)
{
	p->keep_alive = true;
	const char *v = px_http_field(p, "connection");
	while (v != NULL && *v != '\0') {
		size_t n = strcspn(v, ", \t");
		if (n == 5 && strncasecmp(v, "close", n) == 0)
			p->keep_alive = false;
		else if (n > 0 && !(n == 10 && strncasecmp(v, "keep-alive", n) == 0) &&
			 !(n == 2 && strncasecmp(v, "te", n) == 0))
			return bad(p, "Connection names something other than close or keep-alive");
		v += n;
		v += strspn(v, ", \t");
	}
	return 0;
}

static int check_length(struct px_http *p)
{
	const char *v = px_http_field(p, "content-length");
	const char *te = px_http_field(p, "transfer-encoding");
	if (v != NULL && te != NULL)
		return bad(p, "both Content-Length and Transfer-Encoding");
	if (te != NULL && strcasecmp(te, "chunked") != 0)
		return bad(p, "Transfer-Encoding is not chunked");
	p->chunked = te != NULL;
	if (v != NULL) {
		/* A leading zero: some would read it as octal. */
		if ((v[0] == '0' && v[1] != '\0') || px_parse_u64(v, 0, INT64_MAX, &p->length) != PX_OK)
			return bad(p, "Content-Length is not a plain number");
		p->has_length = true;
	}
	return 0;
}

static int check_fields(struct px_http *p, bool method_ok)
{
	const char *host = px_http_field(p, "host");
	if (host == NULL || !is_host(host))
		return bad(p, host == NULL ? "no Host" : "malformed Host");
	if (px_http_field(p, "upgrade") != NULL)
		return bad(p, "Upgrade is not accepted");
	if (px_http_field(p, "trailer") != NULL)
		return bad(p, "trailers are not accepted");
	int status = check_length(p);
	if (status == 0)
		status = check_connection(p);
	if (status != 0)
		return status;
	const char *expect = px_http_field(p, "expect");
	if (expect != NULL && strcasecmp(expect, "100-continue") != 0)
		return bad(p, "Expect is not 100-continue");
	p->expect_continue = expect != NULL;
	if (!method_ok) {
		p->reason = "method not allowed: GET and POST are";
		return 405;
	}
	if (p->method == PX_HTTP_GET && (p->chunked || p->length > 0))
		return bad(p, "GET with a body");
	if (p->method == PX_HTTP_POST && !p->chunked && !p->has_length)
		return bad(p, "POST without Content-Length or Transfer-Encoding: chunked");
	return 0;
}

int px_http_parse_head(struct px_http *p)
{
	char *line = (char *)p->state->head.data;
	bool method_ok = false, first = true;
	/* scan_head has seen to it that lines end in CRLF and the last one is empty. */
	while (*line != '\r') {
		char *end = strchr(line, '\r');
		*end = '\0';
		int status = first ? parse_request_line(p, line, &method_ok) : parse_field(p, line);
		if (status != 0)
			return status;
		first = false;
		line = end + 2;
	}
	return check_fields(p, method_ok);
}

const char *px_http_field(const struct px_http *p, const char *name)
{
	for (unsigned i = 0; i < p->n_fields; i++) {
		if (strcmp(p->fields[i].name, name) == 0)
			return p->fields[i].value;
	}
	return NULL;
}
