/* prinex: the option table as data
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/table.h"

#define PX_SECOND INT64_C(1000)
#define PX_MINUTE (60 * PX_SECOND)
#define PX_HOUR   (60 * PX_MINUTE)
#define PX_DAY    (24 * PX_HOUR)

/* The options that every kind of trust has. */
#define PX_TRUST(section, type, prefix, whose)                                                               \
	PX_OPTION(section, "anchors", FILES, type, prefix anchors, NULL, 0, 0, 0,                            \
		  "Certificates of the CAs that " whose " must chain to (PEM). No others are believed.")     \
	PX_OPTION(section, "crls", FILES, type, prefix crls, "", 0, 0, 0,                                    \
		  "Revocation lists of these CAs and of their intermediates (PEM).")                         \
	PX_OPTION(section, "pins", PINS, type, prefix pins, "", 0, 0, 0,                                     \
		  "Public keys known by their digest, where the CA cannot put the URI into certificates. A " \
		  "pin replaces the URI, never the chain.")                                                  \
	PX_OPTION(section, "crl-required", BOOL, type, prefix crl_required, "true", 0, 0, 0,                 \
		  "Refuse when there is no valid revocation list of an issuer.")

/* First pass: numbers of sections. */
enum {
	SECTION_ROOT,
#define PX_ONE(id, name, help)                                                SECTION_##id,
#define PX_MANY(id, name, title_type, array, number, type, title_field, help) SECTION_##id,
#define PX_MAYBE(id, name, up, type, field, help)                             SECTION_##id,
#define PX_OPTION(section, name, type, of, field, value, min, max, flags, help)
#include "conf/options.def"
#undef PX_ONE
#undef PX_MANY
#undef PX_MAYBE
	SECTION_COUNT
};

static const struct px_section sections[] = {
    {.name = "", .kind = PX_SECTION_ROOT},
#define PX_ONE(id, text, about) {.name = (text), .kind = PX_SECTION_ONE, .help = (about)},
#define PX_MANY(id, text, type_of_title, array, number, type, title_field, about) \
	{.name = (text),                                                          \
	 .kind = PX_SECTION_MANY,                                                 \
	 .offset = offsetof(struct px_conf, array),                               \
	 .count = offsetof(struct px_conf, number),                               \
	 .size = sizeof(type),                                                    \
	 .title = offsetof(type, title_field),                                    \
	 .line = offsetof(type, line),                                            \
	 .file = PX_NOWHERE,                                                      \
	 .title_type = PX_T_##type_of_title,                                      \
	 .help = (about)},
#define PX_MAYBE(id, text, up, type, field, about)            \
	{.name = (text),                                      \
	 .kind = PX_SECTION_MAYBE,                            \
	 .parent = SECTION_##up,                              \
	 .offset = offsetof(type, field),                     \
	 .given = offsetof(struct px_conf_trust, configured), \
	 .help = (about)},
#include "conf/options.def"
#undef PX_ONE
#undef PX_MANY
#undef PX_MAYBE
#undef PX_OPTION
};

static const struct px_opt options[] = {
#define PX_ONE(id, name, help)
#define PX_MANY(id, name, title_type, array, number, type, title_field, help)
#define PX_MAYBE(id, name, up, type, field, help)
#define PX_OPTION(in, text, kind, of, field, standard, least, most, bits, about) \
	{.section = SECTION_##in,                                                \
	 .name = (text),                                                         \
	 .type = PX_T_##kind,                                                    \
	 .offset = offsetof(of, field),                                          \
	 .value = (standard),                                                    \
	 .min = (least),                                                         \
	 .max = (most),                                                          \
	 .flags = (bits),                                                        \
	 .help = about},
#include "conf/options.def"
};

const struct px_table *px_conf_table(void)
{
	static const struct px_table table = {SECTION_COUNT, sections, PX_ARRAY_LEN(options), options};
	return &table;
}
