/* prinex: the list of customs offices: mapped and asked
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "xml/offices.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/strings.h"
#include "xml/offices_parts.h"

struct px_offices {
	const uint8_t *map;
	size_t size;
	unsigned n, n_roles;
	const uint8_t *roles, *entries;
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

/* --- opening -------------------------------------------------------------------------------------- */

static const char *fault_of(const struct px_offices *o)
{
	if (o->size < PX_OFFICES_HEAD || memcmp(o->map, PX_OFFICES_MAGIC, 8) != 0)
		return "not a list of offices: `prinexctl offices import` makes one";
	uint64_t need = PX_OFFICES_HEAD + (uint64_t)get32(o->map + 12) * PX_OFFICES_ROLE +
			(uint64_t)get32(o->map + 8) * PX_OFFICES_ENTRY;
	if (get32(o->map + 12) > PX_OFFICES_ROLES_MAX || need != o->size)
		return "the list of offices is cut short or damaged: import it anew";
	uint8_t digest[PX_DIGEST_LEN];
	px_sha256(o->map + PX_OFFICES_HEAD, o->size - PX_OFFICES_HEAD, digest);
	return memcmp(digest, o->map + 16, sizeof(digest)) == 0
		   ? NULL
		   : "the list of offices is damaged (checksum): import it anew";
}

static int map(const char *file, struct px_offices *o, struct px_buf *why)
{
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0) {
		px_buf_setf(why, "%s: %s", file, strerror(errno));
		if (fd >= 0)
			close(fd);
		return PX_ECONF;
	}
	o->size = (size_t)st.st_size;
	void *p = o->size > 0 ? mmap(NULL, o->size, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
	close(fd);
	o->map = p != MAP_FAILED ? p : NULL;
	const char *fault = o->map != NULL ? fault_of(o) : "not a list of offices";
	if (fault == NULL)
		return PX_OK;
	px_buf_setf(why, "%s: %s", file, fault);
	return PX_ECONF;
}

int px_offices_open(const char *file, struct px_offices **out, struct px_buf *why)
{
	struct px_offices *o = px_xcalloc(1, sizeof(*o));
	int rc = map(file, o, why);
	if (rc == PX_OK) {
		o->n = get32(o->map + 8);
		o->n_roles = get32(o->map + 12);
		o->roles = o->map + PX_OFFICES_HEAD;
		o->entries = o->roles + (size_t)o->n_roles * PX_OFFICES_ROLE;
	} else {
		px_offices_free(&o);
	}
	*out = o;
	return rc;
}

void px_offices_free(struct px_offices **offices)
{
	if (*offices == NULL)
		return;
	if ((*offices)->map != NULL)
		munmap((void *)(*offices)->map, (*offices)->size);
	PX_FREE(*offices);
}

unsigned px_offices_count(const struct px_offices *o)
{
	return o->n;
}

/* --- asking --------------------------------------------------------------------------------------- */

/* The first entry that is not before @code (compared over @len octets). */
static unsigned first_at(const struct px_offices *o, const char *code, size_t len)
{
	unsigned from = 0, to = o->n;
	while (from < to) {
		unsigned mid = from + (to - from) / 2;
		if (memcmp(o->entries + (size_t)mid * PX_OFFICES_ENTRY, code, len) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return from;
}

static bool stands_at(const struct px_offices *o, unsigned i, const char *code, size_t len)
{
	return i < o->n && memcmp(o->entries + (size_t)i * PX_OFFICES_ENTRY, code, len) == 0;
}

static uint64_t role_bit(const struct px_offices *o, const char *name, size_t len)
{
	for (unsigned i = 0; i < o->n_roles && len < PX_OFFICES_ROLE; i++) {
		const char *role = (const char *)o->roles + (size_t)i * PX_OFFICES_ROLE;
		if (memcmp(role, name, len) == 0 && role[len] == '\0')
			return UINT64_C(1) << i;
	}
	return 0;
}

static uint64_t wanted_roles(const struct px_offices *o, const char *roles)
{
	uint64_t bits = 0;
	for (const char *s = roles + strspn(roles, " "); *s != '\0';) {
		size_t n = strcspn(s, " ");
		bits |= role_bit(o, s, n);
		s += n;
		s += strspn(s, " ");
	}
	return bits;
}

/* Official lists name roles for their own procedures only: of export offices outside the Union they know
 * none. Then nothing is known of that role in the whole country. */
static bool is_role_of(const struct px_offices *o, const char *code, uint64_t wanted)
{
	for (unsigned i = first_at(o, code, 2); stands_at(o, i, code, 2); i++) {
		if ((get64(o->entries + (size_t)i * PX_OFFICES_ENTRY + 16) & wanted) != 0)
			return true;
	}
	return false;
}

const char *px_offices_judge(const struct px_offices *o, const char *code, const char *roles, const char *day)
{
	if (!px_office_is_code(code))
		return "unknown";
	if (!stands_at(o, first_at(o, code, 2), code, 2))
		return "country";
	unsigned i = first_at(o, code, PX_OFFICE_CODE);
	if (!stands_at(o, i, code, PX_OFFICE_CODE))
		return "unknown";
	uint32_t when = px_office_day(day);
	bool open = false;
	uint64_t has = 0;
	for (; stands_at(o, i, code, PX_OFFICE_CODE); i++) {
		const uint8_t *e = o->entries + (size_t)i * PX_OFFICES_ENTRY;
		if (when != 0 && (when < get32(e + 8) || when > get32(e + 12)))
			continue;
		open = true;
		has |= get64(e + 16);
	}
	if (!open)
		return "day";
	uint64_t wanted = wanted_roles(o, roles);
	bool good = roles[strspn(roles, " ")] == '\0' || (has & wanted) != 0 || !is_role_of(o, code, wanted);
	return good ? "ok" : "role";
}

/* --- for the import ------------------------------------------------------------------------------- */

static bool has_country(const struct px_office_list *list, const uint8_t *code)
{
	for (size_t i = 0; i < list->n; i++) {
		if (memcmp(list->items[i].code, code, 2) == 0)
			return true;
	}
	return false;
}

void px_offices_copy(const struct px_offices *o, const struct px_office_list *without,
		     struct px_office_list *list)
{
	const uint8_t *country = NULL; /* entries are sorted: of each country one is looked up */
	bool left_out = false;
	px_assert(o->entries != NULL);
	for (unsigned i = 0; i < o->n; i++) {
		const uint8_t *e = o->entries + (size_t)i * PX_OFFICES_ENTRY;
		if (country == NULL || memcmp(country, e, 2) != 0)
			left_out = has_country(without, e);
		country = e;
		if (left_out)
			continue;
		struct px_office office = {.from = get32(e + 8), .until = get32(e + 12)};
		memcpy(office.code, e, PX_OFFICE_CODE);
		for (unsigned k = 0; k < o->n_roles; k++) {
			const char *name = (const char *)o->roles + (size_t)k * PX_OFFICES_ROLE;
			if ((get64(e + 16) & UINT64_C(1) << k) != 0)
				office.roles |= px_office_role(list, name, strnlen(name, 3));
		}
		px_office_add(list, &office);
	}
}
