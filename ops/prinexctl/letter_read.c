/* prinex: prinexctl: what a declaration says, for the pre-arrival letter
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "base/strings.h"
#include "letter.h"
#include "xml/prescan.h"

/*
 * The PRINEX set and NCTS use the same names for the same things and leave them without a namespace, so one
 * list of expressions reads both, and a document that has something else simply has fewer lines. Guarantees,
 * access codes and authorisations are not in the list: they must not leave.
 */
struct letter {
	xmlDoc *doc;
	xmlNode *payload;
	xmlXPathContext *context;
	char *language;
};

/** How the nodes that an expression finds are shown. */
enum shape { TITLE, WORDS, OFFICES, PARTY, VEHICLES };

static const struct line {
	enum letter_text label;
	enum shape shape;
	const char *xpath; /* from the payload's root */
} lines[] = {
    {TEXT_MOVEMENT, TITLE, NULL},
    {TEXT_MRN, WORDS, "(.//MRN)[1]"},
    {TEXT_LRN, WORDS, "(.//LRN)[1]"},
    {TEXT_DECLARATION, WORDS, "(.//declarationType)[1]"},
    {TEXT_LIMIT, WORDS, "(.//limitDate)[1]"},
    {TEXT_ROUTE, TITLE, NULL},
    {TEXT_DEPARTURE, OFFICES, ".//CustomsOfficeOfDeparture | .//CustomsOfficeOfExport"},
    {TEXT_TRANSIT, OFFICES,
     ".//CustomsOfficeOfTransit | .//CustomsOfficeOfTransitDeclared | .//CustomsOfficeOfFirstEntry"},
    {TEXT_EXIT, OFFICES,
     ".//CustomsOfficeOfExit | .//CustomsOfficeOfExitForTransit | .//CustomsOfficeOfExitForTransitDeclared"},
    {TEXT_DESTINATION, OFFICES, ".//CustomsOfficeOfDestination | .//CustomsOfficeOfDestinationDeclared"},
    {TEXT_COUNTRIES, WORDS, ".//CountryOfRoutingOfConsignment/country"},
    {TEXT_PARTIES, TITLE, NULL},
    {TEXT_DECLARANT, PARTY, "(.//Declarant)[1]"},
    {TEXT_HOLDER, PARTY, "(.//HolderOfTheTransitProcedure)[1]"},
    {TEXT_CONSIGNOR, PARTY, "(.//Consignor)[1]"},
    {TEXT_CONSIGNEE, PARTY, "(.//Consignee)[1]"},
    {TEXT_CARRIER, PARTY, "(.//Carrier)[1]"},
    {TEXT_TRANSPORT, TITLE, NULL},
    {TEXT_VEHICLES, VEHICLES, ".//DepartureTransportMeans"},
    {TEXT_BORDER_VEHICLES, VEHICLES, ".//ActiveBorderTransportMeans"},
    {TEXT_CONTAINERS, WORDS, ".//TransportEquipment/containerIdentificationNumber"},
    {TEXT_SEALS, WORDS, ".//Seal/identifier"},
    {TEXT_TRANSPORT_DOCUMENTS, WORDS, ".//TransportDocument/referenceNumber"},
};

/* --- reading
 * ---------------------------------------------------------------------------------------------------- */

struct letter *letter_read(const struct px_buf *doc, const char *language, struct px_buf *why)
{
	struct px_findings errors = {0};
	bool fit = doc->len > 0 && doc->len <= INT32_MAX && px_prescan(doc->data, doc->len, &errors) == PX_OK;
	px_findings_free(&errors);
	xmlDoc *tree = fit ? xmlReadMemory((const char *)doc->data, (int)doc->len, NULL, NULL,
					   XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING)
			   : NULL;
	xmlNode *root = tree != NULL ? xmlDocGetRootElement(tree) : NULL;
	xmlNode *payload = NULL;
	for (xmlNode *n = root != NULL ? root->children : NULL; n != NULL; n = n->next) {
		if (n->type == XML_ELEMENT_NODE && xmlStrEqual(n->name, BAD_CAST "Payload"))
			payload = xmlFirstElementChild(n);
	}
	if (payload == NULL) {
		px_buf_setf(why, "the message is not an exchange with a payload");
		xmlFreeDoc(tree);
		return NULL;
	}
	struct letter *letter = px_xcalloc(1, sizeof(*letter));
	letter->doc = tree;
	letter->payload = payload;
	letter->context = xmlXPathNewContext(tree);
	px_assert(letter->context != NULL);
	letter->language = px_xstrdup(language);
	return letter;
}

