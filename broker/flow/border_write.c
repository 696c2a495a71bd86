/* prinex: the border post: a movement as officers are told it
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "flow/border_parts.h"

#include "base/strings.h"

void px_border_link(struct px_border_link *out, const struct px_message *m)
{
	*out = (struct px_border_link){.accepted = m->accepted};
	px_strlcpy(out->sender, m->header.sender, sizeof(out->sender));
	px_strlcpy(out->message_id, m->header.message_id, sizeof(out->message_id));
	px_strlcpy(out->type, m->header.type, sizeof(out->type));
	px_strlcpy(out->type_version, m->header.type_version, sizeof(out->type_version));
	memcpy(out->digest, m->digest, PX_DIGEST_LEN);
}

static void write_link(struct px_form *form, const struct px_border_link *link)
{
	char text[sizeof("/v1/exchanges///body") + PX_AUTHORITY_MAX + PX_MESSAGE_ID_MAX];
	char digest[PX_DIGEST_HEX];
	px_hex(link->digest, PX_DIGEST_LEN, digest);
	px_form_text(form, "Sender", link->sender);
	px_form_text(form, "MessageId", link->message_id);
	px_form_text(form, "MessageType", link->type);
	px_form_text(form, "TypeVersion", link->type_version);
	px_form_time(form, "AcceptedAt", link->accepted);
	px_form_text(form, "Digest", digest);
	snprintf(text, sizeof(text), "/v1/exchanges/%s/%s/body", link->sender, link->message_id);
	px_form_text(form, "Href", text);
}

static void write_all(struct px_form *form, const struct px_keys *keys, enum px_key_kind kind,
		      const char *name, const char *list)
{
	px_form_list(form, list);
	for (unsigned i = 0; i < keys->n; i++) {
		if (keys->items[i].kind == kind)
			px_form_text(form, name, keys->items[i].value);
	}
	px_form_list_end(form);
}

static void write_arrivals(struct px_form *form, const struct px_keys *keys)
{
	struct px_expected expected[PX_EXPECTED_MAX];
	unsigned n = px_keys_expected(keys, expected);
	px_form_list(form, "arrivals");
	for (unsigned i = 0; i < n; i++) {
		px_form_open(form, "Arrival");
		px_form_text(form, "Office", expected[i].office);
		px_form_time(form, "ExpectedAt", expected[i].at);
		px_form_time(form, "Limit", expected[i].limit != expected[i].at ? expected[i].limit : 0);
		px_form_close(form, "Arrival");
	}
	px_form_list_end(form);
}

void px_border_write_declaration(struct px_form *form, const struct px_journey_version *v,
				 const struct px_message *m)
{
	struct px_border_link link;
	char version[16];
	snprintf(version, sizeof(version), "%u", v->version);
	px_border_link(&link, m);
	px_form_open(form, "Declaration");
	write_link(form, &link);
	px_form_text(form, "DeclarationType", v->is.type);
	px_form_text(form, "Version", version);
	px_form_text(form, "LRN", px_keys_first(&m->keys, PX_KEY_LRN));
	px_form_text(form, "MRN", px_keys_first(&m->keys, PX_KEY_MRN));
	px_form_text(form, "Declarant", px_keys_first(&m->keys, PX_KEY_DECLARANT));
	write_arrivals(form, &m->keys);
	write_all(form, &m->keys, PX_KEY_VEHICLE, "Vehicle", "vehicles");
	write_all(form, &m->keys, PX_KEY_CONTAINER, "Container", "containers");
	write_all(form, &m->keys, PX_KEY_SEAL, "Seal", "seals");
	px_form_close(form, "Declaration");
}

/* --- links ------------------------------------------------------------------------------------------- */

void px_border_links_note(struct px_border_links *links, const struct px_message *m)
{
	if (links->n < PX_BORDER_LINKS)
		links->items = px_xrealloc_array(links->items, links->n + 1, sizeof(links->items[0]));
	px_border_link(&links->items[links->n % PX_BORDER_LINKS], m);
	links->n++;
}

void px_border_links_write(struct px_form *form, const struct px_border_links *links)
{
	uint64_t first = links->n > PX_BORDER_LINKS ? links->n - PX_BORDER_LINKS : 0;
	px_form_list(form, "exchanges");
	for (uint64_t i = first; i < links->n; i++) {
		px_form_open(form, "Sent");
		write_link(form, &links->items[i % PX_BORDER_LINKS]);
		px_form_close(form, "Sent");
	}
	px_form_list_end(form);
	px_border_write_omitted(form, "SentOmitted", first);
}

void px_border_write_omitted(struct px_form *form, const char *name, uint64_t n)
{
	char text[24];
	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	px_form_text(form, name, n > 0 ? text : "");
}
