/* prinex: prinexctl: the pre-arrival letter
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */
#ifndef PX_PRINEXCTL_LETTER_H
#define PX_PRINEXCTL_LETTER_H

#include <jansson.h>

#include "base/buf.h"

/*
 * A letter on paper for an authority that is not connected: what the signed exchange says, in its reader's
 * language, with what is needed to prove it. The exchange is fetched from the daemon and read here, so that
 * no XML is parsed in the broker process; nothing of it but what letter_read.c names is shown.
 */

enum letter_text {
#define LETTER_TEXT(id, name) TEXT_##id,
#include "letters.def"
#undef LETTER_TEXT
	LETTER_TEXTS
};

/** --- letter_texts.c: the texts in one language --- */

struct letter_texts {
	char *language;           /* "uk" */
	char *text[LETTER_TEXTS]; /* all set */
};

/**
 * Load @language of @folder, or, where that is NULL, the one whose `countries` has the country of @authority,
 * else English. @return whether it could; if not @why tells.
 */
bool letter_texts_load(const char *folder, const char *language, const char *authority,
		       struct letter_texts *out, struct px_buf *why);
void letter_texts_free(struct letter_texts *texts);

/** --- letter_read.c: what the payload says --- */

struct letter; /* the payload, parsed */

/** @doc is borrowed. @return NULL with @why when it is no exchange. */
struct letter *letter_read(const struct px_buf *doc, const char *language, struct px_buf *why);
void letter_free(struct letter **letter);
/** Append the first MRN; nothing when there is none. */
void letter_mrn(struct letter *letter, struct px_buf *out);
/** Call @row for each line of the letter in its order: @title (a section, @value NULL) or @label with @value.
 */
typedef void letter_row(void *arg, enum letter_text label, const char *value);
void letter_rows(struct letter *letter, const struct letter_texts *texts, letter_row *row, void *arg);
/** Call @item for each goods item: the cells of LETTER_CELLS columns. Then once for the total. */
#define LETTER_CELLS 7
typedef void letter_item(void *arg, bool total, const char *const cells[LETTER_CELLS]);
void letter_items(struct letter *letter, letter_item *item, void *arg);

/** --- letter_page.c: HTML --- */

struct letter_facts {
	const char *sender, *recipient, *message_id, *type, *created, *accepted, *printed, *sha256;
};
/** Append a page of HTML that needs nothing else. @return whether the code could be made; if not @why tells.
 */
bool letter_page(struct letter *letter, const struct letter_texts *texts, const struct letter_facts *facts,
		 struct px_buf *out, struct px_buf *why);

#endif
