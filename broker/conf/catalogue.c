/* prinex: loading the catalogue of message types
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "conf/catalogue.h"

#include <ctype.h>
#include <glob.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/strings.h"
#include "conf/table.h"

/* --- the table
 * ----------------------------------------------------------------------------------------------------- */

enum { IN_FILE, IN_KEYS, IN_SET, IN_PREFIX, IN_TYPE, SECTION_COUNT };

#define MANY(text, in, up, array, number, type, title_field, type_of_title, file_at)                       \
	{                                                                                                  \
		.name = (text), .kind = PX_SECTION_MANY, .parent = (in), .offset = offsetof(up, array),    \
		.count = offsetof(up, number), .size = sizeof(type), .title = offsetof(type, title_field), \
		.line = offsetof(type, line), .file = (file_at), .title_type = PX_T_##type_of_title        \
	}

static const struct px_section sections[SECTION_COUNT] = {
    [IN_FILE] = {.name = "", .kind = PX_SECTION_ROOT},
    [IN_KEYS] = MANY("keys", IN_FILE, struct px_catalogue, keys, n_keys, struct px_cat_keys, name, TYPE,
		     offsetof(struct px_cat_keys, file)),
    [IN_SET] = MANY("set", IN_FILE, struct px_catalogue, sets, n_sets, struct px_cat_set, name, TYPE,
		    offsetof(struct px_cat_set, file)),
    [IN_PREFIX] = MANY("prefix", IN_SET, struct px_cat_set, prefixes, n_prefixes, struct px_cat_prefix,
		       prefix, PREFIX, PX_NOWHERE),
    [IN_TYPE] = MANY("type", IN_FILE, struct px_catalogue, types, n_types, struct px_cat_type, name, TYPE,
		     offsetof(struct px_cat_type, file)),
};

#define OPTION(in, text, kind, of, field, standard)                                                  \
	{                                                                                            \
		.section = (in), .name = (text), .type = PX_T_##kind, .offset = offsetof(of, field), \
		.value = (standard)                                                                  \
	}

static const struct px_opt options[] = {
#define PX_KEY(id, option, text) OPTION(IN_KEYS, option, TEXTS, struct px_cat_keys, xpath[PX_KEY_##id], ""),
#include "base/keys.def"
#undef PX_KEY
    OPTION(IN_SET, "folder", TEXT, struct px_cat_set, folder, NULL),
    OPTION(IN_SET, "official", BOOL, struct px_cat_set, official, "false"),
    OPTION(IN_SET, "versions", VERSIONS, struct px_cat_set, versions, ""),
    OPTION(IN_SET, "version-attribute", TEXT, struct px_cat_set, version_attribute, ""),
    OPTION(IN_SET, "files", TEXTS, struct px_cat_set, files, ""),
    OPTION(IN_SET, "rules", TEXTS, struct px_cat_set, rules, ""),
    OPTION(IN_PREFIX, "uri", SAN, struct px_cat_prefix, uri, NULL),
    OPTION(IN_TYPE, "title", TEXT, struct px_cat_type, title, NULL),
    OPTION(IN_TYPE, "root", ROOT, struct px_cat_type, root, NULL),
    OPTION(IN_TYPE, "sets", VERSIONS, struct px_cat_type, sets, NULL),
    OPTION(IN_TYPE, "domain", DOMAIN, struct px_cat_type, domain, NULL),
    OPTION(IN_TYPE, "class", CLASS, struct px_cat_type, prio, NULL),
    OPTION(IN_TYPE, "origin", ORIGIN, struct px_cat_type, origin, NULL),
    OPTION(IN_TYPE, "movement", STAND, struct px_cat_type, stand, "any"),
    OPTION(IN_TYPE, "keys", TEXT, struct px_cat_type, keys_name, ""),
    OPTION(IN_TYPE, "ends-movement", TEXT, struct px_cat_type, ends_movement, ""),
};

static const struct px_table table = {SECTION_COUNT, sections, PX_ARRAY_LEN(options), options};

/* --- checks
 * ---------------------------------------------------------------------------------------------------------
 */

struct loader {
	const struct px_conf *conf;
	struct px_catalogue *cat;
	struct px_where *where;
	struct px_problems *problems;
};

