/* prinex: problems found in configuration files, and small helpers of conf
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <unistd.h>

#include "base/strings.h"
#include "conf/table.h"

/* Several checks may come upon one mistake: it is said once. */
static bool is_known(const struct px_problems *p, const char *file, unsigned line, const char *text)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct px_problem *q = &p->items[i];
		if (q->line == line && strcmp(q->file, file) == 0 && strcmp(q->text, text) == 0)
			return true;
	}
	return false;
}

static void add(struct px_problems *p, const char *file, unsigned line, bool warning, const char *fmt,
		va_list ap) PX_PRINTF(5, 0);
static void add(struct px_problems *p, const char *file, unsigned line, bool warning, const char *fmt,
		va_list ap)
{
	struct px_buf text = {0};
	px_buf_vaddf(&text, fmt, ap);
	if (!is_known(p, file, line, px_buf_str(&text))) {
		p->items = px_xrealloc_array(p->items, p->n + 1, sizeof(*p->items));
		p->items[p->n++] =
		    (struct px_problem){px_xstrdup(file), line, warning, px_xstrdup(px_buf_str(&text))};
	}
	px_buf_free(&text);
}

void px_problems_add(struct px_problems *p, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(p, file, line, false, fmt, ap);
	va_end(ap);
}

void px_conf_problem(struct px_problems *problems, const struct px_conf *conf, const struct px_where *also,
		     const void *field, const char *fmt, ...)
{
	unsigned line = 0;
	const char *file = also != NULL ? px_where_find(also, field, &line) : "";
	if (*file == '\0')
		file = px_conf_where(conf, field, &line);
	va_list ap;
	va_start(ap, fmt);
	add(problems, *file != '\0' ? file : conf->file, line, false, fmt, ap);
	va_end(ap);
}

void px_problems_warn(struct px_problems *p, const char *file, unsigned line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	add(p, file, line, true, fmt, ap);
	va_end(ap);
}

unsigned px_problems_errors(const struct px_problems *p)
{
	unsigned n = 0;
	for (unsigned i = 0; i < p->n; i++)
		n += !p->items[i].warning;
	return n;
}

void px_problems_free(struct px_problems *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		free(p->items[i].file);
		free(p->items[i].text);
	}
	PX_FREE(p->items);
	p->n = 0;
}

void px_problems_print(const struct px_problems *p, struct px_buf *out)
{
	for (unsigned i = 0; i < p->n; i++) {
		const struct px_problem *q = &p->items[i];
		px_buf_adds(out, q->file);
		if (q->line > 0)
			px_buf_addf(out, ":%u", q->line);
		px_buf_addf(out, "%s%s%s\n", q->file[0] != '\0' ? ": " : "", q->warning ? "warning: " : "",
			    q->text);
	}
}

static unsigned rank(const struct px_strings *files, const char *file)
{
	unsigned i = 0;
	while (i < files->n && strcmp(files->items[i], file) != 0)
		i++;
	return i;
}

/* Insertion: stable, and there are few. */
void px_problems_sort(struct px_problems *p, const struct px_strings *files)
{
	for (unsigned i = 1; i < p->n; i++) {
		struct px_problem x = p->items[i];
		unsigned at = rank(files, x.file), j = i;
		while (j > 0) {
			unsigned before = rank(files, p->items[j - 1].file);
			if (before < at || (before == at && p->items[j - 1].line <= x.line))
				break;
			p->items[j] = p->items[j - 1];
			j--;
		}
		p->items[j] = x;
	}
}

bool px_strings_has(const struct px_strings *list, const char *s)
{
	for (unsigned i = 0; i < list->n; i++) {
		if (strcmp(list->items[i], s) == 0)
			return true;
	}
	return false;
}

void px_strings_add(struct px_strings *list, const char *s)
{
	list->items = px_xrealloc_array(list->items, list->n + 1, sizeof(*list->items));
	list->items[list->n++] = px_xstrdup(s);
}

void px_strings_free(struct px_strings *list)
{
	for (unsigned i = 0; i < list->n; i++)
		free(list->items[i]);
	PX_FREE(list->items);
	list->n = 0;
}

char *px_path_join(const char *file, const char *path)
{
	struct px_buf out = {0};
	const char *slash = strrchr(file, '/');
	if (slash != NULL && *path != '/')
		px_buf_add(&out, file, (size_t)(slash - file) + 1);
	px_buf_adds(&out, path);
	return (char *)px_buf_detach(&out, NULL);
}

char *px_path_beside(const char *file, const char *path)
{
	while (px_str_starts(path, "./"))
		path += 2;
	char *joined = px_path_join(file, path);
	char *cwd = *joined == '/' ? NULL : getcwd(NULL, 0);
	if (cwd == NULL)
		return joined;
	struct px_buf out = {0};
	px_buf_addf(&out, "%s/%s", cwd, joined);
	free(cwd);
	free(joined);
	return (char *)px_buf_detach(&out, NULL);
}

/* Edit distance with swaps of neighbours (optimal string alignment). */
static unsigned distance(const char *a, const char *b)
{
	enum { LONGEST = 40 };
	unsigned d[LONGEST + 1][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);
	if (n > LONGEST || m > LONGEST)
		return LONGEST;
	for (size_t i = 0; i <= n; i++) {
		for (size_t j = 0; j <= m; j++) {
			if (i == 0 || j == 0) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			unsigned best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
			best = PX_MIN(best, d[i - 1][j] + 1);
			best = PX_MIN(best, d[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = PX_MIN(best, d[i - 2][j - 2] + 1);
			d[i][j] = best;
		}
	}
	return d[n][m];
}

const char *px_nearest(const char *word, const char *const *words, unsigned n)
{
	const char *best = NULL;
	unsigned least = (unsigned)strlen(word) / 3 + 1;
	for (unsigned i = 0; i < n; i++) {
		unsigned d = *words[i] == '\0' ? 99 : distance(word, words[i]);
		if (d < (unsigned)strlen(words[i]) && d <= least && (best == NULL || d < least)) {
			best = words[i];
			least = d;
		}
	}
	return best;
}
