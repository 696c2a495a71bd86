/* prinex: confirmations and what else a node writes, as canonical XML
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/confirm.h"

#include <inttypes.h>

#include "base/strings.h"

#define NS " xmlns:px=\"urn:prinex:exchange:1\""

/* Bounds of exchange-1.xsd, in characters. */
enum { TEXT_CHARS = 4096, POINTER_CHARS = 4096, VALUE_CHARS = 1024, REFERENCE_CHARS = 256, VERSIONS = 64 };

static bool has(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* Octets of @s whose escaped form stays within @max characters: an octet that XML cannot carry takes four. */
static size_t room_for(const char *s, size_t max)
{
	size_t len = strlen(s);
	size_t chars = 0;
	if (len <= max / 4)
		return len;
	for (size_t i = 0; i < len;) {
		size_t n = px_utf8_length(s + i, len - i);
		unsigned char c = (unsigned char)s[i];
		bool escaped = n == 0 || (n == 1 && (c < 0x20 || c == 0x7f));
		chars += escaped ? 4 : c == '\\' ? 2 : 1;
		if (chars > max)
			return i;
		i += n > 0 ? n : 1;
	}
	return len;
}

static void element(struct px_buf *out, const char *name, const char *text)
{
	if (!has(text))
		return;
	/* Twenty of these make a confirmation: formatted output would take half of the time. */
	px_buf_adds(out, "<px:");
	px_buf_adds(out, name);
	px_buf_addc(out, '>');
	px_buf_add_xml_text(out, text, strlen(text));
	px_buf_adds(out, "</px:");
	px_buf_adds(out, name);
	px_buf_addc(out, '>');
}

static void element_hex(struct px_buf *out, const char *name, const uint8_t *digest)
{
	char hex[PX_DIGEST_HEX];
	if (digest == NULL)
		return;
	px_hex(digest, PX_DIGEST_LEN, hex);
	element(out, name, hex);
}

static void element_time(struct px_buf *out, const char *name, int64_t ms)
{
	char text[32];
	if (ms == 0)
		return;
	px_time_format(ms, text, sizeof(text));
	element(out, name, text);
}

static void attribute(struct px_buf *out, const char *name, const char *value, size_t max_chars)
{
	if (!has(value))
		return;
	px_buf_addc(out, ' ');
	px_buf_adds(out, name);
	px_buf_adds(out, "=\"");
	px_buf_add_xml_attr(out, value, room_for(value, max_chars));
	px_buf_addc(out, '"');
}

/* C14N sorts attributes without a namespace by name. */
static void finding(struct px_buf *out, const char *name, const struct px_finding *f, const char *reference)
{
	px_buf_adds(out, "<px:");
	px_buf_adds(out, name);
	attribute(out, "code", px_finding_wire(f), TEXT_CHARS);
	if (f->line != 0)
		px_buf_addf(out, " line=\"%u\"", f->line);
	attribute(out, "ncts", px_code_ncts(f->code), TEXT_CHARS);
	attribute(out, "pointer", f->pointer, POINTER_CHARS);
	attribute(out, "reference", reference, REFERENCE_CHARS);
	attribute(out, "value", f->value, VALUE_CHARS);
	px_buf_addc(out, '>');
	const char *text = has(f->text) ? f->text : px_code_title(f->code);
	px_buf_add_xml_text(out, text, room_for(text, TEXT_CHARS));
	px_buf_adds(out, "</px:");
	px_buf_adds(out, name);
	px_buf_addc(out, '>');
}

static void findings(struct px_buf *out, const char *name, const struct px_findings *list,
		     const char *reference)
{
	for (unsigned i = 0; list != NULL && i < list->n; i++)
		finding(out, name, &list->items[i], reference);
}

/* What a refused sender claims may be anything; what does not fit its type is left out, as the schema allows
 * for a header that could not be read. */
static void ref(struct px_buf *out, const struct px_confirm *c)
{
	if (has(c->ref_sender) && px_is_authority(c->ref_sender))
		element(out, "RefSender", c->ref_sender);
	if (has(c->ref_message_id) && px_is_message_id(c->ref_message_id))
		element(out, "RefMessageId", c->ref_message_id);
	element_hex(out, "RefDigest", c->ref_digest);
}

static void evidence(struct px_buf *out, const struct px_confirm *c)
{
	if (c->evidence_len == 0)
		return;
	px_buf_adds(out, "<px:Evidence>");
	if (c->evidence_at != NULL)
		*c->evidence_at = out->len;
	else
		px_base64(out, c->evidence, c->evidence_len);
	px_buf_adds(out, "</px:Evidence>");
}

void px_confirm_write(struct px_buf *out, const struct px_confirm *c, bool root)
{
	px_buf_reserve(out, 1024 + (c->evidence_at == NULL ? c->evidence_len / 3 * 4 : 0));
	px_buf_adds(out, root ? "<px:Confirmation" NS ">" : "<px:Confirmation>");
	element(out, "Kind", px_conf_kind_name(c->kind));
	if (c->kind == PX_COE)
		element(out, "Class", c->permanent ? "permanent" : "temporary");
	element(out, "ConfirmationId", c->confirmation_id);
	element(out, "Issuer", c->issuer);
	ref(out, c);
	element_time(out, "At", c->at);
	for (unsigned i = 0; i < c->n_recipients; i++)
		element(out, "Recipient", c->recipients[i]);
	element(out, "Route", c->route);
	if (c->kind == PX_COA && c->cod_follows)
		element(out, "CodFollows", "true");
	element(out, "Supersedes", c->supersedes);
	evidence(out, c);
	element_hex(out, "Checkpoint", c->checkpoint);
	findings(out, "Warning", c->warnings, c->reference);
	findings(out, "Error", c->errors, c->reference);
	if (c->errors != NULL && c->errors->total > 0)
		px_buf_addf(out, "<px:ErrorsTotal>%u</px:ErrorsTotal>", c->errors->total);
	px_buf_adds(out, "</px:Confirmation>");
}

void px_confirm_header(struct px_buf *out, const struct px_header *h)
{
	px_buf_adds(out, "<px:Header>");
	element(out, "MessageId", h->message_id);
	element(out, "Environment", h->environment);
	element(out, "Sender", h->sender);
	for (unsigned i = 0; i < h->n_recipients; i++)
		element(out, "Recipient", h->recipients[i]);
	element(out, "MessageType", h->type);
	element(out, "TypeVersion", h->type_version);
	element_time(out, "CreatedAt", h->created_at);
	element_time(out, "ExpiresAt", h->expires_at);
	element(out, "CorrelationId", h->correlation_id);
	px_buf_adds(out, "</px:Header>");
}

void px_confirm_exchange(struct px_buf *out, const struct px_header *header, const struct px_buf *entries,
			 unsigned n)
{
	px_buf_adds(out, "<px:Exchange" NS ">");
	px_confirm_header(out, header);
	px_buf_adds(out, "<px:Payload><px:Confirmations>");
	for (unsigned i = 0; i < n; i++)
		px_buf_add(out, entries[i].data, entries[i].len);
	px_buf_adds(out, "</px:Confirmations></px:Payload></px:Exchange>");
}

static void node_type(struct px_buf *out, const struct px_catalogue *cat, const struct px_cat_type *type)
{
	unsigned left = VERSIONS;
	px_buf_adds(out, "<px:Type>");
	element(out, "Name", type->name);
	for (unsigned i = 0; i < type->sets.n; i++) {
		const struct px_cat_set *set = px_catalogue_set(cat, type->sets.items[i]);
		for (unsigned v = 0; set != NULL && v < set->versions.n && left > 0; v++, left--)
			element(out, "Version", set->versions.items[v]);
	}
	px_buf_adds(out, "</px:Type>");
}

static void node_limit(struct px_buf *out, const char *name, uint64_t value)
{
	px_buf_addf(out, "<px:Limit name=\"%s\">%" PRIu64 "</px:Limit>", name, value);
}

/* Those in which this peer may sign today. */
static void node_profiles(struct px_buf *out, const struct px_conf_partner *peer, int64_t now)
{
	static const unsigned profiles[] = {
#define PX_SIG_PROFILE(number, text) number,
#include "base/profiles.def"
#undef PX_SIG_PROFILE
	};
	for (size_t i = 0; i < PX_ARRAY_LEN(profiles); i++) {
		if (px_conf_profile_allows(peer, profiles[i], now))
			px_buf_addf(out, "<px:SignatureProfile>%u</px:SignatureProfile>", profiles[i]);
	}
}

void px_confirm_node(struct px_buf *out, const struct px_conf *conf, const struct px_catalogue *cat,
		     const struct px_conf_partner *peer, int64_t now)
{
	px_buf_adds(out, "<px:Node" NS ">");
	element(out, "Environment", conf->node.environment);
	element(out, "Authority", conf->node.authority);
	px_buf_adds(out, "<px:Peer>");
	element(out, "Authority", peer->authority);
	element(out, "Role", px_role_name(peer->role));
	element(out, "Name", peer->name);
	px_buf_adds(out, "</px:Peer>");
	element(out, "ProtocolVersion", "1");
	node_profiles(out, peer, now);
	for (unsigned i = 0; i < cat->n_types; i++) {
		if (cat->types[i].available)
			node_type(out, cat, &cat->types[i]);
	}
	node_limit(out, "body", conf->inspect.body_limit);
	node_limit(out, "requests-in-flight", (uint64_t)PX_LIMIT_REQUESTS_PARTNER);
	node_limit(out, "horizon-seconds", (uint64_t)conf->limits.horizon / 1000);
	node_limit(out, "future-seconds", (uint64_t)conf->limits.future / 1000);
	node_limit(out, "lease-seconds", (uint64_t)conf->limits.lease / 1000);
	element_time(out, "At", now);
	px_buf_adds(out, "</px:Node>");
}

void px_confirm_id(char *out, int64_t now, uint64_t random)
{
	/* 44 bits of milliseconds reach the year 2527; ids of one millisecond differ in 52 random bits */
	snprintf(out, PX_MESSAGE_ID_MAX + 1, "PX-%011" PRIX64 "%013" PRIX64,
		 (uint64_t)now & UINT64_C(0xfffffffffff), random & UINT64_C(0xfffffffffffff));
}
