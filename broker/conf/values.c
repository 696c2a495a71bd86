/* prinex: types of values: what a file may say and what is kept of it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <arpa/inet.h>
#include <ctype.h>

#include "base/log.h"
#include "base/strings.h"
#include "conf/table.h"

static const char *const words_bool[] = {"false", "true", NULL};
static const char *const words_tls[] = {"1.3", "1.2", NULL};
static const char *const words_role[] = {"", "system", "node", "officer", NULL};
static const char *const words_mode[] = {"pull", "push", "none", NULL};
static const char *const words_confirmation[] = {"signed", "http", NULL};
static const char *const words_verify[] = {"fast", "xmlsec", NULL};
static const char *const words_level[] = {"err", "warn", "notice", "info", "debug", NULL};
static const char *const words_domain[] = {"common", "external", NULL};
static const char *const words_class[] = {"A", "B", "C", NULL};
static const char *const words_stand[] = {"any", "begins", "amends", "closes", "answers", NULL};
static const char *const words_origin[] = {"system", "node", "any", NULL};

/* --- numbers with units ------------------------------------------------------------------------------------
 */

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit durations[] = {
    {"d", 86400000}, {"h", 3600000}, {"min", 60000}, {"s", 1000}, {"ms", 1}};
static const struct unit sizes[] = {
    {"T", UINT64_C(1) << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}, {"", 1}};

static int parse_with_unit(const char *s, const struct unit *units, size_t n, uint64_t *out)
{
	char digits[24];
	size_t len = strspn(s, "0123456789");
	uint64_t v;
	if (!px_strlcpy_n(digits, s, len, sizeof(digits)) || px_parse_u64(digits, 0, INT64_MAX, &v) != PX_OK)
		return PX_EPARSE;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(units[i].name, s + len) == 0)
			return __builtin_mul_overflow(v, units[i].factor, out) || *out > INT64_MAX ? PX_EPARSE
												   : PX_OK;
	}
	return PX_EPARSE;
}

static void format_with_unit(struct px_buf *out, const struct unit *units, size_t n, uint64_t v)
{
	size_t i = 0;
	while (i + 1 < n && v % units[i].factor != 0)
		i++;
	if (v == 0)
		i = n - 1;
	px_buf_addf(out, "%llu%s", (unsigned long long)(v / units[i].factor), units[i].name);
}

int px_parse_duration(const char *s, int64_t *ms)
{
	uint64_t v;
	if (strcmp(s, "0") == 0)
		s = "0s";
	if (parse_with_unit(s, durations, PX_ARRAY_LEN(durations), &v) != PX_OK)
		return PX_EPARSE;
	*ms = (int64_t)v;
	return PX_OK;
}

int px_parse_size(const char *s, uint64_t *octets)
{
	return parse_with_unit(s, sizes, PX_ARRAY_LEN(sizes), octets);
}

void px_format_duration(struct px_buf *out, int64_t ms)
{
	if (ms == 0)
		px_buf_adds(out, "0s");
	else
		format_with_unit(out, durations, PX_ARRAY_LEN(durations), (uint64_t)ms);
}

void px_format_size(struct px_buf *out, uint64_t octets)
{
	format_with_unit(out, sizes, PX_ARRAY_LEN(sizes), octets);
}

/* --- texts
 * ----------------------------------------------------------------------------------------------------- */

static int keep(const char *in, struct px_buf *out)
{
	px_buf_adds(out, in);
	return PX_OK;
}

static int refuse(struct px_buf *why, const char *text)
{
	px_buf_setf(why, "%s", text);
	return PX_EPARSE;
}

static int check_text(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	for (const char *p = in; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return refuse(why, "control characters are not allowed");
	}
	size_t room = strlen(in), n = 1;
	for (const char *p = in; *p != '\0' && n > 0; p += n, room -= n) {
		if ((n = px_utf8_length(p, room)) == 0)
			return refuse(why, "not UTF-8");
	}
	return keep(in, out);
}

