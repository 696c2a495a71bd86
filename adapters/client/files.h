/* prinex: files that survive a power cut
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_CLIENT_FILES_H
#define PX_CLIENT_FILES_H

#include "base/buf.h"

/**
 * Write a file so that it is there whole or not at all: under a hidden name (`.NAME.*.part`) beside it,
 * flushed, renamed, folder flushed. An older file of that name is replaced. @return PX_OK, or with @why
 * PX_ESYS, or PX_ELIMIT: the name is too long.
 */
int px_file_put(const char *path, const void *data, size_t len, struct px_buf *why);

/** Make durable what a run that was cut off may have left: the file and its name. @return as px_file_put. */
int px_file_flush(const char *path, struct px_buf *why);

/** Make the names in a folder durable. @return as px_file_put. */
int px_folder_flush(const char *path, struct px_buf *why);

/** Rename within one file system, durably at both ends; an older @to is replaced. @return as px_file_put. */
int px_file_move(const char *from, const char *to, struct px_buf *why);

bool px_file_exists(const char *path);

#endif
