/* prinex: what a partner and what an address may use of the server
 * SPDX-License-Identifier: Apache-2.0
 * Copyright (c) 2026 The prinex authors */

#include "base/limits.h"
#include "net/server_internal.h"

/* Records of addresses kept for their log limiter; more are possible only while connections count in them. */
#define ADDRESSES_KEPT 4096

struct px_server_limits px_server_limits(void)
{
	return (struct px_server_limits){
	    .handshake = PX_LIMIT_DEADLINE_HANDSHAKE,
	    .headers = PX_LIMIT_DEADLINE_HEADERS,
	    .body = PX_LIMIT_DEADLINE_BODY,
	    .answer = PX_LIMIT_DEADLINE_ANSWER,
	    .idle = PX_LIMIT_DEADLINE_IDLE,
	    .recheck = PX_LIMIT_TLS_RECHECK,
	    .linger = PX_LIMIT_DEADLINE_LINGER,
	    .rate = (uint64_t)PX_LIMIT_BODY_RATE,
	    .handshakes = (unsigned)PX_LIMIT_HANDSHAKES,
	    .handshakes_address = (unsigned)PX_LIMIT_HANDSHAKES_ADDRESS,
	    .connections_address = (unsigned)PX_LIMIT_CONNECTIONS_ADDRESS,
	    .connections_partner = (unsigned)PX_LIMIT_CONNECTIONS_PARTNER,
	    .requests_partner = (unsigned)PX_LIMIT_REQUESTS_PARTNER,
	    .bodies = (uint64_t)PX_LIMIT_BODIES_MEMORY,
	    .bodies_partner = (uint64_t)PX_LIMIT_BODIES_PARTNER,
	};
}

struct px_account *px_account_get(struct px_budget *b, const char *partner)
{
	struct px_account *a = LIST_FIRST(&b->accounts);
	for (; a != NULL; a = LIST_NEXT(a, entry)) {
		if (strcmp(a->name, partner) == 0)
			break;
	}
	if (a == NULL) {
		a = px_xcalloc(1, sizeof(*a));
		a->name = px_xstrdup(partner);
		LIST_INSERT_HEAD(&b->accounts, a, entry);
	}
	a->refs++;
	return a;
}

void px_account_put(struct px_account **account)
{
	struct px_account *a = *account;
	*account = NULL;
	if (a == NULL || --a->refs > 0)
		return;
	px_assert(a->connections == 0 && a->requests == 0 && a->bodies == 0);
	LIST_REMOVE(a, entry);
	free(a->name);
	free(a);
}

bool px_budget_take(struct px_budget *b, const struct px_server_limits *limits, struct px_account *account,
		    uint64_t amount)
{
	if (amount > limits->bodies - PX_MIN(b->bodies, limits->bodies) ||
	    amount > limits->bodies_partner - PX_MIN(account->bodies, limits->bodies_partner))
		return false;
	b->bodies += amount;
	account->bodies += amount;
	px_metric_set(b->metrics, PX_M_BODIES, (double)b->bodies, NULL, NULL, NULL);
	return true;
}

void px_budget_give(struct px_budget *b, struct px_account *account, uint64_t amount)
{
	if (amount == 0)
		return;
	px_assert(amount <= b->bodies && amount <= account->bodies);
	b->bodies -= amount;
	account->bodies -= amount;
	px_metric_set(b->metrics, PX_M_BODIES, (double)b->bodies, NULL, NULL, NULL);
}

/* Whoever has one IPv6 address usually has the whole /64. */
static void address_key(const struct sockaddr *sa, uint8_t key[16])
{
	memset(key, 0, 16);
	if (sa->sa_family == AF_INET) {
		key[10] = key[11] = 0xff;
		memcpy(key + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;
		memcpy(key, a, IN6_IS_ADDR_V4MAPPED(a) ? 16 : 8);
	}
}

/* Makes room by forgetting addresses in which nobody counts; what they have logged in this minute is
 * forgotten too, which costs a few more lines. */
static void forget_addresses(struct px_budget *b)
{
	for (unsigned i = 0; i < PX_ADDRESS_BUCKETS; i++) {
		struct px_address *a = LIST_FIRST(&b->addresses[i]);
		while (a != NULL) {
			struct px_address *next = LIST_NEXT(a, entry);
			if (a->strangers == 0 && a->handshakes == 0) {
				LIST_REMOVE(a, entry);
				free(a);
				b->n_addresses--;
			}
			a = next;
		}
	}
}

struct px_address *px_address_get(struct px_budget *b, const struct sockaddr *sa)
{
	uint8_t key[16];
	uint32_t hash = 2166136261U;
	address_key(sa, key);
	for (unsigned i = 0; i < sizeof(key); i++)
		hash = (hash ^ key[i]) * 16777619U;
	unsigned bucket = hash % PX_ADDRESS_BUCKETS;
	struct px_address *a = LIST_FIRST(&b->addresses[bucket]);
	for (; a != NULL; a = LIST_NEXT(a, entry)) {
		if (memcmp(a->key, key, sizeof(key)) == 0)
			return a;
	}
	if (b->n_addresses >= ADDRESSES_KEPT)
		forget_addresses(b);
	a = px_xcalloc(1, sizeof(*a));
	memcpy(a->key, key, sizeof(key));
	LIST_INSERT_HEAD(&b->addresses[bucket], a, entry);
	b->n_addresses++;
	return a;
}

void px_budget_free(struct px_budget *b)
{
	forget_addresses(b);
	px_assert(b->n_addresses == 0 && LIST_EMPTY(&b->accounts));
}
