/* prinex: tests of conf: the catalogue that is shipped, and what is read of a catalogue
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/catalogue.h"

static const char node[] =
    "node { authority = BY name = brest tls-certificate = t tls-key = t sign-certificate = s "
    "sign-key = s }\n";

static struct px_catalogue *load(const char *inspect)
{
	struct px_buf text = {0}, said = {0};
	struct px_problems problems = {0};
	struct px_conf *conf = NULL;
	struct px_catalogue *cat = NULL;
	px_buf_addf(&text, "%sinspect { %s }\n", node, inspect);
	px_conf_load_text("prinex.conf", px_buf_str(&text), text.len, &conf, &problems);
	if (conf != NULL)
		px_catalogue_load(conf, &cat, &problems);
	px_problems_print(&problems, &said);
	if (cat == NULL)
		print_error("%s", px_buf_str(&said));
	assert_non_null(cat);
	px_conf_free(&conf);
	px_problems_free(&problems);
	px_buf_free(&text);
	px_buf_free(&said);
	return cat;
}

static void test_shipped(void **state)
{
	(void)state;
	struct px_catalogue *cat = load("catalogue = { \"schemas/catalogue/*.conf\" }");
	const struct px_cat_type *t = px_catalogue_type(cat, "ExportDeclaration");
	assert_non_null(t);
	assert_true(t->available);
	assert_string_equal(t->root_prefix, "n");
	assert_string_equal(t->root_name, "ExportDeclaration");
	assert_int_equal(t->domain, PX_DOMAIN_COMMON);
	assert_int_equal(t->prio, PX_PRIO_B);
	assert_int_equal(t->origin, PX_ORIGIN_SYSTEM);
	assert_non_null(t->keys);
	assert_true(t->keys->xpath[PX_KEY_LRN].n > 0);
	const struct px_cat_set *s = px_catalogue_version(cat, t, "");
	assert_non_null(s);
	char *folder = realpath("schemas/xsd/prinex", NULL);
	char *found = realpath(s->folder, NULL);
	assert_string_equal(found, folder);
	assert_ptr_equal(px_catalogue_version(cat, t, s->versions.items[0]), s);
	assert_null(px_catalogue_version(cat, t, "no such version"));
	free(folder);
	free(found);

	t = px_catalogue_type(cat, "Confirmations");
	assert_int_equal(t->origin, PX_ORIGIN_NODE);
	assert_int_equal(t->prio, PX_PRIO_A);
	assert_int_equal(px_catalogue_type(cat, "Ping")->origin, PX_ORIGIN_ANY);

	/* A trader's declaration may not leave the country; without the official schemas it is known, not
	 * served. */
	t = px_catalogue_type(cat, "CC015C");
	assert_int_equal(t->domain, PX_DOMAIN_EXTERNAL);
	assert_false(t->available);
	assert_int_equal(px_catalogue_type(cat, "CD001C")->domain, PX_DOMAIN_COMMON);
	assert_null(px_catalogue_type(cat, "CC999Z"));
	/* Departure takes back and closes, destination answers. */
	assert_int_equal(px_catalogue_type(cat, "CD010C")->stand, PX_STAND_AMENDS);
	assert_int_equal(px_catalogue_type(cat, "CC051C")->stand, PX_STAND_AMENDS);
	assert_int_equal(px_catalogue_type(cat, "CC045C")->stand, PX_STAND_CLOSES);
	assert_int_equal(px_catalogue_type(cat, "CD018C")->stand, PX_STAND_ANSWERS);
	assert_int_equal(px_catalogue_type(cat, "Registration")->stand, PX_STAND_ANY);
	px_catalogue_free(&cat);
	assert_null(cat);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Two versions of one type, one of them in the official folder. */
static void test_official(void **state)
{
	(void)state;
	char dir[] = "/tmp/prinex-cat-XXXXXX", path[256], inspect[512];
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/official", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/official/v6", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/c.conf", dir);
	write_file(path,
		   "set v5 { folder = \".\" versions = { \"5.0\", \"5.1\" } }\n"
		   "set v6 { folder = v6 official = yes versions = { \"6.0\" } }\n"
		   "type T { title = t root = R sets = { v5, v6 } domain = common class = C origin = system\n"
		   "  movement = amends ends-movement = \"/R/@a = 'x:y' or self::R\" }\n");
	snprintf(inspect, sizeof(inspect),
		 "catalogue = { \"schemas/catalogue/prinex.conf\", \"%s\" }\nofficial = \"%s/official\"",
		 path, dir);
	struct px_catalogue *cat = load(inspect);
	const struct px_cat_type *t = px_catalogue_type(cat, "T");
	assert_true(t->available);
	assert_null(t->keys);
	assert_string_equal(t->root_prefix, "");
	assert_string_equal(t->root_name, "R");
	assert_int_equal(t->prio, PX_PRIO_C);
	assert_int_equal(t->line, 3);
	assert_string_equal(t->file, path);
	assert_string_equal(px_catalogue_version(cat, t, "")->name, "v5");
	assert_string_equal(px_catalogue_version(cat, t, "5.1")->name, "v5");
	assert_string_equal(px_catalogue_version(cat, t, "6.0")->name, "v6");
	snprintf(inspect, sizeof(inspect), "%s/official/v6", dir);
	assert_string_equal(px_catalogue_set(cat, "v6")->folder, inspect);
	px_catalogue_free(&cat);
	unlink(path);
	rmdir(inspect);
	snprintf(path, sizeof(path), "%s/official", dir);
	rmdir(path);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shipped),
	    cmocka_unit_test(test_official),
	};
	return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