#define problem(l, field, ...) px_conf_problem((l)->problems, (l)->conf, (l)->where, field, __VA_ARGS__)

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Make the folder absolute, and see that it is there with its files. */
static void finish_set(struct loader *l, struct px_cat_set *s)
{
	const char *official = l->conf->inspect.official;
	struct px_buf path = {0};
	if (*s->folder == '\0')
		return; /* reported already */
	if (s->official && *official != '\0')
		px_buf_addf(&path, "%s/%s", official, s->folder);
	char *folder = s->official ? px_xstrdup(px_buf_str(&path)) : px_path_beside(s->file, s->folder);
	free(s->folder);
	s->folder = folder;
	if (*folder != '\0' && !is_folder(folder))
		problem(l, &s->folder, "set \"%s\": there is no folder %s", s->name, folder);
	else
		for (unsigned i = 0; i < s->files.n && *folder != '\0'; i++) {
			px_buf_setf(&path, "%s/%s", folder, s->files.items[i]);
			if (access(px_buf_str(&path), R_OK) != 0)
				problem(l, &s->files, "set \"%s\": cannot read %s", s->name,
					px_buf_str(&path));
		}
	px_buf_free(&path);
}

/* Beside the catalogue, also where the schemas are in the official folder. */
static void finish_rules(struct loader *l, struct px_cat_set *s)
{
	for (unsigned i = 0; i < s->rules.n; i++) {
		char *path = px_path_beside(s->file, s->rules.items[i]);
		free(s->rules.items[i]);
		s->rules.items[i] = path;
		if (access(path, R_OK) != 0)
			problem(l, &s->rules, "set \"%s\": cannot read %s", s->name, path);
	}
}

static bool has_prefix(const struct px_cat_set *s, const char *prefix, size_t len)
{
	for (unsigned i = 0; i < s->n_prefixes; i++) {
		if (strlen(s->prefixes[i].prefix) == len && memcmp(s->prefixes[i].prefix, prefix, len) == 0)
			return true;
	}
	return false;
}

static bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

/* A prefix in @xpath that @s does not declare: its start, or NULL. Axes ("self::") and texts are passed over.
 */
static const char *unknown_prefix(const struct px_cat_set *s, const char *xpath, size_t *len)
{
	for (const char *p = xpath; *p != '\0';) {
		if (*p == '"' || *p == '\'') {
			const char *end = strchr(p + 1, *p);
			if (end == NULL)
				return NULL;
			p = end + 1;
			continue;
		}
		size_t n = 0;
		while (is_name_char(p[n]))
			n++;
		if (n > 0 && p[n] == ':' && p[n + 1] != ':' && !has_prefix(s, p, n)) {
			*len = n;
			return p;
		}
		p += n > 0 ? n : 1;
		while (*p == ':')
			p++;
	}
	return NULL;
}

static void check_xpath(struct loader *l, const struct px_cat_type *t, const struct px_cat_set *s,
			const char *xpath, const void *field)
{
	size_t len;
	const char *prefix = unknown_prefix(s, xpath, &len);
	if (prefix != NULL)
		problem(l, field, "type \"%s\": set \"%s\" declares no prefix \"%.*s\", which %s uses",
			t->name, s->name, (int)len, prefix, xpath);
}

static void check_prefixes(struct loader *l, const struct px_cat_type *t, const struct px_cat_set *s)
{
	if (*t->root_prefix != '\0' && !has_prefix(s, t->root_prefix, strlen(t->root_prefix)))
		problem(l, &t->root, "type \"%s\": set \"%s\" declares no prefix \"%s\"", t->name, s->name,
			t->root_prefix);
	check_xpath(l, t, s, t->ends_movement, &t->ends_movement);
	for (unsigned k = 0; t->keys != NULL && k < PX_KEY_COUNT; k++) {
		for (unsigned i = 0; i < t->keys->xpath[k].n; i++)
			check_xpath(l, t, s, t->keys->xpath[k].items[i], &t->keys_name);
	}
}

