/* prinex: prinexctl: texts of the pre-arrival letter, from schemas/letters
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <confuse.h>
#include <dirent.h>
#include <errno.h>

#include "base/strings.h"
#include "letter.h"

static const char *const names[LETTER_TEXTS] = {
#define LETTER_TEXT(id, name) [TEXT_##id] = name,
#include "letters.def"
#undef LETTER_TEXT
};

#define OPTIONS (LETTER_TEXTS + 3) /* language, countries, end */

static void fault(cfg_t *cfg, const char *fmt, va_list ap) PX_PRINTF(2, 0);
static void fault(cfg_t *cfg, const char *fmt, va_list ap)
{
	fprintf(stderr, "prinexctl: %s:%d: ", cfg != NULL && cfg->filename != NULL ? cfg->filename : "",
		cfg != NULL ? cfg->line : 0);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

/* @return the file, parsed; NULL: it is not there, or has faults, which have been told. */
static cfg_t *parse(const char *path)
{
	cfg_opt_t options[OPTIONS] = {CFG_STR("language", "", CFGF_NONE),
				      CFG_STR_LIST("countries", NULL, CFGF_NONE)};
	for (unsigned i = 0; i < LETTER_TEXTS; i++)
		options[2 + i] = (cfg_opt_t)CFG_STR(names[i], "", CFGF_NONE);
	options[OPTIONS - 1] = (cfg_opt_t)CFG_END();
	cfg_t *cfg = cfg_init(options, CFGF_NONE);
	cfg_set_error_function(cfg, fault);
	if (cfg_parse(cfg, path) != CFG_SUCCESS) {
		cfg_free(cfg);
		return NULL;
	}
	return cfg;
}

static bool speaks_for(cfg_t *cfg, const char *authority)
{
	for (unsigned i = 0; i < cfg_size(cfg, "countries"); i++) {
		if (strncmp(cfg_getnstr(cfg, "countries", i), authority, 2) == 0)
			return true;
	}
	return false;
}

/* The language of the country of @authority, "en" when no file names it. */
static void choose(const char *folder, const char *authority, struct px_buf *out)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	struct px_buf path = PX_BUF_INIT;
	px_buf_setf(out, "en");
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (!px_str_ends(entry->d_name, ".conf"))
			continue;
		px_buf_setf(&path, "%s/%s", folder, entry->d_name);
		cfg_t *cfg = parse(px_buf_str(&path));
		if (cfg != NULL && speaks_for(cfg, authority))
			px_buf_setf(out, "%s", cfg_getstr(cfg, "language"));
		if (cfg != NULL)
			cfg_free(cfg);
	}
	if (dir != NULL)
		closedir(dir);
	px_buf_free(&path);
}

static bool take(cfg_t *cfg, const char *path, struct letter_texts *out, struct px_buf *why)
{
	out->language = px_xstrdup(cfg_getstr(cfg, "language"));
	for (unsigned i = 0; i < LETTER_TEXTS; i++) {
		const char *text = cfg_getstr(cfg, names[i]);
		out->text[i] = px_xstrdup(text);
		if (*text == '\0' && why->len == 0)
			px_buf_setf(why, "%s: the text \"%s\" is missing", path, names[i]);
	}
	return why->len == 0;
}

bool letter_texts_load(const char *folder, const char *language, const char *authority,
		       struct letter_texts *out, struct px_buf *why)
{
	struct px_buf tag = PX_BUF_INIT, path = PX_BUF_INIT;
	*out = (struct letter_texts){0};
	if (language != NULL)
		px_buf_setf(&tag, "%s", language);
	else
		choose(folder, authority, &tag);
	px_buf_setf(&path, "%s/%s.conf", folder, px_buf_str(&tag));
	cfg_t *cfg = strchr(px_buf_str(&tag), '/') == NULL ? parse(px_buf_str(&path)) : NULL;
	bool good = cfg != NULL && take(cfg, px_buf_str(&path), out, why);
	if (cfg == NULL)
		px_buf_setf(why,
			    "no texts in language \"%s\": cannot read %s (--letters names another folder)",
			    px_buf_str(&tag), px_buf_str(&path));
	if (cfg != NULL)
		cfg_free(cfg);
	px_buf_free(&tag);
	px_buf_free(&path);
	return good;
}

void letter_texts_free(struct letter_texts *texts)
{
	free(texts->language);
	for (unsigned i = 0; i < LETTER_TEXTS; i++)
		free(texts->text[i]);
	*texts = (struct letter_texts){0};
}
