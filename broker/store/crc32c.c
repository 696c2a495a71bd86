/* prinex: CRC-32C, the checksum of records
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/crc32c.h"

#include <pthread.h>

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t table[8][256];
static bool has_instruction;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* table[0] advances by one octet; table[n] by one octet and n zeros after it. */
static void prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
		table[0][i] = crc;
	}
	for (uint32_t i = 0; i < 256; i++) {
		for (int n = 1; n < 8; n++)
			table[n][i] = (table[n - 1][i] >> 8) ^ table[0][table[n - 1][i] & 0xff];
	}
#if defined(__x86_64__)
	__builtin_cpu_init();
	has_instruction = __builtin_cpu_supports("sse4.2") != 0;
#endif
}

static uint32_t octets(uint32_t crc, const uint8_t *p, size_t len)
{
	while (len-- > 0)
		crc = (crc >> 8) ^ table[0][(crc ^ *p++) & 0xff];
	return crc;
}

static uint32_t eights(uint32_t crc, const uint8_t *p, size_t n)
{
	for (; n > 0; n--, p += 8) {
		uint32_t low = crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
				      (uint32_t)p[3] << 24);
		crc = table[7][low & 0xff] ^ table[6][low >> 8 & 0xff] ^ table[5][low >> 16 & 0xff] ^
		      table[4][low >> 24] ^ table[3][p[4]] ^ table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
	}
	return crc;
}

uint32_t px_crc32c_portable(uint32_t crc, const void *data, size_t len)
{
	pthread_once(&once, prepare);
	const uint8_t *p = data;
	crc = eights(~crc, p, len / 8);
	return ~octets(crc, p + len / 8 * 8, len % 8);
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t with_instruction(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide = ~crc;
	for (; len >= 8; len -= 8, p += 8) {
		uint64_t word;
		memcpy(&word, p, 8);
		wide = __builtin_ia32_crc32di(wide, word);
	}
	uint32_t narrow = (uint32_t)wide;
	while (len-- > 0)
		narrow = __builtin_ia32_crc32qi(narrow, *p++);
	return ~narrow;
}
#endif

uint32_t px_crc32c(uint32_t crc, const void *data, size_t len)
{
	pthread_once(&once, prepare);
#if defined(__x86_64__)
	if (has_instruction)
		return with_instruction(crc, data, len);
#endif
	return px_crc32c_portable(crc, data, len);
}
