/* prinex: documents of peers that tests play
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "peer_answer.h"

#include <openssl/rand.h>

#include "base/clock.h"
#include "base/strings.h"
#include "flow/seal.h"

#define NS " xmlns:px=\"urn:prinex:exchange:1\""

struct px_peer_signer {
	char authority[PX_AUTHORITY_MAX + 1];
	struct px_seal_key *key;
};

int px_peer_signer_load(const char *authority, const char *cert, const char *key, struct px_peer_signer **out,
			struct px_buf *why)
{
	struct px_peer_signer *s = px_xcalloc(1, sizeof(*s));
	px_strlcpy(s->authority, authority, sizeof(s->authority));
	int rc = px_seal_key_load(key, cert, &s->key, why);
	if (rc != PX_OK)
		px_peer_signer_free(&s);
	*out = s;
	return rc;
}

void px_peer_signer_free(struct px_peer_signer **signer)
{
	if (*signer == NULL)
		return;
	px_seal_key_free(&(*signer)->key);
	PX_FREE(*signer);
}

const char *px_peer_signer_authority(const struct px_peer_signer *signer)
{
	return signer->authority;
}

void px_peer_seal(const struct px_peer_signer *signer, struct px_buf *doc)
{
	int rc = px_seal(signer->key, doc);
	px_assert(rc == PX_OK);
}

/* `<NAME>` or `<PREFIX:NAME>`, whatever stands around it. */
bool px_peer_first(const void *doc, size_t len, const char *name, char *out, size_t size)
{
	const char *p = doc;
	const char *end = p + len;
	size_t n = strlen(name);
	out[0] = '\0';
	while (len > 0 && (p = memmem(p, (size_t)(end - p), name, n)) != NULL) {
		const char *start = p;
		p += n;
		if (p == end || *p != '>' || start == (const char *)doc || strchr("<:", start[-1]) == NULL)
			continue;
		while (start > (const char *)doc && start[-1] != '<' && start[-1] != '>' && start[-1] != '/')
			start--;
		if (start == (const char *)doc || start[-1] != '<')
			continue;
		const char *close = memchr(p, '<', (size_t)(end - p));
		return close != NULL && px_strlcpy_n(out, p + 1, (size_t)(close - p - 1), size);
	}
	return false;
}

/* --- writing --- */

static void element(struct px_buf *out, const char *name, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	px_buf_addf(out, "<px:%s>", name);
	px_buf_add_xml_text(out, text, strlen(text));
	px_buf_addf(out, "</px:%s>", name);
}

static void attribute(struct px_buf *out, const char *name, const char *value)
{
	if (value == NULL || value[0] == '\0')
		return;
	px_buf_addf(out, " %s=\"", name);
	px_buf_add_xml_attr(out, value, strlen(value));
	px_buf_addc(out, '"');
}

static void element_now(struct px_buf *out)
{
	char text[32];
	px_time_format(px_clock_wall(px_clock_real()), text, sizeof(text));
	element(out, "At", text);
}

static void fresh_id(char *out, size_t size)
{
	uint8_t random[10];
	char hex[2 * sizeof(random) + 1];
	px_assert(RAND_bytes(random, sizeof(random)) == 1);
	px_hex(random, sizeof(random), hex);
	snprintf(out, size, "R%s", hex);
}

/* C14N sorts attributes by name. */
static void finding(struct px_buf *out, const struct px_peer_finding *f)
{
	char line[16] = "";
	if (f->line != 0)
		snprintf(line, sizeof(line), "%u", f->line);
	px_buf_adds(out, "<px:Error");
	attribute(out, "code", f->code);
	attribute(out, "line", line);
	attribute(out, "ncts", f->ncts);
	attribute(out, "pointer", f->pointer);
	attribute(out, "value", f->value);
	px_buf_addc(out, '>');
	px_buf_add_xml_text(out, f->text, strlen(f->text));
	px_buf_adds(out, "</px:Error>");
}

void px_peer_confirmation_write(struct px_buf *out, const struct px_peer_confirmation *c, bool root)
{
	char id[PX_MESSAGE_ID_MAX + 1];
	char hex[PX_DIGEST_HEX];
	fresh_id(id, sizeof(id));
	px_hex(c->ref_digest, PX_DIGEST_LEN, hex);
	px_buf_addf(out, "<px:Confirmation%s>", root ? NS : "");
	element(out, "Kind", px_conf_kind_name(c->kind));
	element(out, "Class", c->kind != PX_COE ? NULL : c->temporary ? "temporary" : "permanent");
	element(out, "ConfirmationId", c->id != NULL && c->id[0] != '\0' ? c->id : id);
	element(out, "Issuer", c->issuer);
	element(out, "RefSender", c->ref_sender);
	element(out, "RefMessageId", c->ref_message_id);
	element(out, "RefDigest", hex);
	if (c->at != NULL && c->at[0] != '\0')
		element(out, "At", c->at);
	else
		element_now(out);
	for (unsigned i = 0; i < c->n_recipients; i++)
		element(out, "Recipient", c->recipients[i]);
	element(out, "CodFollows", c->cod_follows ? "true" : NULL);
	if (c->evidence_len > 0) {
		px_buf_adds(out, "<px:Evidence>");
		px_base64(out, c->evidence, c->evidence_len);
		px_buf_adds(out, "</px:Evidence>");
	}
	for (unsigned i = 0; i < c->n_errors; i++)
		finding(out, &c->errors[i]);
	if (c->errors_total > 0)
		px_buf_addf(out, "<px:ErrorsTotal>%u</px:ErrorsTotal>", c->errors_total);
	px_buf_adds(out, "</px:Confirmation>");
}

/* urn:prinex:AUTHORITY:ROLE:NAME */
static void node_peer(struct px_buf *out, const char *peer_uri)
{
	char text[128], *rest = text;
	px_strlcpy(text, peer_uri, sizeof(text));
	if (px_str_starts(text, "urn:prinex:"))
		rest += strlen("urn:prinex:");
	const char *authority = strsep(&rest, ":");
	const char *role = strsep(&rest, ":");
	const char *name = strsep(&rest, ":");
	px_buf_adds(out, "<px:Peer>");
	element(out, "Authority", authority);
	element(out, "Role", role != NULL ? role : "system");
	element(out, "Name", name != NULL ? name : "unknown");
	px_buf_adds(out, "</px:Peer>");
}

void px_peer_node_write(struct px_buf *out, const char *environment, const char *authority,
			const char *peer_uri)
{
	px_buf_adds(out, "<px:Node" NS ">");
	element(out, "Environment", environment);
	element(out, "Authority", authority);
	node_peer(out, peer_uri);
	element(out, "ProtocolVersion", "1");
	element(out, "SignatureProfile", "1");
	px_buf_adds(out, "<px:Type><px:Name>Ping</px:Name></px:Type>");
	px_buf_addf(out, "<px:Limit name=\"body\">%d</px:Limit>", 4 * 1024 * 1024);
	element_now(out);
	px_buf_adds(out, "</px:Node>");
}
