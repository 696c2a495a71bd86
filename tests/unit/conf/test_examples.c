/* prinex: tests of conf: the example folders under tests/conf
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

/*
 * tests/conf/ok/NAME/prinex.conf loads, and what is dumped of it loads again and dumps the same.
 * tests/conf/bad/NAME/prinex.conf is refused with exactly the lines of tests/conf/bad/NAME/expect. Where a
 * folder holds a catalogue.conf, or is named catalogue-..., the catalogue is loaded as well. One test a
 * folder.
 */

#include <dirent.h>
#include <unistd.h>

#include "base/strings.h"
#include "conf/catalogue.h"

static unsigned number, failed;

static void result(bool ok, const char *kind, const char *name, const char *got, const char *wanted)
{
	printf("%sok %u - %s/%s\n", ok ? "" : "not ", ++number, kind, name);
	if (ok)
		return;
	failed++;
	printf("# expected:\n%s\n# got:\n%s\n", wanted, got);
}

/* Without the folder's own name, wherever it stands, so that expectations hold in every place. */
static void strip(struct px_buf *text, const char *folder)
{
	struct px_buf out = {0};
	char *cwd = getcwd(NULL, 0);
	struct px_buf absolute = {0};
	px_buf_addf(&absolute, "%s/%s/", cwd, folder);
	free(cwd);
	const char *rel = px_buf_str(&absolute) + absolute.len - strlen(folder) - 1;
	for (const char *p = px_buf_str(text); *p != '\0';) {
		if (px_str_starts(p, px_buf_str(&absolute)))
			p += absolute.len;
		else if (px_str_starts(p, rel))
			p += strlen(rel);
		else
			px_buf_addc(&out, *p++);
	}
	px_buf_free(&absolute);
	px_buf_free(text);
	*text = out;
}

static void load(const char *path, const char *name, struct px_buf *dump, struct px_buf *said)
{
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	struct px_catalogue *cat = NULL;
	int rc = px_conf_load(path, &conf, &problems);
	if (rc == PX_OK && px_str_starts(name, "catalogue"))
		rc = px_catalogue_load(conf, &cat, &problems);
	if ((rc == PX_OK) != (problems.n == 0))
		px_buf_addf(said, "result %s with %u problems\n", px_err_name(rc), problems.n);
	px_problems_print(&problems, said);
	if (conf != NULL)
		px_conf_dump(conf, dump);
	px_catalogue_free(&cat);
	px_conf_free(&conf);
	px_problems_free(&problems);
}

static void test_ok(const char *name)
{
	char path[512];
	struct px_buf first = {0}, second = {0}, said = {0};
	snprintf(path, sizeof(path), "tests/conf/ok/%s/prinex.conf", name);
	load(path, name, &first, &said);
	struct px_problems problems = {0};
	struct px_conf *again = NULL;
	px_conf_load_text("dump.conf", px_buf_str(&first), first.len, &again, &problems);
	px_problems_print(&problems, &said);
	if (again != NULL)
		px_conf_dump(again, &second);
	bool same = first.len > 0 && strcmp(px_buf_str(&first), px_buf_str(&second)) == 0;
	px_buf_adds(&said, px_buf_str(&second));
	result(same && problems.n == 0, "ok", name, px_buf_str(&said), px_buf_str(&first));
	px_conf_free(&again);
	px_problems_free(&problems);
	px_buf_free(&first);
	px_buf_free(&second);
	px_buf_free(&said);
}

static void test_bad(const char *name)
{
	char path[512];
	struct px_buf dump = {0}, said = {0}, wanted = {0};
	snprintf(path, sizeof(path), "tests/conf/bad/%s/expect", name);
	px_buf_read_file(&wanted, path, 65536, NULL);
	snprintf(path, sizeof(path), "tests/conf/bad/%s/prinex.conf", name);
	load(path, name, &dump, &said);
	snprintf(path, sizeof(path), "tests/conf/bad/%s", name);
	strip(&said, path);
	bool same = said.len > 0 && strcmp(px_buf_str(&said), px_buf_str(&wanted)) == 0;
	result(same, "bad", name, px_buf_str(&said), px_buf_str(&wanted));
	px_buf_free(&dump);
	px_buf_free(&said);
	px_buf_free(&wanted);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static unsigned walk(const char *folder, void (*test)(const char *name))
{
	struct dirent **list;
	unsigned count = 0;
	int n = scandir(folder, &list, NULL, by_name);
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.') {
			test(list[i]->d_name);
			count++;
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return count;
}

int main(void)
{
	unsigned good = walk("tests/conf/ok", test_ok), bad = walk("tests/conf/bad", test_bad);
	result(good >= 10 && bad >= 30, "examples", "there are enough of them", "run it from the repository",
	       "");
	printf("1..%u\n", number);
	return failed > 0;
}
