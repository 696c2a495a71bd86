/* prinex: what a journal entry is as octets, the same in every backend
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/journal.h"

#include "store/fields.h"

#define VERSION  1
#define TEXT_MAX 0xffff

void px_journal_encode(struct px_buf *out, const struct px_journal_entry *entry)
{
	const char *const texts[] = {entry->partner, entry->sender, entry->message_id, entry->recipient,
				     entry->code,    entry->actor,  entry->detail};
	px_put_u8(out, VERSION);
	px_put_u8(out, (uint8_t)entry->kind);
	px_put_i64(out, entry->at);
	px_put_u64(out, entry->delivery);
	px_put_bool(out, entry->has_digest);
	if (entry->has_digest)
		px_buf_add(out, entry->digest, PX_DIGEST_LEN);
	for (size_t i = 0; i < PX_ARRAY_LEN(texts); i++) {
		size_t len = texts[i] != NULL ? strlen(texts[i]) : 0;
		len = PX_MIN(len, (size_t)TEXT_MAX);
		px_put_u16(out, (uint16_t)len);
		px_buf_add(out, texts[i], len);
		px_put_u8(out, 0);
	}
}

static const char *get_text(struct px_fields *in)
{
	size_t len = px_get_u16(in);
	const char *text = (const char *)px_get_octets(in, len + 1);
	if (text == NULL || memchr(text, '\0', len + 1) != text + len) {
		in->bad = true;
		return "";
	}
	return text;
}

int px_journal_decode(const void *octets, size_t len, struct px_journal_entry *entry)
{
	struct px_fields in = {.at = octets, .left = len};
	*entry = (struct px_journal_entry){0};
	in.bad = px_get_u8(&in) != VERSION;
	entry->kind = (enum px_journal_kind)px_get_enum(&in, PX_J_KINDS);
	entry->at = px_get_i64(&in);
	entry->delivery = px_get_u64(&in);
	entry->has_digest = px_get_bool(&in);
	if (entry->has_digest)
		px_get_copy(&in, entry->digest, PX_DIGEST_LEN);
	entry->partner = get_text(&in);
	entry->sender = get_text(&in);
	entry->message_id = get_text(&in);
	entry->recipient = get_text(&in);
	entry->code = get_text(&in);
	entry->actor = get_text(&in);
	entry->detail = get_text(&in);
	return px_fields_done(&in) ? PX_OK : PX_ECORRUPT;
}
