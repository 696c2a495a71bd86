/* prinex: HTTP/1.1: query parameters and the heads of answers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "net/http.h"

/* Decodes @len octets at @s; a NUL, written as %00, would cut what is compared later. */
static bool decode(const char *s, size_t len, char *out, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c == '%') {
			if (i + 2 >= len)
				return false;
			char digits[3] = {s[i + 1], s[i + 2], '\0'};
			if (px_unhex(digits, &c, 1) != PX_OK || c == '\0')
				return false;
			i += 2;
		}
		if (n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

bool px_http_query(const struct px_http *p, const char *name, char *out, size_t size)
{
	px_assert(size > 0);
	out[0] = '\0';
	const char *found = NULL;
	size_t found_len = 0, name_len = strlen(name);
	const char *s = p->query;
	while (*s != '\0') {
		size_t len = strcspn(s, "&");
		if (len > name_len && s[name_len] == '=' && memcmp(s, name, name_len) == 0) {
			if (found != NULL)
				return false;
			found = s + name_len + 1;
			found_len = len - name_len - 1;
		}
		s += len;
		s += *s == '&';
	}
	if (found != NULL && decode(found, found_len, out, size))
		return true;
	out[0] = '\0';
	return false;
}

const char *px_http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
	    {100, "Continue"},
	    {200, "OK"},
	    {201, "Created"},
	    {204, "No Content"},
	    {400, "Bad Request"},
	    {403, "Forbidden"},
	    {404, "Not Found"},
	    {405, "Method Not Allowed"},
	    {406, "Not Acceptable"},
	    {408, "Request Timeout"},
	    {409, "Conflict"},
	    {413, "Content Too Large"},
	    {415, "Unsupported Media Type"},
	    {422, "Unprocessable Content"},
	    {429, "Too Many Requests"},
	    {500, "Internal Server Error"},
	    {503, "Service Unavailable"},
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(texts); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}
	return "Unknown";
}

/* RFC 9110, 5.6.7; made once a second, in English whatever the locale. */
static const char *date_now(void)
{
	static _Thread_local char text[40];
	static _Thread_local time_t made;
	static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct timespec now;
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	if (now.tv_sec != made) {
		struct tm tm;
		gmtime_r(&now.tv_sec, &tm);
		snprintf(text, sizeof(text), "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
			 tm.tm_mday % 100, months[tm.tm_mon % 12], (tm.tm_year + 1900) % 10000,
			 tm.tm_hour % 100, tm.tm_min % 100, tm.tm_sec % 100);
		made = now.tv_sec;
	}
	return text;
}

void px_http_answer_head(struct px_buf *out, int status, const char *content_type, size_t length,
			 bool keep_alive, const char *extra)
{
	px_buf_addf(out, "HTTP/1.1 %d %s\r\n", status, px_http_status_text(status));
	if (status >= 200)
		px_buf_addf(out, "Date: %s\r\n", date_now());
	if (content_type != NULL)
		px_buf_addf(out, "Content-Type: %s\r\n", content_type);
	/* RFC 9110, 8.6: none in 1xx and 204. */
	if (status >= 200 && status != 204)
		px_buf_addf(out, "Content-Length: %zu\r\n", length);
	if (status == 405)
		px_buf_adds(out, "Allow: GET, POST\r\n");
	if (!keep_alive)
		px_buf_adds(out, "Connection: close\r\n");
	px_buf_adds(out, extra);
	px_buf_adds(out, "\r\n");
}