/* A version of a type must mean one set. */
static void check_versions(struct loader *l, const struct px_cat_type *t, unsigned index)
{
	const struct px_cat_set *s = px_catalogue_set(l->cat, t->sets.items[index]);
	for (unsigned i = 0; i < index; i++) {
		const struct px_cat_set *q = px_catalogue_set(l->cat, t->sets.items[i]);
		for (unsigned k = 0; q != NULL && k < s->versions.n; k++) {
			if (px_strings_has(&q->versions, s->versions.items[k]))
				problem(l, &t->sets,
					"type \"%s\": sets \"%s\" and \"%s\" both are version %s", t->name,
					q->name, s->name, s->versions.items[k]);
		}
	}
}

static const struct px_cat_keys *find_keys(const struct px_catalogue *cat, const char *name)
{
	for (unsigned i = 0; i < cat->n_keys; i++) {
		if (strcmp(cat->keys[i].name, name) == 0)
			return &cat->keys[i];
	}
	return NULL;
}

static void finish_type(struct loader *l, struct px_cat_type *t)
{
	const char *colon = strchr(t->root, ':');
	t->root_prefix = colon == NULL ? px_xstrdup("") : px_xstrndup(t->root, (size_t)(colon - t->root));
	t->root_name = px_xstrdup(colon == NULL ? t->root : colon + 1);
	t->keys = find_keys(l->cat, t->keys_name);
	t->available = true;
	if (*t->keys_name != '\0' && t->keys == NULL)
		problem(l, &t->keys_name, "type \"%s\": there are no keys \"%s\"", t->name, t->keys_name);
	if (*t->ends_movement != '\0' && t->stand == PX_STAND_ANY)
		problem(l, &t->ends_movement,
			"type \"%s\": ends-movement needs movement = begins, amends, closes or answers: who "
			"may end a movement follows from it",
			t->name);
	for (unsigned i = 0; i < t->sets.n; i++) {
		const struct px_cat_set *s = px_catalogue_set(l->cat, t->sets.items[i]);
		if (s == NULL) {
			problem(l, &t->sets, "type \"%s\": there is no set \"%s\"", t->name,
				t->sets.items[i]);
			continue;
		}
		t->available &= *s->folder != '\0';
		check_prefixes(l, t, s);
		check_versions(l, t, i);
	}
}

/* Message types that the configuration names. */
static void check_type_names(struct loader *l, const struct px_strings *types, const char *what,
			     const char *name)
{
	for (unsigned i = 0; i < types->n; i++) {
		if (px_catalogue_type(l->cat, types->items[i]) == NULL)
			problem(l, types, "%s \"%s\": there is no message type \"%s\" in the catalogue", what,
				name, types->items[i]);
	}
}

static void check_rule_types(struct loader *l, const struct px_conf_partner *p)
{
	for (unsigned i = 0; i < p->rules.n; i++) {
		struct px_rule_level_for rule;
		if (px_parse_rule_level(p->rules.items[i], &rule, NULL) == PX_OK && rule.type[0] != '\0' &&
		    px_catalogue_type(l->cat, rule.type) == NULL)
			problem(l, &p->rules,
				"partner \"%s\": there is no message type \"%s\" in the catalogue", p->name,
				rule.type);
	}
}

static void check_takes(struct loader *l, const struct px_conf_partner *p)
{
	for (unsigned i = 0; i < p->versions.n; i++) {
		struct px_takes takes;
		if (px_parse_takes(p->versions.items[i], &takes, NULL) != PX_OK)
			continue; /* reported already */
		const struct px_cat_type *type = px_catalogue_type(l->cat, takes.type);
		if (type == NULL)
			problem(l, &p->versions,
				"partner \"%s\": there is no message type \"%s\" in the catalogue", p->name,
				takes.type);
		for (unsigned k = 0; type != NULL && k < takes.n; k++) {
			if (px_catalogue_version(l->cat, type, takes.versions[k]) == NULL)
				problem(l, &p->versions,
					"partner \"%s\": the catalogue has no version %s of %s", p->name,
					takes.versions[k], takes.type);
		}
	}
}