void letter_free(struct letter **letter)
{
	if (*letter == NULL)
		return;
	xmlXPathFreeContext((*letter)->context);
	xmlFreeDoc((*letter)->doc);
	free((*letter)->language);
	PX_FREE(*letter);
}

/* --- values
 * ----------------------------------------------------------------------------------------------------- */

static xmlXPathObject *find(struct letter *letter, xmlNode *from, const char *xpath)
{
	return xmlXPathNodeEval(from, BAD_CAST xpath, letter->context);
}

static unsigned count(const xmlXPathObject *found)
{
	return found != NULL && found->nodesetval != NULL ? (unsigned)found->nodesetval->nodeNr : 0;
}

/* The node's text on one line. */
static void add_text(struct px_buf *out, const xmlNode *node)
{
	xmlChar *text = xmlNodeGetContent(node);
	const char *s = text != NULL ? (const char *)text : "";
	for (bool first = true; *(s += strspn(s, " \t\r\n")) != '\0'; first = false) {
		size_t n = strcspn(s, " \t\r\n");
		px_buf_addf(out, "%s%.*s", first ? "" : " ", (int)n, s);
		s += n;
	}
	xmlFree(text);
}

/* Append what @xpath finds first, behind @lead. @return whether there is something. */
static bool add_first(struct letter *letter, xmlNode *from, const char *xpath, const char *lead,
		      struct px_buf *out)
{
	xmlXPathObject *found = find(letter, from, xpath);
	bool there = count(found) > 0;
	if (there) {
		px_buf_adds(out, lead);
		add_text(out, found->nodesetval->nodeTab[0]);
	}
	xmlXPathFreeObject(found);
	return there;
}

/* What people wrote in several languages: in the reader's, else as it comes first. */
static bool add_spoken(struct letter *letter, xmlNode *from, const char *name, const char *lead,
		       struct px_buf *out)
{
	struct px_buf xpath = PX_BUF_INIT;
	px_buf_setf(&xpath, "%s[lang('%s')]", name, letter->language);
	bool there = add_first(letter, from, px_buf_str(&xpath), lead, out);
	px_buf_free(&xpath);
	return there || add_first(letter, from, name, lead, out);
}

static void add_office(struct letter *letter, const struct letter_texts *texts, xmlNode *node,
		       struct px_buf *out)
{
	add_first(letter, node, "referenceNumber", "", out);
	struct px_buf when = PX_BUF_INIT;
	if (add_first(letter, node, "arrivalDateAndTimeEstimated", "", &when))
		px_buf_addf(out, " (%s %s)", texts->text[TEXT_EXPECTED], px_buf_str(&when));
	px_buf_free(&when);
}

static void add_party(struct letter *letter, xmlNode *node, struct px_buf *out)
{
	add_spoken(letter, node, "name", "", out);
	const char *lead = out->len > 0 ? "; " : "";
	if (!add_first(letter, node, "identificationNumber", lead, out) &&
	    add_first(letter, node, "Identification[1]/country", lead, out)) {
		add_first(letter, node, "Identification[1]/scheme", " ", out);
		add_first(letter, node, "Identification[1]/value", " ", out);
	}
	add_spoken(letter, node, "Address/streetAndNumber", "; ", out);
	add_first(letter, node, "Address/postcode", ", ", out);
	add_spoken(letter, node, "Address/city", " ", out);
	add_first(letter, node, "Address/country", ", ", out);
}

