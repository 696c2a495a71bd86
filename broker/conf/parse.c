/* prinex: from a configuration text to a tree of items, by libconfuse
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <confuse.h>
#include <limits.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/strings.h"
#include "conf/scan.h"
#include "conf/table.h"

/*
 * libconfuse keeps neither the lines of options nor those of sections, so the tree is built in its callbacks,
 * while it knows them. Each section has one more option, MARKER, a list with a default: the parser evaluates
 * that when it opens the section, and its callback is how we learn where a section begins. The validation
 * callback of a section option tells where it ends.
 */
#define MARKER       "*"
#define INCLUDES_MAX 8  /* files within files */
#define DEPTH_MAX    10 /* sections within sections; px_scan allows 8 */
#define RETRIES_MAX  20 /* options not known that are stepped over in one file */

struct frame {
	cfg_t *cfg;
	struct px_item *item;
};

struct parser {
	const struct px_table *table;
	struct px_item *root;
	struct px_problems *problems;
	const char *file;
	struct frame stack[DEPTH_MAX];
	unsigned depth;
	unsigned unknown_line; /* of an option that is not in the table, with its name */
	char *unknown;
	bool failed;
};

/* libconfuse hands no argument to its callbacks, and its scanner is global anyway: one text at a time. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct parser *current;

/* --- the tree
 * ------------------------------------------------------------------------------------------------ */

static struct px_item *item_new(struct px_item *parent, const char *file, unsigned line)
{
	struct px_item *item = px_xcalloc(1, sizeof(*item));
	item->file = file;
	item->line = line;
	item->parent = parent;
	if (parent->last_child == NULL)
		parent->children = item;
	else
		parent->last_child->next = item;
	parent->last_child = item;
	return item;
}

static void free_children(struct px_item *item)
{
	for (struct px_item *c = item->children, *next; c != NULL; c = next) {
		next = c->next;
		free_children(c);
		px_strings_free(&c->values);
		free(c->title);
		free(c);
	}
	item->children = item->last_child = NULL;
}

void px_tree_free(struct px_tree *tree)
{
	free_children(&tree->root);
	px_strings_free(&tree->files);
}

static unsigned section_index(const struct px_table *t, const struct px_section *s)
{
	return (unsigned)(s - t->sections);
}

static const struct px_section *find_section(const struct px_table *t, const struct px_section *in,
					     const char *name)
{
	for (unsigned i = 1; i < t->n_sections; i++) {
		if (t->sections[i].parent == section_index(t, in) && strcmp(t->sections[i].name, name) == 0)
			return &t->sections[i];
	}
	return NULL;
}

static const struct px_opt *find_opt(const struct px_table *t, const struct px_section *in, const char *name)
{
	for (unsigned i = 0; i < t->n_opts; i++) {
		if (t->opts[i].section == section_index(t, in) && strcmp(t->opts[i].name, name) == 0)
			return &t->opts[i];
	}
	return NULL;
}

/* --- callbacks
 * ------------------------------------------------------------------------------------------------- */

static struct frame *top(struct parser *p)
{
	return p->depth > 0 ? &p->stack[p->depth - 1] : NULL;
}

static void begin_section(struct parser *p, cfg_t *cfg)
{
	struct frame *up = top(p);
	struct px_item *item = p->root;
	if (up != NULL) {
		item = item_new(up->item, p->file, (unsigned)cfg->line);
		item->section = find_section(p->table, up->item->section, cfg->name);
		item->title = cfg->title != NULL ? px_xstrdup(cfg->title) : NULL;
	}
	px_assert(p->depth < DEPTH_MAX && item->section != NULL);
	p->stack[p->depth++] = (struct frame){cfg, item};
}

static struct px_item *option_item(struct px_item *in, const struct px_opt *opt)
{
	for (struct px_item *c = in->children; c != NULL; c = c->next) {
		if (c->opt == opt)
			return c;
	}
	return NULL;
}

