/* prinex: fuzzing the configuration and catalogue readers
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: conf */

#include <sys/mman.h>
#include <unistd.h>

#include "conf/catalogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted must come back from a dump as it was. */
static void check_configuration(const char *text, size_t len)
{
	struct px_problems problems = {0};
	struct px_conf *conf = NULL, *again = NULL;
	struct px_buf first = {0}, second = {0};
	int rc = px_conf_load_text("fuzz.conf", text, len, &conf, &problems);
	px_assert((rc == PX_OK) == (conf != NULL) && (rc == PX_OK) == (problems.n == 0));
	if (conf != NULL) {
		px_conf_dump(conf, &first);
		rc = px_conf_load_text("fuzz.conf", px_buf_str(&first), first.len, &again, &problems);
		px_assert(rc == PX_OK);
		px_conf_dump(again, &second);
		px_assert(strcmp(px_buf_str(&first), px_buf_str(&second)) == 0);
	}
	px_problems_free(&problems);
	px_conf_free(&conf);
	px_conf_free(&again);
	px_buf_free(&first);
	px_buf_free(&second);
}

static void check_catalogue(const void *text, size_t len)
{
	struct px_problems problems = {0};
	struct px_conf conf = {.file = (char *)"fuzz.conf", .inspect = {.official = (char *)""}};
	struct px_catalogue *cat = NULL;
	char path[64], *item = path;
	int fd = memfd_create("catalogue", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf.inspect.catalogue = (struct px_strings){1, &item};
	int rc = px_catalogue_load(&conf, &cat, &problems);
	px_assert((rc == PX_OK) == (cat != NULL) && (rc == PX_OK) == (problems.n == 0));
	px_catalogue_free(&cat);
	px_problems_free(&problems);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_configuration((const char *)data, size);
	check_catalogue(data, size);
	return 0;
}