static void check_configuration(struct loader *l)
{
	const struct px_conf *c = l->conf;
	for (unsigned i = 0; i < c->n_partners; i++) {
		check_type_names(l, &c->partners[i].types, "partner", c->partners[i].name);
		check_rule_types(l, &c->partners[i]);
		check_takes(l, &c->partners[i]);
	}
	for (unsigned i = 0; i < c->n_routes; i++)
		check_type_names(l, &c->routes[i].types, "route", c->routes[i].name);
	for (unsigned i = 0; i < c->n_retention; i++) {
		const struct px_conf_retention *r = &c->retention[i];
		if (*r->type != '\0' && px_catalogue_type(l->cat, r->type) == NULL)
			problem(l, &r->type,
				"retention \"%s\": there is no message type \"%s\" in the catalogue", r->name,
				r->type);
	}
	if (px_catalogue_type(l->cat, "Confirmations") == NULL)
		problem(
		    l, &c->inspect.catalogue,
		    "the catalogue has no type \"Confirmations\", which the protocol itself needs; it is in "
		    "schemas/catalogue/prinex.conf");
}

/* --- files
 * ------------------------------------------------------------------------------------------------------------
 */

static int parse_files(struct loader *l, struct px_tree *tree)
{
	const struct px_strings *patterns = &l->conf->inspect.catalogue;
	int rc = PX_OK;
	for (unsigned i = 0; i < patterns->n; i++) {
		glob_t g;
		int found = glob(patterns->items[i], GLOB_NOMAGIC, NULL, &g);
		if (found != 0 || g.gl_pathc == 0) {
			problem(l, patterns, "inspect: catalogue: no file matches %s", patterns->items[i]);
			rc = PX_ECONF;
		}
		for (size_t k = 0; found == 0 && k < g.gl_pathc; k++) {
			if (px_tree_parse(&table, g.gl_pathv[k], NULL, 0, tree, l->problems) != PX_OK)
				rc = PX_ECONF;
		}
		if (found == 0)
			globfree(&g);
	}
	return rc;
}

int px_catalogue_load(const struct px_conf *conf, struct px_catalogue **out, struct px_problems *problems)
{
	struct px_tree tree = {0};
	unsigned before = problems->n;
	struct loader l = {conf, px_xcalloc(1, sizeof(struct px_catalogue)), px_where_new(), problems};
	*out = NULL;
	if (parse_files(&l, &tree) == PX_OK) {
		px_table_fill(&table, l.cat, &tree, l.where, problems);
		for (unsigned i = 0; i < l.cat->n_sets; i++) {
			finish_set(&l, &l.cat->sets[i]);
			finish_rules(&l, &l.cat->sets[i]);
		}
		for (unsigned i = 0; i < l.cat->n_types; i++)
			finish_type(&l, &l.cat->types[i]);
		check_configuration(&l);
	}
	px_problems_sort(problems, &tree.files);
	px_tree_free(&tree);
	px_where_free(&l.where);
	if (problems->n > before)
		px_catalogue_free(&l.cat);
	*out = l.cat;
	return *out != NULL ? PX_OK : PX_ECONF;
}

void px_catalogue_free(struct px_catalogue **cat)
{
	if (*cat == NULL)
		return;
	for (unsigned i = 0; i < (*cat)->n_types; i++) {
		free((*cat)->types[i].root_prefix);
		free((*cat)->types[i].root_name);
	}
	px_table_free(&table, *cat);
	PX_FREE(*cat);
}

bool px_catalogue_is_official(const struct px_catalogue *cat, const struct px_cat_type *type,
			      const char *version)
{
	const struct px_cat_set *set = px_catalogue_version(cat, type, version);
	return set != NULL && set->official;
}

const struct px_cat_type *px_catalogue_type(const struct px_catalogue *cat, const char *name)
{
	for (unsigned i = 0; i < cat->n_types; i++) {
		if (strcmp(cat->types[i].name, name) == 0)
			return &cat->types[i];
	}
	return NULL;
}

const struct px_cat_set *px_catalogue_set(const struct px_catalogue *cat, const char *name)
{
	for (unsigned i = 0; i < cat->n_sets; i++) {
		if (strcmp(cat->sets[i].name, name) == 0)
			return &cat->sets[i];
	}
	return NULL;
}

const struct px_cat_set *px_catalogue_version(const struct px_catalogue *cat, const struct px_cat_type *type,
					      const char *version)
{
	for (unsigned i = 0; i < type->sets.n; i++) {
		const struct px_cat_set *s = px_catalogue_set(cat, type->sets.items[i]);
		if (s != NULL && (*version == '\0' || px_strings_has(&s->versions, version)))
			return s;
	}
	return NULL;
}