static void add_value(struct parser *p, cfg_t *cfg, const cfg_opt_t *opt, const char *value)
{
	struct frame *f = top(p);
	const struct px_opt *o = f->cfg == cfg ? find_opt(p->table, f->item->section, opt->name) : NULL;
	if (o == NULL) { /* "section|option" and the marker's own name get here */
		px_problems_add(p->problems, p->file, (unsigned)cfg->line, "unknown option \"%s\"",
				opt->name);
		p->failed = true;
		return;
	}
	struct px_item *item = option_item(f->item, o);
	bool more = px_opt_type(o->type)->as == PX_AS_LIST && opt->nvalues > 1;
	if (item != NULL && !more) {
		px_problems_add(p->problems, p->file, (unsigned)cfg->line,
				"option \"%s\" is given twice in this section, first on line %u", o->name,
				item->line);
		return;
	}
	if (item == NULL) {
		item = item_new(f->item, p->file, (unsigned)cfg->line);
		item->opt = o;
	}
	px_strings_add(&item->values, value);
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	struct parser *p = current;
	struct frame *f = top(p);
	if (strcmp(opt->name, MARKER) == 0 && (f == NULL || f->cfg != cfg))
		begin_section(p, cfg);
	else
		add_value(p, cfg, opt, value);
	*(const char **)result = value;
	return 0;
}

/* A list that was set to {} has no values to call back for. */
static void find_empty_lists(struct parser *p, const struct frame *f)
{
	for (unsigned i = 0; i < p->table->n_opts; i++) {
		const struct px_opt *o = &p->table->opts[i];
		if (o->section != section_index(p->table, f->item->section))
			continue;
		for (const cfg_opt_t *c = f->cfg->opts; c->name != NULL; c++) {
			bool empty = (c->flags & CFGF_LIST) && (c->flags & CFGF_MODIFIED) && c->nvalues == 0;
			if (empty && strcmp(c->name, o->name) == 0 && option_item(f->item, o) == NULL)
				item_new(f->item, f->item->file, f->item->line)->opt = o;
		}
	}
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	(void)opt;
	struct parser *p = current;
	px_assert(p->depth > 1);
	find_empty_lists(p, top(p));
	p->depth--;
	return 0;
}

/* What may stand in a section, to guess what was meant. */
static void report_unknown(struct parser *p, unsigned line, const char *name)
{
	const struct px_section *in = top(p)->item->section;
	const char *names[256];
	unsigned n = 0;
	for (unsigned i = 0; i < p->table->n_opts && n < PX_ARRAY_LEN(names); i++) {
		if (p->table->opts[i].section == section_index(p->table, in))
			names[n++] = p->table->opts[i].name;
	}
	for (unsigned i = 1; i < p->table->n_sections && n < PX_ARRAY_LEN(names); i++) {
		if (p->table->sections[i].parent == section_index(p->table, in))
			names[n++] = p->table->sections[i].name;
	}
	const char *guess = px_nearest(name, names, n);
	struct px_buf where = {0};
	if (in->kind == PX_SECTION_ROOT)
		px_buf_adds(&where, "unknown section");
	else
		px_buf_addf(&where, "section %s has no option", in->name);
	px_problems_add(p->problems, p->file, line, "%s \"%s\"%s%s%s", px_buf_str(&where), name,
			guess != NULL ? ": did you mean \"" : "", guess != NULL ? guess : "",
			guess != NULL ? "\"?" : "");
	px_buf_free(&where);
}

static void on_error(cfg_t *cfg, const char *fmt, va_list ap) PX_PRINTF(2, 0);
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct parser *p = current;
	unsigned line = (unsigned)cfg->line;
	if (p->failed)
		return;
	p->failed = true;
	if (strcmp(fmt, "no such option '%s'") == 0) {
		const char *name = va_arg(ap, const char *);
		report_unknown(p, line, name);
		p->unknown = px_xstrdup(name);
		p->unknown_line = line;
		return;
	}
	struct px_buf text = {0};
	px_buf_vaddf(&text, fmt, ap);
	px_problems_add(p->problems, p->file, line, "%s", px_buf_str(&text));
	px_buf_free(&text);
}

