/* prinex: the records of the LMDB store as octets
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "store/records.h"

#include "store/crc32c.h"
#include "store/fields.h"

/* --- version and checksum ---------------------------------------------------------------------------- */

void px_rec_start(struct px_buf *out)
{
	px_buf_clear(out);
	px_put_u8(out, PX_REC_VERSION);
	px_put_u32(out, 0);
}

static uint32_t checksum(uint8_t table, const void *key, size_t key_len, const uint8_t *data, size_t len)
{
	const uint8_t head[2] = {table, data[0]};
	uint32_t crc = px_crc32c(0, head, sizeof(head));
	crc = px_crc32c(crc, key, key_len);
	return px_crc32c(crc, data + PX_REC_HEAD, len - PX_REC_HEAD);
}

void px_rec_seal(struct px_buf *out, uint8_t table, const void *key, size_t key_len)
{
	uint32_t crc = checksum(table, key, key_len, out->data, out->len);
	for (int i = 0; i < 4; i++)
		out->data[1 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

int px_rec_open(uint8_t table, const void *key, size_t key_len, const void *data, size_t len,
		struct px_octets *fields)
{
	struct px_fields in = {.at = data, .left = len};
	*fields = (struct px_octets){0};
	if (px_get_u8(&in) != PX_REC_VERSION)
		return PX_ECORRUPT;
	uint32_t crc = px_get_u32(&in);
	if (in.bad || crc != checksum(table, key, key_len, data, len))
		return PX_ECORRUPT;
	*fields = (struct px_octets){in.at, in.left};
	return PX_OK;
}

static struct px_fields read_from(struct px_octets fields)
{
	return (struct px_fields){.at = fields.data, .left = fields.len};
}

static int result(const struct px_fields *in)
{
	return px_fields_done(in) ? PX_OK : PX_ECORRUPT;
}

/* The rest of the record, however long. */
static struct px_octets rest(struct px_fields *in)
{
	size_t len = in->left;
	const uint8_t *data = px_get_octets(in, len);
	return (struct px_octets){data, data != NULL ? len : 0};
}

static void put_octets(struct px_buf *out, struct px_octets octets)
{
	if (octets.len > 0)
		px_buf_add(out, octets.data, octets.len);
}

/* --- messages ---------------------------------------------------------------------------------------- */

static void put_header(struct px_buf *out, const struct px_header *h)
{
	px_put_text(out, h->message_id);
	px_put_text(out, h->environment);
	px_put_text(out, h->sender);
	px_put_u8(out, (uint8_t)h->n_recipients);
	for (unsigned i = 0; i < h->n_recipients; i++)
		px_put_text(out, h->recipients[i]);
	px_put_text(out, h->type);
	px_put_text(out, h->type_version);
	px_put_i64(out, h->created_at);
	px_put_i64(out, h->expires_at);
	px_put_text(out, h->correlation_id);
}

#define GET_TEXT(in, field) px_get_text(in, field, sizeof(field))

static void get_header(struct px_fields *in, struct px_header *h)
{
	GET_TEXT(in, h->message_id);
	GET_TEXT(in, h->environment);
	GET_TEXT(in, h->sender);
	h->n_recipients = px_get_enum(in, PX_RECIPIENTS_MAX + 1);
	for (unsigned i = 0; i < h->n_recipients; i++)
		GET_TEXT(in, h->recipients[i]);
	GET_TEXT(in, h->type);
	GET_TEXT(in, h->type_version);
	h->created_at = px_get_i64(in);
	h->expires_at = px_get_i64(in);
	GET_TEXT(in, h->correlation_id);
}

void px_rec_put_message(struct px_buf *out, const struct px_rec_message *rec)
{
	const struct px_message *m = &rec->message;
	put_header(out, &m->header);
	px_put_u64(out, m->len);
	px_put_i64(out, m->accepted);
	px_put_u8(out, (uint8_t)m->prio);
	px_put_bool(out, m->keys.ends_movement);
	px_put_u64(out, rec->first_delivery);
	px_put_u16(out, (uint16_t)rec->n_deliveries);
	px_put_u16(out, (uint16_t)m->keys.n);
	for (unsigned i = 0; i < m->keys.n; i++) {
		px_put_u8(out, (uint8_t)m->keys.items[i].kind);
		px_put_text(out, m->keys.items[i].value);
	}
}

int px_rec_get_message(struct px_octets fields, struct px_scratch *scratch, struct px_rec_message *rec)
{
	struct px_fields in = read_from(fields);
	struct px_message *m = &rec->message;
	*rec = (struct px_rec_message){0};
	get_header(&in, &m->header);
	m->len = px_get_u64(&in);
	m->accepted = px_get_i64(&in);
	m->prio = (enum px_prio)px_get_enum(&in, PX_PRIO_COUNT);
	m->keys.ends_movement = px_get_bool(&in);
	rec->first_delivery = px_get_u64(&in);
	rec->n_deliveries = px_get_u16(&in);
	unsigned n = px_get_u16(&in);
	if (in.bad || n > PX_KEYS_MAX)
		return PX_ECORRUPT;
	m->keys.n = n;
	m->keys.items = n > 0 ? px_scratch_calloc(scratch, n, sizeof(m->keys.items[0])) : NULL;
	for (unsigned i = 0; i < n; i++) {
		m->keys.items[i].kind = (enum px_key_kind)px_get_enum(&in, PX_KEY_COUNT);
		GET_TEXT(&in, m->keys.items[i].value);
	}
	return result(&in);
}

void px_rec_put_receipt(struct px_buf *out, const struct px_rec_receipt *rec)
{
	px_put_text(out, rec->sender);
	px_put_text(out, rec->message_id);
	px_put_text(out, rec->partner);
	px_buf_add(out, rec->digest, PX_DIGEST_LEN);
	px_put_u64(out, rec->movement);
	px_put_i64(out, rec->horizon_end);
	px_put_bool(out, rec->confirmations);
	put_octets(out, rec->coa);
}

int px_rec_get_receipt(struct px_octets fields, struct px_rec_receipt *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_rec_receipt){0};
	GET_TEXT(&in, rec->sender);
	GET_TEXT(&in, rec->message_id);
	GET_TEXT(&in, rec->partner);
	px_get_copy(&in, rec->digest, PX_DIGEST_LEN);
	rec->movement = px_get_u64(&in);
	rec->horizon_end = px_get_i64(&in);
	rec->confirmations = px_get_bool(&in);
	rec->coa = rest(&in);
	return result(&in);
}

void px_rec_body_head(uint8_t head[PX_REC_BODY_HEAD], const uint8_t digest[PX_DIGEST_LEN])
{
	head[0] = PX_REC_VERSION;
	memcpy(head + 1, digest, PX_DIGEST_LEN);
}

int px_rec_open_body(const void *data, size_t len, struct px_octets *body)
{
	const uint8_t *octets = data;
	uint8_t digest[PX_DIGEST_LEN];
	*body = (struct px_octets){0};
	if (len < PX_REC_BODY_HEAD || octets[0] != PX_REC_VERSION)
		return PX_ECORRUPT;
	px_sha256(octets + PX_REC_BODY_HEAD, len - PX_REC_BODY_HEAD, digest);
	if (memcmp(digest, octets + 1, PX_DIGEST_LEN) != 0)
		return PX_ECORRUPT;
	*body = (struct px_octets){octets + PX_REC_BODY_HEAD, len - PX_REC_BODY_HEAD};
	return PX_OK;
}

/* --- movements and deliveries ------------------------------------------------------------------------ */

void px_rec_put_movement(struct px_buf *out, const struct px_rec_movement *rec)
{
	px_put_u64(out, rec->linked);
	px_put_u64(out, rec->home);
	px_put_u64(out, rec->members);
	px_put_i64(out, rec->first);
	px_put_i64(out, rec->last);
	px_put_i64(out, rec->live_until);
	px_put_bool(out, rec->ended);
	px_put_text(out, rec->declarant);
}

int px_rec_get_movement(struct px_octets fields, struct px_rec_movement *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_rec_movement){0};
	rec->linked = px_get_u64(&in);
	rec->home = px_get_u64(&in);
	rec->members = px_get_u64(&in);
	rec->first = px_get_i64(&in);
	rec->last = px_get_i64(&in);
	rec->live_until = px_get_i64(&in);
	rec->ended = px_get_bool(&in);
	GET_TEXT(&in, rec->declarant);
	return result(&in);
}

