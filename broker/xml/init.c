/* prinex: the XML libraries made ready, once a process
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include <libxml/parser.h>
#include <libxml/xmlschemastypes.h>
#include <pthread.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmlsec.h>

#include "xml/examine.h"
#include "xml/load.h"

/* What is wrong is in the verdict; nothing is to be printed. */
static void quiet_xml(void *arg, const char *fmt, ...)
{
	(void)arg;
	(void)fmt;
}

static void quiet_xmlsec(const char *file, int line, const char *func, const char *object,
			 const char *subject, int reason, const char *msg)
{
	(void)file;
	(void)line;
	(void)func;
	(void)object;
	(void)subject;
	(void)reason;
	(void)msg;
}

static void init(void)
{
	xmlInitParser();
	LIBXML_TEST_VERSION
	xmlThrDefSetGenericErrorFunc(NULL, quiet_xml);
	xmlSetGenericErrorFunc(NULL, quiet_xml);
	xmlSchemaInitTypes();
	xmlSecErrorsSetCallback(quiet_xmlsec);
	px_assert(xmlSecInit() == 0 && xmlSecCheckVersion() == 1 && xmlSecOpenSSLInit() == 0);
	/* After xmlSecInit, which sets a hook of its own. */
	px_load_deny_all();
}

void px_xml_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, init);
}
