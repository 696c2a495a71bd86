/* prinex: fuzzing the lists of customs offices: compact file, CSV, the official XML
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
/* layer: xml */

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "xml/examine.h"
#include "xml/offices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/prinex-fuzz-offices-XXXXXX";

static void clean(void)
{
	rmdir(folder);
}

static void write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size || close(fd) != 0)
		abort();
}

/* Whatever is in the list: each question gets one of five answers. */
static void ask(const struct px_offices *o)
{
	static const char *const codes[] = {"BY006713", "UA205020", "", "X", "RO", "ROIS8230-and-more"};
	static const char *const days[] = {"", "2026-11-22", "0000-00-00", "9999-99-99", "tomorrow"};
	static const char *const roles[] = {"", "DEP", "DEP DES", "NONE", "   ", "TOOLONGROLE"};
	static const char *const answers[] = {"ok", "country", "unknown", "day", "role"};
	for (size_t i = 0; i < PX_ARRAY_LEN(codes) * PX_ARRAY_LEN(days) * PX_ARRAY_LEN(roles); i++) {
		const char *a = px_offices_judge(o, codes[i % PX_ARRAY_LEN(codes)],
						 roles[i / PX_ARRAY_LEN(codes) % PX_ARRAY_LEN(roles)],
						 days[i / PX_ARRAY_LEN(codes) / PX_ARRAY_LEN(roles)]);
		size_t k = 0;
		while (k < PX_ARRAY_LEN(answers) && strcmp(a, answers[k]) != 0)
			k++;
		px_assert(k < PX_ARRAY_LEN(answers));
	}
}

static void open_compact(const char *path, bool must)
{
	struct px_offices *o = NULL;
	struct px_buf why = PX_BUF_INIT;
	int rc = px_offices_open(path, &o, &why);
	px_assert(!must || rc == PX_OK);
	px_assert((rc == PX_OK) == (o != NULL) && (rc == PX_OK || why.len > 0));
	if (rc == PX_OK)
		ask(o);
	px_offices_free(&o);
	px_buf_free(&why);
}

/* What was imported can be opened, and again taken over into the next. */
static void import_list(const char *source, const uint8_t *data, size_t size)
{
	char target[64];
	struct px_buf why = PX_BUF_INIT;
	snprintf(target, sizeof(target), "%s/compact", folder);
	write_file(source, data, size);
	for (int turn = 0; turn < 2; turn++) {
		struct px_offices_import import = {.source = source, .target = target};
		int rc = px_offices_import(&import, &why);
		px_assert(rc == PX_OK || why.len > 0);
		if (rc == PX_OK)
			open_compact(target, true);
		else
			px_assert(access(target, F_OK) != 0); /* nothing half made is left */
	}
	unlink(source);
	unlink(target);
	px_buf_free(&why);
}

/* The first octet says what it is: F compact file, C CSV, else XML. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	char path[64];
	if (!ready) {
		ready = mkdtemp(folder) != NULL;
		px_assert(ready);
		atexit(clean);
		px_xml_init();
	}
	if (size == 0)
		return 0;
	snprintf(path, sizeof(path), "%s/list.%s", folder,
		 data[0] == 'F'   ? "compact"
		 : data[0] == 'C' ? "csv"
				  : "xml");
	if (data[0] == 'F') {
		write_file(path, data + 1, size - 1);
		open_compact(path, false);
		unlink(path);
	} else {
		import_list(path, data + 1, size - 1);
	}
	return 0;
}