void px_rec_put_number(struct px_buf *out, uint64_t number)
{
	px_put_u64(out, number);
}

int px_rec_get_number(struct px_octets fields, uint64_t *number)
{
	struct px_fields in = read_from(fields);
	*number = px_get_u64(&in);
	return result(&in);
}

void px_rec_put_delivery(struct px_buf *out, const struct px_delivery *rec)
{
	px_put_u64(out, rec->message);
	px_put_u64(out, rec->movement);
	px_put_text(out, rec->recipient);
	px_put_text(out, rec->partner);
	px_put_text(out, rec->route);
	px_put_u8(out, (uint8_t)rec->prio);
	px_put_u8(out, (uint8_t)rec->state);
	px_put_bool(out, rec->body_sent);
	px_put_u32(out, rec->attempts);
	px_put_i64(out, rec->created);
	px_put_i64(out, rec->due);
	px_put_i64(out, rec->deadline);
	px_put_i64(out, rec->ended);
	px_put_text(out, rec->error);
}

int px_rec_get_delivery(struct px_octets fields, struct px_delivery *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_delivery){0};
	rec->message = px_get_u64(&in);
	rec->movement = px_get_u64(&in);
	GET_TEXT(&in, rec->recipient);
	GET_TEXT(&in, rec->partner);
	GET_TEXT(&in, rec->route);
	rec->prio = (enum px_prio)px_get_enum(&in, PX_PRIO_COUNT);
	rec->state = (enum px_delivery_state)px_get_enum(&in, PX_D_STATES);
	rec->body_sent = px_get_bool(&in);
	rec->attempts = px_get_u32(&in);
	rec->created = px_get_i64(&in);
	rec->due = px_get_i64(&in);
	rec->deadline = px_get_i64(&in);
	rec->ended = px_get_i64(&in);
	GET_TEXT(&in, rec->error);
	return result(&in);
}