/* --- libconfuse's own tables
 * ------------------------------------------------------------------------------------ */

static cfg_opt_t *make_options(const struct px_table *t, unsigned section)
{
	unsigned n = 0;
	cfg_opt_t *opts = px_xcalloc(t->n_opts + t->n_sections + 2, sizeof(*opts));
	static char value[] = "x"; /* libconfuse copies it, but wants it writable */
	opts[n++] = (cfg_opt_t)CFG_STR_LIST_CB(MARKER, value, CFGF_NONE, on_value);
	for (unsigned i = 0; i < t->n_opts; i++) {
		const struct px_opt *o = &t->opts[i];
		if (o->section != section)
			continue;
		if (px_opt_type(o->type)->as == PX_AS_LIST)
			opts[n++] = (cfg_opt_t)CFG_STR_LIST_CB(o->name, 0, CFGF_NODEFAULT, on_value);
		else
			opts[n++] = (cfg_opt_t)CFG_STR_CB(o->name, 0, CFGF_NODEFAULT, on_value);
	}
	for (unsigned i = 1; i < t->n_sections; i++) {
		if (t->sections[i].parent != section)
			continue;
		cfg_flag_t title = t->sections[i].kind == PX_SECTION_MANY ? CFGF_TITLE : CFGF_NONE;
		opts[n] = (cfg_opt_t)CFG_SEC(t->sections[i].name, make_options(t, i), CFGF_MULTI | title);
		opts[n++].validcb = on_section_end;
	}
	return opts;
}

static void free_options(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o->name != NULL; o++) {
		if (o->subopts != NULL)
			free_options(o->subopts);
	}
	free(opts);
}

/* --- a text
 * ------------------------------------------------------------------------------------------------------ */

static void run_libconfuse(struct parser *p, const char *text, size_t len)
{
	FILE *fp = fmemopen((void *)text, len, "r");
	px_assert(fp != NULL);
	cfg_opt_t *opts = make_options(p->table, 0);
	pthread_mutex_lock(&lock);
	current = p;
	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	px_assert(cfg != NULL);
	cfg_set_error_function(cfg, on_error);
	if (cfg_parse_fp(cfg, fp) != CFG_SUCCESS && !p->failed) { /* it may fail without a word: "" = x */
		p->failed = true;
		px_problems_add(p->problems, p->file, (unsigned)cfg->line, "expected an option or a section");
	}
	cfg_free(cfg);
	current = NULL;
	pthread_mutex_unlock(&lock);
	free_options(opts);
	fclose(fp);
}

/* Append the problems of @from beginning with the @first; the others are dropped. */
static void move_problems(struct px_problems *to, struct px_problems *from, unsigned first)
{
	for (unsigned i = first; i < from->n; i++)
		px_problems_add(to, from->items[i].file, from->items[i].line, "%s", from->items[i].text);
	px_problems_free(from);
}

/* libconfuse stops at a name that it does not know: blank that and begin again, so that all are reported. */
static int parse_scanned(struct parser *setup, struct px_scan *scan, struct px_problems *problems)
{
	for (unsigned unknown = 0;; unknown++) {
		struct px_problems found = {0};
		struct parser p = *setup;
		p.problems = &found;
		free_children(p.root);
		run_libconfuse(&p, scan->text, scan->len);
		bool again = p.unknown != NULL && unknown < RETRIES_MAX &&
			     px_scan_blank(scan, p.unknown_line, p.unknown);
		move_problems(problems, &found, again ? found.n - 1 : 0);
		free(p.unknown);
		if (!again)
			return p.failed ? PX_ECONF : PX_OK;
	}
}

