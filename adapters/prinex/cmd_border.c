/* prinex: lookup and arrive: what a border post asks and reports
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/keys.h"
#include "base/strings.h"
#include "client/exhibits.h"
#include "client/show.h"
#include "prinex/prinex.h"

enum { ANSWER_MAX = 8 * 1024 * 1024 };

/* --- lookup ------------------------------------------------------------------------------------------ */

/* Whatever is not surely harmless in a query is percent-encoded. */
static void add_encoded(struct px_buf *out, const char *s)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:";
	for (; *s != '\0'; s++) {
		if (strchr(plain, *s) != NULL)
			px_buf_addc(out, *s);
		else
			px_buf_addf(out, "%%%02X", (unsigned)(unsigned char)*s);
	}
}

static bool add_question(struct px_buf *path, char **args, unsigned n)
{
	static const char *const names[] = {"mrn",  "lrn",    "vehicle",  "container",
					    "seal", "office", "arriving", "after"};
	for (unsigned i = 0; i < n; i++) {
		const char *eq = strchr(args[i], '=');
		bool known = false;
		for (size_t k = 0; eq != NULL && k < PX_ARRAY_LEN(names); k++)
			known = known || (strlen(names[k]) == (size_t)(eq - args[i]) &&
					  px_str_starts(args[i], names[k]));
		if (!known) {
			px_complain(
			    0,
			    "%s: expected mrn=, lrn=, vehicle=, container=, seal=, or office= and arriving=",
			    args[i]);
			return false;
		}
		px_buf_addc(path, i == 0 ? '?' : '&');
		px_buf_add(path, args[i], (size_t)(eq + 1 - args[i]));
		add_encoded(path, eq + 1);
	}
	return true;
}

static int print_movements(const struct px_settings *s, const struct px_reply *r)
{
	if (s->json) {
		fwrite(r->body.data, 1, r->body.len, stdout);
		putchar('\n');
		return PX_EXIT_OK;
	}
	struct px_buf text = PX_BUF_INIT;
	int rc = px_show_movements(&text, r->body.data, r->body.len);
	fputs(px_buf_str(&text), stdout);
	px_buf_free(&text);
	return rc == PX_OK ? PX_EXIT_OK : px_complain(PX_EXIT_BARRED, "the answer cannot be read");
}

/* --- the signed exchanges behind it ------------------------------------------------------------------ */

static int exit_of(enum px_exhibit_end end)
{
	return end == PX_EXHIBIT_NEW || end == PX_EXHIBIT_KNOWN      ? PX_EXIT_OK
	       : end == PX_EXHIBIT_DIFFERS || end == PX_EXHIBIT_GONE ? PX_EXIT_REFUSED
	       : end == PX_EXHIBIT_BARRED                            ? PX_EXIT_BARRED
								     : PX_EXIT_NOT_YET;
}

static void tell(const struct px_settings *s, const struct px_exhibit *x, enum px_exhibit_end end,
		 const char *path, const char *why)
{
	if (!s->json) {
		printf("%s: %s%s%s\n", path, px_exhibit_end_name(end), why[0] != '\0' ? ", " : "", why);
	} else {
		char digest[PX_DIGEST_HEX];
		json_t *o = json_object();
		px_hex(x->digest, PX_DIGEST_LEN, digest);
		json_object_set_new(o, "file", json_string(path));
		json_object_set_new(o, "result", json_string(px_exhibit_end_name(end)));
		json_object_set_new(o, "sender", json_string(x->sender));
		json_object_set_new(o, "id", json_string(x->message_id));
		json_object_set_new(o, "digest", json_string(digest));
		if (why[0] != '\0')
			json_object_set_new(o, "why", json_string(why));
		px_json_print(o);
	}
	fflush(stdout);
}

/* The worst counts; what has no answer ends it, for the next one would have none either. */
static int fetch_all(struct px_link *link, const struct px_settings *s, const struct px_reply *r)
{
	struct px_exhibit *all;
	struct px_buf path = PX_BUF_INIT, why = PX_BUF_INIT;
	unsigned n;
	int status = PX_EXIT_OK;
	if (px_exhibits_read(r->body.data, r->body.len, &all, &n) != PX_OK)
		status = px_complain(PX_EXIT_BARRED, "the answer cannot be read");
	for (unsigned i = 0; i < n && status <= PX_EXIT_REFUSED; i++) {
		enum px_exhibit_end end = px_exhibit_keep(link, &all[i], s->fetch, &path, &why);
		tell(s, &all[i], end, px_buf_str(&path), px_buf_str(&why));
		status = PX_MAX(status, exit_of(end));
	}
	free(all);
	px_buf_free(&path);
	px_buf_free(&why);
	return status;
}

