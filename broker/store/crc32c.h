/* prinex: CRC-32C, the checksum of records
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_STORE_CRC32C_H
#define PX_STORE_CRC32C_H

#include "base/base.h"

/**
 * Continue the CRC-32C (Castagnoli, RFC 3720 B.4) @crc of what went before (0: nothing) over @len octets.
 * With the processor's instruction where there is one. It finds accidents, not intent; the journal's chain is
 * for that. Thread: any.
 */
uint32_t px_crc32c(uint32_t crc, const void *data, size_t len);

/** The same without the instruction; for machines that have none, and for comparison. */
uint32_t px_crc32c_portable(uint32_t crc, const void *data, size_t len);

#endif
