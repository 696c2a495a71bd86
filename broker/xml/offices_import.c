/* prinex: the compact list of customs offices is made
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/strings.h"
#include "xml/offices_parts.h"

/* --- the list in memory --------------------------------------------------------------------------- */

bool px_office_is_code(const char *s)
{
	size_t n = 0;
	while (isupper((unsigned char)s[n]) || (n >= 2 && isdigit((unsigned char)s[n])))
		n++;
	return n == PX_OFFICE_CODE && s[n] == '\0';
}

uint32_t px_office_day(const char *s)
{
	uint32_t day = 0;
	unsigned digits = 0;
	for (; digits < 8 && (isdigit((unsigned char)*s) || (*s == '-' && (digits == 4 || digits == 6)));
	     s++) {
		if (*s == '-')
			continue;
		day = day * 10 + (uint32_t)(*s - '0');
		digits++;
	}
	return digits == 8 ? day : 0;
}

uint64_t px_office_role(struct px_office_list *list, const char *name, size_t len)
{
	if (len == 0 || len >= PX_OFFICES_ROLE)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (!isupper((unsigned char)name[i]) && !isdigit((unsigned char)name[i]))
			return 0;
	}
	for (unsigned i = 0; i < list->n_roles; i++) {
		if (memcmp(list->roles[i], name, len) == 0 && list->roles[i][len] == '\0')
			return UINT64_C(1) << i;
	}
	if (list->n_roles == PX_OFFICES_ROLES_MAX)
		return 0;
	memset(list->roles[list->n_roles], 0, PX_OFFICES_ROLE);
	memcpy(list->roles[list->n_roles], name, len);
	return UINT64_C(1) << list->n_roles++;
}

void px_office_add(struct px_office_list *list, const struct px_office *office)
{
	if ((list->n & (list->n - 1)) == 0) /* at powers of two */
		list->items = px_xrealloc_array(list->items, list->n == 0 ? 1 : 2 * list->n, sizeof(*office));
	list->items[list->n++] = *office;
}

void px_office_list_free(struct px_office_list *list)
{
	free(list->items);
	*list = (struct px_office_list){0};
}

static int by_code(const void *x, const void *y)
{
	const struct px_office *a = x, *b = y;
	int order = strcmp(a->code, b->code);
	return order != 0 ? order : a->from < b->from ? -1 : a->from > b->from;
}

/* --- the file ------------------------------------------------------------------------------------- */

static void put(struct px_buf *b, uint64_t v, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		px_buf_addc(b, (char)(v >> (8 * i)));
}

static void encode(const struct px_office_list *list, struct px_buf *out)
{
	struct px_buf body = PX_BUF_INIT;
	uint8_t digest[PX_DIGEST_LEN];
	px_buf_add(&body, list->roles, (size_t)list->n_roles * PX_OFFICES_ROLE);
	for (size_t i = 0; i < list->n; i++) {
		px_buf_add(&body, list->items[i].code, PX_OFFICE_CODE);
		put(&body, list->items[i].from, 4);
		put(&body, list->items[i].until, 4);
		put(&body, list->items[i].roles, 8);
	}
	px_sha256(body.data, body.len, digest);
	px_buf_add(out, PX_OFFICES_MAGIC, 8);
	put(out, list->n, 4);
	put(out, list->n_roles, 4);
	px_buf_add(out, digest, sizeof(digest));
	px_buf_add(out, body.data, body.len);
	px_buf_free(&body);
}

static bool write_all(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return fsync(fd) == 0;
}

/* Inspectors of the generation in force keep the old file mapped: it is never written over. */
static int replace(const char *target, const struct px_buf *octets, struct px_buf *why)
{
	struct px_buf beside = PX_BUF_INIT;
	px_buf_addf(&beside, "%s.new", target);
	int fd = open(px_buf_str(&beside), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write_all(fd, octets->data, octets->len);
	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && rename(px_buf_str(&beside), target) == 0;
	if (!good) {
		px_buf_setf(why, "cannot write %s: %s", px_buf_str(&beside), strerror(errno));
		if (fd >= 0)
			unlink(px_buf_str(&beside));
	}
	px_buf_free(&beside);
	return good ? PX_OK : PX_ESYS;
}

/* --- importing ------------------------------------------------------------------------------------ */

static void count(struct px_offices_import *import, const struct px_office_list *list)
{
	size_t at = 0;
	import->offices = (unsigned)list->n;
	for (size_t i = 0; i < list->n; i++) {
		if (i > 0 && memcmp(list->items[i].code, list->items[i - 1].code, 2) == 0)
			continue;
		import->countries++;
		if (at + 4 < sizeof(import->names)) {
			at += (size_t)snprintf(import->names + at, sizeof(import->names) - at, "%s%.2s",
					       at > 0 ? " " : "", list->items[i].code);
		}
	}
}

static int keep_others(struct px_offices_import *import, struct px_office_list *list, struct px_buf *why)
{
	struct px_offices *old;
	if (access(import->target, F_OK) != 0)
		return PX_OK;
	if (px_offices_open(import->target, &old, why) != PX_OK)
		return PX_EPARSE;
	struct px_office_list others = {.n_roles = list->n_roles};
	memcpy(others.roles, list->roles, sizeof(others.roles));
	px_offices_copy(old, list, &others);
	import->kept = (unsigned)others.n;
	for (size_t i = 0; i < others.n; i++)
		px_office_add(list, &others.items[i]);
	list->n_roles = others.n_roles;
	memcpy(list->roles, others.roles, sizeof(list->roles));
	px_office_list_free(&others);
	px_offices_free(&old);
	return PX_OK;
}

int px_offices_import(struct px_offices_import *import, struct px_buf *why)
{
	struct px_office_list list = {0};
	struct px_buf octets = PX_BUF_INIT;
	bool is_csv = px_str_ends(import->source, ".csv");
	import->offices = import->countries = import->kept = 0;
	import->names[0] = '\0';
	int rc = is_csv ? px_offices_read_csv(import->source, &list, why)
			: px_offices_read_xml(import->source, &list, why);
	if (rc == PX_OK && list.n == 0) {
		px_buf_setf(why, "%s: no customs office in it", import->source);
		rc = PX_EPARSE;
	}
	if (rc == PX_OK) {
		qsort(list.items, list.n, sizeof(list.items[0]), by_code);
		count(import, &list);
		rc = keep_others(import, &list, why);
	}
	if (rc == PX_OK) {
		qsort(list.items, list.n, sizeof(list.items[0]), by_code);
		encode(&list, &octets);
		rc = replace(import->target, &octets, why);
	}
	px_buf_free(&octets);
	px_office_list_free(&list);
	return rc;
}