static int use(struct px_link *link, const struct px_settings *s, const struct px_reply *r)
{
	int status = s->fetch[0] == '\0' || !s->json ? print_movements(s, r) : PX_EXIT_OK;
	if (status != PX_EXIT_OK || s->fetch[0] == '\0')
		return status;
	if (!s->json)
		putchar('\n');
	return fetch_all(link, s, r);
}

static bool is_folder(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int ask(struct px_client *c, const char *path)
{
	const struct px_settings *s = px_client_settings(c);
	struct px_reply r = {0};
	struct px_buf why = PX_BUF_INIT;
	if (px_client_load_tls(c, &why) != PX_OK) {
		int status = px_complain(PX_EXIT_USAGE, "%s", px_buf_str(&why));
		px_buf_free(&why);
		return status;
	}
	if (s->fetch[0] != '\0' && !is_folder(s->fetch))
		return px_complain(PX_EXIT_USAGE, "--fetch %s: no such folder", s->fetch);
	struct px_link *link = px_link_new(c);
	int status = PX_EXIT_OK;
	px_link_officer(link, s->user, s->json && s->fetch[0] == '\0');
	px_link_request(link, path, NULL, 0, 0, ANSWER_MAX, &r);
	px_reply_describe(&r, &why);
	if (r.end == PX_LINK_ANSWERED && r.status == 200)
		status = use(link, s, &r);
	else if (r.end == PX_LINK_ANSWERED && r.status == 400)
		status = px_complain(PX_EXIT_USAGE, "%s%s", px_buf_str(&why),
				     strstr(px_buf_str(&why), "Prinex-User") != NULL ? " (--user NAME)" : "");
	else
		status = px_complain(px_reply_is_temporary(&r) || r.end == PX_LINK_STOPPED ? PX_EXIT_NOT_YET
											   : PX_EXIT_BARRED,
				     "%s", px_buf_str(&why));
	px_link_free(&link);
	px_reply_free(&r);
	px_buf_free(&why);
	return status;
}

int px_cmd_lookup(struct px_client *c, char **args, unsigned n)
{
	struct px_buf path = PX_BUF_INIT;
	px_buf_adds(&path, "/v1/movements");
	int status = add_question(&path, args, n) ? ask(c, px_buf_str(&path)) : PX_EXIT_USAGE;
	px_buf_free(&path);
	return status;
}

/* --- arrive ------------------------------------------------------------------------------------------ */

struct arrival {
	const char *office, *lrn, *mrn, *event, *seals;
	int64_t at;
	unsigned n_vehicles;
	char *vehicles[99]; /* PLATE/COUNTRY */
};

static void element(struct px_buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	px_buf_addf(out, "  <%s>", name);
	px_buf_add_xml_text(out, value, strlen(value));
	px_buf_addf(out, "</%s>\n", name);
}

static bool is_country(const char *s)
{
	return strlen(s) == 2 && strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 2;
}

static const char *take_word(struct arrival *a, char *word)
{
	if (px_str_starts(word, "vehicle=")) {
		const char *slash = strrchr(word, '/');
		if (slash == NULL || slash == word + 8 || !is_country(slash + 1))
			return "expected vehicle=PLATE/COUNTRY";
		if (a->n_vehicles == PX_ARRAY_LEN(a->vehicles))
			return "too many vehicles";
		a->vehicles[a->n_vehicles++] = word + 8;
	} else if (px_str_starts(word, "mrn=")) {
		a->mrn = word + 4;
	} else if (px_str_starts(word, "lrn=")) {
		a->lrn = word + 4;
	} else if (px_str_starts(word, "event=")) {
		a->event = word + 6;
		if (strcmp(a->event, "BOR") != 0 && strcmp(a->event, "DES") != 0 &&
		    strcmp(a->event, "EXI") != 0)
			return "expected BOR (come in), DES (at its destination) or EXI (left)";
	} else if (px_str_starts(word, "seals=")) {
		a->seals = word + 6;
		if (strcmp(a->seals, "0") != 0 && strcmp(a->seals, "1") != 0)
			return "expected 1 (intact) or 0";
	} else if (!px_str_starts(word, "at=")) {
		return "expected vehicle=, mrn=, lrn=, event=, at= or seals=";
	} else if (px_time_parse(word + 3, &a->at) != PX_OK) {
		return "expected a time such as at=2026-11-21T13:02:00Z";
	}
	return NULL;
}

static void write_vehicle(struct px_buf *out, unsigned n, const char *vehicle, bool first)
{
	const char *slash = strrchr(vehicle, '/');
	char plate[PX_KEY_VALUE_MAX + 1], *to = plate;
	px_strlcpy_n(plate, vehicle, (size_t)(slash - vehicle), sizeof(plate));
	for (const char *p = plate; *p != '\0'; p++) { /* the schema has plates without spaces */
		if (*p != ' ')
			*to++ = *p;
	}
	*to = '\0';
	px_buf_addf(out, "  <ActiveBorderTransportMeans>\n    <sequenceNumber>%u</sequenceNumber>\n", n);
	px_buf_addf(out, "    <typeOfIdentification>%s</typeOfIdentification>\n  ", first ? "30" : "31");
	element(out, "identificationNumber", plate);
	px_buf_addf(out, "    <nationality>%s</nationality>\n  </ActiveBorderTransportMeans>\n", slash + 1);
}

static void write_notice(struct px_buf *out, const struct arrival *a)
{
	char now[32], at[32];
	int64_t ms = px_clock_wall(px_clock_real());
	px_time_format(ms - ms % 1000, now, sizeof(now));
	px_time_format(a->at != 0 ? a->at : ms - ms % 1000, at, sizeof(at));
	px_buf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
			 "<n:ArrivalNotice xmlns:n=\"urn:prinex:customs:1\">\n");
	element(out, "preparationDateAndTime", now);
	element(out, "LRN", a->lrn);
	element(out, "MRN", a->mrn);
	element(out, "event", a->event);
	element(out, "arrivalDateAndTime", at);
	px_buf_adds(out, "  <CustomsOfficeActual>\n  ");
	element(out, "referenceNumber", a->office);
	px_buf_adds(out, "  </CustomsOfficeActual>\n");
	element(out, "stateOfSeals", a->seals);
	for (unsigned i = 0; i < a->n_vehicles; i++)
		write_vehicle(out, i + 1, a->vehicles[i], i == 0);
	px_buf_adds(out, "</n:ArrivalNotice>\n");
}

