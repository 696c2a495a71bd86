/* prinex: runs a fuzz target over the files of its corpus, without a fuzzer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <dirent.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *folder, const char *name)
{
	struct px_buf path = PX_BUF_INIT, data = PX_BUF_INIT, why = PX_BUF_INIT;
	px_buf_addf(&path, "%s/%s", folder, name);
	int rc = px_buf_read_file(&data, px_buf_str(&path), 64 * 1024 * 1024, &why);
	if (rc == PX_OK) {
		/* An exact copy, so that a sanitizer sees a read beyond the end. */
		uint8_t *copy = px_xmemdup(data.data, data.len);
		LLVMFuzzerTestOneInput(copy, data.len);
		free(copy);
	} else {
		printf("# %s\n", px_buf_str(&why));
	}
	px_buf_free(&path);
	px_buf_free(&data);
	px_buf_free(&why);
	return rc;
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (dir == NULL) {
		printf("not ok 1 - usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	unsigned n = 0;
	for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) {
		if (e->d_name[0] == '.')
			continue;
		int rc = replay(argv[1], e->d_name);
		printf("%sok %u - %s\n", rc == PX_OK ? "" : "not ", ++n, e->d_name);
	}
	closedir(dir);
	return n > 0 ? 0 : 1;
}
