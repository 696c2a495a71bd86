/* prinex: commands that make a document out of a document; wrap and sign
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/strings.h"
#include "client/files.h"
#include "client/outbox.h"
#include "prinex/prinex.h"

static int read_input(const char *name, struct px_buf *data, struct px_buf *why)
{
	bool piped = strcmp(name, "-") == 0;
	int rc = px_buf_read_file(data, piped ? "/dev/stdin" : name, (size_t)PX_LIMIT_BODY_MAX, why);
	return rc;
}

static int write_output(const struct px_client *c, const struct px_buf *data, struct px_buf *why)
{
	const char *out = px_client_settings(c)->out;
	if (out[0] != '\0')
		return px_file_put(out, data->data, data->len, why);
	if (fwrite(data->data, 1, data->len, stdout) == data->len && fflush(stdout) == 0)
		return PX_OK;
	px_buf_setf(why, "cannot write standard output: %s", strerror(errno));
	return PX_ESYS;
}

static int wrap(struct px_client *c, const struct px_document *doc, struct px_buf *out, struct px_buf *why)
{
	struct px_header header;
	const uint8_t *root = doc->octets.data + doc->root;
	if (doc->is != PX_DOC_IS_PAYLOAD) {
		px_buf_setf(why, "this is %s already",
			    doc->is == PX_DOC_IS_EXCHANGE ? "an exchange" : "an answer");
		return PX_EPARSE;
	}
	int rc = px_outgoing_header(c, root, doc->root_len, &header, why);
	if (rc == PX_OK)
		px_wrap(out, &header, root, doc->root_len);
	return rc;
}

static int sign(struct px_client *c, const struct px_document *doc, struct px_buf *out, struct px_buf *why)
{
	struct px_buf plain = PX_BUF_INIT;
	int rc = px_client_load_key(c, why);
	if (rc == PX_OK && doc->is == PX_DOC_IS_PAYLOAD)
		rc = wrap(c, doc, &plain, why);
	else if (rc == PX_OK)
		px_buf_add(&plain, doc->octets.data, doc->octets.len);
	if (rc == PX_OK)
		rc = px_client_sign(c, plain.data, plain.len, out, why);
	px_buf_free(&plain);
	return rc;
}

/* Another name for the input, a link perhaps, is the input. */
static bool is_input(const struct px_client *c, const char *name)
{
	struct stat in, out;
	return px_client_settings(c)->out[0] != '\0' && strcmp(name, "-") != 0 && stat(name, &in) == 0 &&
	       stat(px_client_settings(c)->out, &out) == 0 && in.st_dev == out.st_dev &&
	       in.st_ino == out.st_ino;
}

int px_make(struct px_client *c, char **args, unsigned n, px_make_fn *fn)
{
	const char *name = n > 0 ? args[0] : "-";
	struct px_buf data = PX_BUF_INIT, out = PX_BUF_INIT, why = PX_BUF_INIT;
	struct px_document doc = {0};
	int rc = PX_ECONF;
	if (is_input(c, name))
		px_buf_setf(&why, "--out names the input itself, which would be lost: write to another file");
	else
		rc = read_input(name, &data, &why);
	if (rc == PX_OK)
		rc = px_document_read(data.data, data.len, px_client_settings(c)->from_encoding, &doc, &why);
	if (rc == PX_OK)
		rc = fn(c, &doc, &out, &why);
	if (rc == PX_OK)
		rc = write_output(c, &out, &why);
	int status = rc == PX_OK ? PX_EXIT_OK : rc == PX_ECONF ? PX_EXIT_USAGE : PX_EXIT_REFUSED;
	if (rc != PX_OK)
		px_complain(status, "%s: %s", strcmp(name, "-") == 0 ? "standard input" : name,
			    px_buf_str(&why));
	px_document_free(&doc);
	px_buf_free(&data);
	px_buf_free(&out);
	px_buf_free(&why);
	return status;
}

int px_cmd_wrap(struct px_client *c, char **args, unsigned n)
{
	return px_make(c, args, n, wrap);
}

int px_cmd_sign(struct px_client *c, char **args, unsigned n)
{
	return px_make(c, args, n, sign);
}