/* A name of its own, so that nothing is written over. */
static bool write_file(const struct px_settings *s, const struct arrival *a, const struct px_buf *doc,
		       struct px_buf *path)
{
	char plate[PX_KEY_VALUE_MAX + 1], stamp[32];
	int64_t ms = px_clock_wall(px_clock_real());
	const char *slash = strrchr(a->vehicles[0], '/');
	char raw[PX_KEY_VALUE_MAX + 1];
	px_strlcpy_n(raw, a->vehicles[0], (size_t)(slash - a->vehicles[0]), sizeof(raw));
	px_key_normal(PX_KEY_VEHICLE, raw, plate);
	px_time_format(ms, stamp, sizeof(stamp));
	for (char *p = stamp; *p != '\0'; p++)
		*p = *p == ':' || *p == '.' ? '-' : *p;
	px_buf_addf(path, "%s/arrival-%s-%s.xml", s->keep[0] != '\0' ? s->keep : ".", stamp, plate);
	int fd = open(px_buf_str(path), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	bool ok = fd >= 0 && write(fd, doc->data, doc->len) == (ssize_t)doc->len && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

int px_cmd_arrive(struct px_client *c, char **args, unsigned n)
{
	struct arrival a = {.office = args[0], .event = "BOR"};
	struct px_buf doc = PX_BUF_INIT, path = PX_BUF_INIT;
	int status = PX_EXIT_OK;
	for (unsigned i = 1; i < n; i++) {
		const char *why = take_word(&a, args[i]);
		if (why != NULL)
			return px_complain(PX_EXIT_USAGE, "%s: %s", args[i], why);
	}
	if (a.n_vehicles == 0)
		return px_complain(PX_EXIT_USAGE, "arrive needs vehicle=PLATE/COUNTRY at least once");
	write_notice(&doc, &a);
	if (write_file(px_client_settings(c), &a, &doc, &path)) {
		char *file = (char *)px_buf_str(&path);
		status = px_cmd_send(c, &file, 1);
	} else {
		status = px_complain(PX_EXIT_NOT_YET, "%s cannot be written", px_buf_str(&path));
	}
	px_buf_free(&doc);
	px_buf_free(&path);
	return status;
}
