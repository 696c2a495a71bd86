/* prinex: versions of message types that partners take
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/strings.h"
#include "conf/table.h"

static int fail(struct px_buf *why, const char *text)
{
	if (why != NULL)
		px_buf_setf(why, "%s", text);
	return PX_EPARSE;
}

/* Copy the next word of @s to @out. @return what follows it, or NULL: too long. */
static const char *word(const char *s, char *out, size_t size)
{
	s += strspn(s, " ");
	size_t len = strcspn(s, " ");
	return px_strlcpy_n(out, s, len, size) ? s + len : NULL;
}

int px_parse_takes(const char *s, struct px_takes *out, struct px_buf *why)
{
	static const char form[] =
	    "expected a message type and the versions of it, as in \"CD001C NCTS5.0 NCTS5.1\"";
	char version[PX_TYPE_MAX + 1];
	*out = (struct px_takes){{0}, 0, {{0}}};
	s = word(s, out->type, sizeof(out->type));
	while (s != NULL && (s = word(s, version, sizeof(version))) != NULL && version[0] != '\0') {
		if (out->n == PX_TAKES_MAX)
			return fail(why, "more versions of one type than are ever live at once");
		px_strlcpy(out->versions[out->n++], version, sizeof(version));
	}
	return s != NULL && out->n > 0 ? PX_OK : fail(why, form);
}

bool px_conf_takes_version(const struct px_conf_partner *partner, const char *type, const char *version,
			   struct px_buf *taken)
{
	bool named = false;
	for (unsigned i = 0; i < partner->versions.n; i++) {
		struct px_takes takes;
		if (px_parse_takes(partner->versions.items[i], &takes, NULL) != PX_OK ||
		    strcmp(takes.type, type) != 0)
			continue;
		for (unsigned k = 0; k < takes.n; k++) {
			if (strcmp(takes.versions[k], version) == 0)
				return true;
			if (taken != NULL)
				px_buf_addf(taken, "%s%s", taken->len > 0 ? " or " : "", takes.versions[k]);
		}
		named = true;
	}
	return !named;
}