/* --- pending confirmations --------------------------------------------------------------------------- */

void px_rec_put_owed(struct px_buf *out, const struct px_rec_owed *rec)
{
	px_put_text(out, rec->partner);
	px_put_text(out, rec->ref_sender);
	px_put_u64(out, rec->delivery);
	px_put_i64(out, rec->created);
	px_put_u32(out, rec->answer_at);
	px_put_u32(out, rec->answer_len);
	px_put_u32(out, rec->answer_crc);
	put_octets(out, rec->data);
}

int px_rec_get_owed(struct px_octets fields, struct px_rec_owed *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_rec_owed){0};
	GET_TEXT(&in, rec->partner);
	GET_TEXT(&in, rec->ref_sender);
	rec->delivery = px_get_u64(&in);
	rec->created = px_get_i64(&in);
	rec->answer_at = px_get_u32(&in);
	rec->answer_len = px_get_u32(&in);
	rec->answer_crc = px_get_u32(&in);
	rec->data = rest(&in);
	return rec->answer_at <= rec->data.len ? result(&in) : PX_ECORRUPT;
}

uint64_t px_rec_owed_size(const struct px_rec_owed *rec)
{
	return rec->data.len + ((uint64_t)rec->answer_len + 2) / 3 * 4;
}

void px_rec_put_signed(struct px_buf *out, const struct px_rec_signed *rec)
{
	px_buf_add(out, rec->hash, PX_DIGEST_LEN);
	put_octets(out, rec->data);
}

int px_rec_get_signed(struct px_octets fields, struct px_rec_signed *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_rec_signed){0};
	px_get_copy(&in, rec->hash, PX_DIGEST_LEN);
	rec->data = rest(&in);
	return result(&in);
}

void px_rec_put_answer(struct px_buf *out, struct px_octets answer, uint64_t owed)
{
	struct px_rec_signed rec = {.data = answer};
	for (int i = 7; i >= 0; i--, owed >>= 8)
		rec.hash[i] = (uint8_t)owed;
	px_rec_put_signed(out, &rec);
}

uint64_t px_rec_answer_owed(const struct px_rec_signed *rec)
{
	uint64_t owed = 0;
	for (int i = 0; i < 8; i++)
		owed = owed << 8 | rec->hash[i];
	return owed;
}

/* --- the whole --------------------------------------------------------------------------------------- */

