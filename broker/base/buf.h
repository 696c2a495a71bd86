/* prinex: a growable byte buffer
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_BASE_BUF_H
#define PX_BASE_BUF_H

#include <stdarg.h>

#include "base/base.h"

/*
 * Zero-initialise, append, px_buf_free. `data` is always followed by a NUL once anything was appended, so
 * that text can be printed as it is; `len` does not count it. Growing aborts when memory is gone: callers cap
 * what a peer chooses. Thread: one owner at a time.
 */
struct px_buf {
	uint8_t *data;
	size_t len;
	size_t cap;
};

#define PX_BUF_INIT        \
	{                  \
		NULL, 0, 0 \
	}

/** Release memory; the buffer is empty and usable afterwards. */
void px_buf_free(struct px_buf *buf);
/** Forget the content, keep the memory. */
void px_buf_clear(struct px_buf *buf);
/** Make room for @more further octets and return where they go; the caller then adds to len (px_buf_grown).
 */
uint8_t *px_buf_reserve(struct px_buf *buf, size_t more);
void px_buf_grown(struct px_buf *buf, size_t by);
void px_buf_add(struct px_buf *buf, const void *data, size_t len);
void px_buf_adds(struct px_buf *buf, const char *s);
void px_buf_addc(struct px_buf *buf, char c);
void px_buf_addf(struct px_buf *buf, const char *fmt, ...) PX_PRINTF(2, 3);
void px_buf_vaddf(struct px_buf *buf, const char *fmt, va_list ap) PX_PRINTF(2, 0);
/** Replace the content by the formatted text: what functions with a `why` do. NULL @buf: nothing. */
void px_buf_setf(struct px_buf *buf, const char *fmt, ...) PX_PRINTF(2, 3);
/** The content as text, "" when empty. View: dies with the next change. */
const char *px_buf_str(const struct px_buf *buf);
/** Move the memory out (to be freed with free()); the buffer is empty afterwards. */
uint8_t *px_buf_detach(struct px_buf *buf, size_t *len);
/** Read a whole file of at most @max octets. @return PX_OK; PX_ENOTFOUND; PX_EACCESS: not ours to read, or no
 * file but a folder or the like; PX_ELIMIT: too long, or its name is; PX_ESYS: what may pass. @why says
 * which. */
int px_buf_read_file(struct px_buf *buf, const char *path, size_t max, struct px_buf *why);
/*
 * Append text as canonical XML writes it (https://www.w3.org/TR/xml-exc-c14n/): as element content, or inside
 * a double-quoted attribute. Octets that XML cannot carry become \xHH and a backslash is doubled.
 */
void px_buf_add_xml_text(struct px_buf *buf, const char *s, size_t len);
void px_buf_add_xml_attr(struct px_buf *buf, const char *s, size_t len);

/** Append a text, which may begin with anything, for a manual page: `\\`, `-` and a leading dot mean
 * something to roff; back quotes, which are Markdown's, are left out. */
void px_buf_add_roff(struct px_buf *buf, const char *s);

#endif