/* --- files
 * -------------------------------------------------------------------------------------------------------- */

/* Who wants a tree: what the functions below share. */
struct job {
	const struct px_table *table;
	struct px_tree *tree;
	struct px_problems *problems;
	unsigned depth; /* of includes */
};

static const char *intern(struct px_strings *files, const char *file)
{
	for (unsigned i = 0; i < files->n; i++) {
		if (strcmp(files->items[i], file) == 0)
			return files->items[i];
	}
	px_strings_add(files, file);
	return files->items[files->n - 1];
}

/* Move items of @from that begin before @line to the end of @to. */
static void move_items(struct px_item *to, struct px_item *from, unsigned line)
{
	while (from->children != NULL && from->children->line < line) {
		struct px_item *c = from->children;
		from->children = c->next;
		c->next = NULL;
		c->parent = to;
		if (to->last_child == NULL)
			to->children = c;
		else
			to->last_child->next = c;
		to->last_child = c;
	}
	if (from->children == NULL)
		from->last_child = NULL;
}

static int parse_file(struct job *job, const char *path, const char *from, unsigned line,
		      struct px_item *root);

static int follow_includes(struct job *job, const char *file, const struct px_scan *scan, struct px_item *own,
			   struct px_item *root)
{
	int rc = PX_OK;
	for (unsigned i = 0; i < scan->n_includes; i++) {
		const struct px_include *inc = &scan->includes[i];
		move_items(root, own, inc->line);
		if (job->depth == INCLUDES_MAX) {
			px_problems_add(job->problems, file, inc->line, "too many files include one another");
			return PX_ECONF;
		}
		char *path = *inc->path == '/' ? px_xstrdup(inc->path) : px_path_join(file, inc->path);
		job->depth++;
		if (parse_file(job, path, file, inc->line, root) != PX_OK)
			rc = PX_ECONF;
		job->depth--;
		free(path);
	}
	return rc;
}

static int parse_text(struct job *job, const char *path, const char *text, size_t len, struct px_item *root)
{
	const char *file = intern(&job->tree->files, path);
	struct px_scan scan;
	struct px_item own = {.section = &job->table->sections[0]};
	struct parser p = {.table = job->table, .root = &own, .file = file};
	int rc = px_scan(file, text, len, &scan, job->problems);
	if (rc == PX_OK)
		rc = parse_scanned(&p, &scan, job->problems);
	if (rc == PX_OK)
		rc = follow_includes(job, file, &scan, &own, root);
	move_items(root, &own, UINT_MAX);
	px_scan_free(&scan);
	return rc;
}

/* @from and @line: where the file is named; itself and 0 for the first one. */
static int parse_file(struct job *job, const char *path, const char *from, unsigned line,
		      struct px_item *root)
{
	struct px_buf text = {0}, why = {0};
	struct stat st;
	int rc = PX_ESYS;
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) /* a pipe or terminal would block */
		px_buf_setf(&why, "%s: not a file", path);
	else
		rc = px_buf_read_file(&text, path, (size_t)PX_LIMIT_CONF_FILE, &why);
	if (rc != PX_OK) /* the text names the file itself */
		px_problems_add(job->problems, line > 0 ? from : "", line, "%s", px_buf_str(&why));
	else
		rc = parse_text(job, path, px_buf_str(&text), text.len, root);
	px_buf_free(&text);
	px_buf_free(&why);
	return rc == PX_OK ? PX_OK : PX_ECONF;
}

int px_tree_parse(const struct px_table *table, const char *path, const char *text, size_t len,
		  struct px_tree *tree, struct px_problems *problems)
{
	struct job job = {table, tree, problems, 0};
	tree->root.section = &table->sections[0];
	tree->root.file = intern(&tree->files, path);
	if (text != NULL)
		return parse_text(&job, path, text, len, &tree->root);
	return parse_file(&job, path, path, 0, &tree->root);
}