static void add_node(struct letter *letter, const struct letter_texts *texts, enum shape shape, xmlNode *node,
		     struct px_buf *out)
{
	if (shape == OFFICES) {
		add_office(letter, texts, node, out);
	} else if (shape == PARTY) {
		add_party(letter, node, out);
	} else if (shape == VEHICLES) {
		add_first(letter, node, "identificationNumber", "", out);
		add_first(letter, node, "nationality", " ", out);
	} else {
		add_text(out, node);
	}
}

void letter_mrn(struct letter *letter, struct px_buf *out)
{
	(void)add_first(letter, letter->payload, "(.//MRN)[1]", "", out);
}

void letter_rows(struct letter *letter, const struct letter_texts *texts, letter_row *row, void *arg)
{
	struct px_buf value = PX_BUF_INIT;
	for (size_t i = 0; i < PX_ARRAY_LEN(lines); i++) {
		const struct line *l = &lines[i];
		if (l->shape == TITLE) {
			row(arg, l->label, NULL);
			continue;
		}
		xmlXPathObject *found = find(letter, letter->payload, l->xpath);
		px_buf_clear(&value);
		for (unsigned k = 0; k < count(found); k++) {
			if (k > 0)
				px_buf_adds(&value, l->shape == WORDS ? ", " : "\n");
			add_node(letter, texts, l->shape, found->nodesetval->nodeTab[k], &value);
		}
		if (value.len > 0)
			row(arg, l->label, px_buf_str(&value));
		xmlXPathFreeObject(found);
	}
	px_buf_free(&value);
}

/* --- goods
 * ------------------------------------------------------------------------------------------------------ */

static void add_packages(struct letter *letter, xmlNode *item, struct px_buf *out)
{
	xmlXPathObject *found = find(letter, item, "Packaging");
	for (unsigned i = 0; i < count(found); i++) {
		xmlNode *node = found->nodesetval->nodeTab[i];
		add_first(letter, node, "numberOfPackages", i > 0 ? ", " : "", out);
		add_first(letter, node, "typeOfPackages", " ", out);
	}
	xmlXPathFreeObject(found);
}

static void send(const struct px_buf cells[LETTER_CELLS], bool total, letter_item *item, void *arg)
{
	const char *text[LETTER_CELLS];
	for (unsigned i = 0; i < LETTER_CELLS; i++)
		text[i] = cells[i].data != NULL ? px_buf_str((struct px_buf *)(uintptr_t)&cells[i]) : "";
	item(arg, total, text);
}

static void clear(struct px_buf cells[LETTER_CELLS])
{
	for (unsigned i = 0; i < LETTER_CELLS; i++)
		px_buf_clear(&cells[i]);
}

void letter_items(struct letter *letter, letter_item *item, void *arg)
{
	struct px_buf cells[LETTER_CELLS] = {PX_BUF_INIT};
	xmlXPathObject *found = find(letter, letter->payload, ".//ConsignmentItem | .//GoodsItem");
	for (unsigned i = 0; i < count(found); i++) {
		xmlNode *node = found->nodesetval->nodeTab[i];
		clear(cells);
		add_first(letter, node, "goodsItemNumber | declarationGoodsItemNumber", "", &cells[0]);
		add_spoken(letter, node, "Commodity/descriptionOfGoods", "", &cells[1]);
		add_first(letter, node, "Commodity/CommodityCode/harmonizedSystemSubHeadingCode", "",
			  &cells[2]);
		add_first(letter, node, "countryOfOrigin", "", &cells[3]);
		add_packages(letter, node, &cells[4]);
		add_first(letter, node, "Commodity/GoodsMeasure/grossMass", "", &cells[5]);
		add_first(letter, node, "Commodity/GoodsMeasure/netMass", "", &cells[6]);
		send(cells, false, item, arg);
	}
	bool some = count(found) > 0;
	xmlXPathFreeObject(found);
	clear(cells);
	add_first(letter, letter->payload, "(.//Consignment)[1]/totalNumberOfPackages", "", &cells[4]);
	add_first(letter, letter->payload, "(.//Consignment)[1]/grossMass", "", &cells[5]);
	if (some && cells[4].len + cells[5].len > 0)
		send(cells, true, item, arg);
	for (unsigned i = 0; i < LETTER_CELLS; i++)
		px_buf_free(&cells[i]);
}