static int check_name(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (!px_is_name(in))
		return refuse(why, "expected a name: lower-case letters, digits, '.', '_', '-', at most 32, "
				   "beginning with a letter or digit");
	return keep(in, out);
}

static int check_name_or_none(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	return *in == '\0' ? PX_OK : check_name(in, file, out, why);
}

static int check_authority(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (strcmp(in, "*") == 0)
		return refuse(why, "authorities are named one by one, there is no wildcard");
	if (!px_is_authority(in))
		return refuse(
		    why, "expected an authority code: two capital letters, then perhaps '.' or '-' and up "
			 "to 12 capital letters or digits");
	return keep(in, out);
}

static int check_authority_or_none(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	return *in == '\0' ? PX_OK : check_authority(in, file, out, why);
}

static int check_environment(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (*in < 'a' || *in > 'z' || strspn(in, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(in) ||
	    strlen(in) > PX_NAME_MAX)
		return refuse(why,
			      "expected a name such as production: lower-case letters, digits, '-', at most "
			      "32, beginning with a letter");
	return keep(in, out);
}

static int check_file(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	struct px_buf text = {0};
	int rc = check_text(in, file, &text, why);
	px_buf_free(&text);
	if (rc != PX_OK || *in == '\0')
		return rc;
	char *path = px_path_beside(file, in);
	px_buf_adds(out, path);
	free(path);
	return PX_OK;
}

/* HOST:PORT or [IPv6]:PORT; the port may be left out when @port_optional. */
static bool is_address(const char *s, bool port_optional, uint64_t least_port)
{
	char host[256];
	const char *end;
	if (*s == '[') {
		struct in6_addr a6;
		end = strchr(s, ']');
		if (end == NULL || !px_strlcpy_n(host, s + 1, (size_t)(end - s - 1), sizeof(host)) ||
		    inet_pton(AF_INET6, host, &a6) != 1)
			return false;
		end++;
	} else {
		size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
		if (n == 0 || n > 253 || *s == '-' || *s == '.')
			return false;
		end = s + n;
	}
	if (*end == '\0')
		return port_optional;
	uint64_t port;
	return *end == ':' && px_parse_u64(end + 1, least_port, 65535, &port) == PX_OK;
}

static int check_address(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (!is_address(in, false, 0))
		return refuse(why, "expected HOST:PORT or [IPv6]:PORT");
	return keep(in, out);
}

static int check_url(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (*in == '\0')
		return PX_OK;
	if (!px_str_starts(in, "https://"))
		return refuse(why, "expected a URL that begins with https://");
	if (!is_address(in + 8, true, 1))
		return refuse(
		    why, "expected https://HOST or https://HOST:PORT and nothing else: the path is fixed by "
			 "the protocol");
	return keep(in, out);
}

static int check_proxy(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (*in == '\0')
		return PX_OK;
	if (!px_str_starts(in, "http://") || !is_address(in + 7, false, 1))
		return refuse(why, "expected http://HOST:PORT");
	return keep(in, out);
}

/* RFC 3986: a scheme, then what a URI may consist of. */
static int check_san(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (*in == '\0')
		return PX_OK;
	size_t scheme = 0;
	while (isalnum((unsigned char)in[scheme]) || (scheme > 0 && strchr("+.-", in[scheme]) && in[scheme]))
		scheme++;
	bool good = isalpha((unsigned char)*in) && in[scheme] == ':' && in[scheme + 1] != '\0' &&
		    strlen(in) <= 256;
	for (const char *p = in; good && *p != '\0'; p++)
		good = *p > ' ' && *p < 0x7f && strchr("\"<>\\^`{|}", *p) == NULL;
	return good ? keep(in, out) : refuse(why, "expected a URI such as urn:prinex:BY:system:main");
}

static int check_group(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (strlen(in) > PX_NAME_MAX || *in == '-' ||
	    strspn(in, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != strlen(in))
		return refuse(why, "expected the name of a group");
	return keep(in, out);
}

static bool is_loopback(const char *s)
{
	return px_str_starts(s, "127.") || px_str_starts(s, "[::1]:") || px_str_starts(s, "localhost:");
}

static int check_local(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	if (*in == '\0')
		return PX_OK;
	if (px_str_starts(in, "unix:") && in[5] != '\0') {
		px_buf_adds(out, "unix:");
		return check_file(in + 5, file, out, why);
	}
	if (!is_address(in, false, 0))
		return refuse(why, "expected HOST:PORT, [IPv6]:PORT or unix:FILE");
	if (!is_loopback(in))
		return refuse(
		    why, "expected an address of this machine only, such as 127.0.0.1:9464 or unix:FILE");
	return keep(in, out);
}

static int check_level(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (px_log_level_parse(in) < 0)
		return refuse(why, "expected one of err, warn, notice, info, debug");
	return keep(in, out);
}

static int check_pin(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	uint8_t digest[PX_DIGEST_LEN];
	char hex[PX_DIGEST_HEX];
	if (px_unhex(in, digest, sizeof(digest)) != PX_OK)
		return refuse(
		    why, "expected 64 hex digits: the SHA-256 of a public key (certs/spki-pin prints it)");
	px_hex(digest, sizeof(digest), hex);
	return keep(hex, out);
}

static int check_type(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (!px_is_message_id(in)) /* the same letters and length */
		return refuse(
		    why, "expected letters, digits, '.', '_', '-', at most 35, beginning with a letter or "
			 "digit");
	return keep(in, out);
}

static int check_type_or_none(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	return *in == '\0' ? PX_OK : check_type(in, file, out, why);
}

static int check_country(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	if (strlen(in) != 2 || !px_is_authority(in))
		return refuse(why, "expected a country code of two capital letters");
	return keep(in, out);
}

/* COR codes: country, then six letters or digits. */
static int check_office(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	size_t n = strspn(in, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
	bool country = n >= 2 && isupper((unsigned char)in[0]) && isupper((unsigned char)in[1]);
	bool whole = n == 8 && in[n] == '\0', prefix = n < 8 && strcmp(in + n, "*") == 0;
	if (!country || !(whole || prefix))
		return refuse(why,
			      "expected a customs office code such as BY000100, or a prefix such as BY0*");
	return keep(in, out);
}

/* An NCName of ASCII letters (https://www.w3.org/TR/xml-names/#NT-NCName). */
static bool is_ncname(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool start = isalpha((unsigned char)s[i]) || s[i] == '_';
		if (!start && (i == 0 || !(isdigit((unsigned char)s[i]) || s[i] == '.' || s[i] == '-')))
			return false;
	}
	return len > 0;
}

static int check_prefix(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	return is_ncname(in, strlen(in)) ? keep(in, out) : refuse(why, "expected a namespace prefix");
}

static int check_root(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	(void)file;
	const char *colon = strchr(in, ':');
	const char *name = colon == NULL ? in : colon + 1;
	if (!is_ncname(name, strlen(name)) || (colon != NULL && !is_ncname(in, (size_t)(colon - in))))
		return refuse(why, "expected the root element: PREFIX:NAME or NAME");
	return keep(in, out);
}

static int check_profile(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	struct px_profile_rule rule;
	(void)file;
	return px_parse_profile(in, &rule, why) == PX_OK ? keep(in, out) : PX_EPARSE;
}

static int check_rule_level(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	struct px_rule_level_for rule;
	(void)file;
	return px_parse_rule_level(in, &rule, why) == PX_OK ? keep(in, out) : PX_EPARSE;
}

static int check_takes(const char *in, const char *file, struct px_buf *out, struct px_buf *why)
{
	struct px_takes takes;
	(void)file;
	return px_parse_takes(in, &takes, why) == PX_OK ? keep(in, out) : PX_EPARSE;
}

const struct px_opt_type *px_opt_type(enum px_opt_type_id id)
{
	static const struct px_opt_type types[] = {
#define PX_OPT_TYPE(name, kept, words, check, text) {PX_AS_##kept, words, check, text},
#include "conf/types.def"
#undef PX_OPT_TYPE
	};
	px_assert(id < PX_T_COUNT);
	return &types[id];
}