int px_rec_get_journal(struct px_octets fields, uint8_t hash[PX_DIGEST_LEN], struct px_octets *octets)
{
	struct px_fields in = read_from(fields);
	memset(hash, 0, PX_DIGEST_LEN);
	px_get_copy(&in, hash, PX_DIGEST_LEN);
	*octets = rest(&in);
	return result(&in);
}

void px_rec_put_partner(struct px_buf *out, const struct px_rec_partner *rec)
{
	for (int i = 0; i < PX_D_STATES; i++)
		px_put_u64(out, rec->count[i]);
	px_put_u64(out, rec->ever_unknown);
}

int px_rec_get_partner(struct px_octets fields, struct px_rec_partner *rec)
{
	struct px_fields in = read_from(fields);
	for (int i = 0; i < PX_D_STATES; i++)
		rec->count[i] = px_get_u64(&in);
	rec->ever_unknown = px_fields_done(&in) ? rec->count[PX_D_UNKNOWN] : px_get_u64(&in);
	return result(&in);
}

#define NUMBER(name) offsetof(struct px_rec_state, name)
/* The numbers of a state, in the order they are written. */
static const size_t state_numbers[] = {
    NUMBER(epoch),     NUMBER(last_message), NUMBER(last_delivery),  NUMBER(last_movement),
    NUMBER(last_owed), NUMBER(last_journal), NUMBER(checkpoint_seq), NUMBER(messages),
    NUMBER(movements), NUMBER(deliveries),   NUMBER(owed),           NUMBER(quarantined),
};

void px_rec_put_state(struct px_buf *out, const struct px_rec_state *rec)
{
	for (size_t i = 0; i < PX_ARRAY_LEN(state_numbers); i++)
		px_put_u64(out, *(const uint64_t *)((const char *)rec + state_numbers[i]));
	px_buf_add(out, rec->journal_head, PX_DIGEST_LEN);
	px_buf_add(out, rec->checkpoint, PX_DIGEST_LEN);
	px_put_i64(out, rec->forgotten);
	px_put_i64(out, rec->shortest);
	px_put_i64(out, rec->newest);
}

int px_rec_get_state(struct px_octets fields, struct px_rec_state *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_rec_state){.forgotten = INT64_MIN, .newest = INT64_MAX};
	for (size_t i = 0; i < PX_ARRAY_LEN(state_numbers); i++)
		*(uint64_t *)((char *)rec + state_numbers[i]) = px_get_u64(&in);
	px_get_copy(&in, rec->journal_head, PX_DIGEST_LEN);
	px_get_copy(&in, rec->checkpoint, PX_DIGEST_LEN);
	if (px_fields_done(&in)) /* of formats 1 to 3 */
		return PX_OK;
	rec->forgotten = px_get_i64(&in);
	rec->shortest = px_get_i64(&in);
	if (px_fields_done(&in)) { /* of format 4: the first is the latest horizon_end of what was purged */
		int64_t end = rec->forgotten;
		rec->forgotten = INT64_MIN;
		return end != 0 && __builtin_sub_overflow(end, rec->shortest, &rec->forgotten) ? PX_ECORRUPT
											       : PX_OK;
	}
	rec->newest = px_get_i64(&in);
	return result(&in);
}

void px_rec_put_quarantine(struct px_buf *out, const struct px_rec_quarantine *rec)
{
	px_put_i64(out, rec->at);
	px_put_u64(out, rec->delivery);
	px_put_text(out, rec->reason);
}

int px_rec_get_quarantine(struct px_octets fields, struct px_rec_quarantine *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_rec_quarantine){0};
	rec->at = px_get_i64(&in);
	rec->delivery = px_get_u64(&in);
	GET_TEXT(&in, rec->reason);
	return result(&in);
}

void px_rec_put_mark(struct px_buf *out, const struct px_mark *rec)
{
	px_put_i64(out, rec->at);
	px_put_u64(out, rec->number);
	px_put_text(out, rec->text);
	px_put_text(out, rec->actor);
}

int px_rec_get_mark(struct px_octets fields, struct px_mark *rec)
{
	struct px_fields in = read_from(fields);
	*rec = (struct px_mark){.at = px_get_i64(&in)};
	rec->number = px_get_u64(&in);
	GET_TEXT(&in, rec->text);
	GET_TEXT(&in, rec->actor);
	return result(&in);
}
