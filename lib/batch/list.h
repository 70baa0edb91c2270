/* SPDX-License-Identifier: MIT */
/*
 * A ring of links that lie in what they link: moving a member from "waiting" to "running" allocates nothing and so cannot fail.
 *
 * The head is a link of its own. A member is in one list at a time; list_remove leaves it in none.
 */
#ifndef BROOD_BATCH_LIST_H
#define BROOD_BATCH_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *previous;
	struct link *next;
};

static inline void list_init(struct link *head)
{
	head->previous = head->next = head;
}

static inline bool list_empty(const struct link *head)
{
	return head->next == head;
}

static inline void list_insert_before(struct link *at, struct link *link)
{
	link->previous = at->previous;
	link->next = at;
	at->previous->next = link;
	at->previous = link;
}

static inline void list_append(struct link *head, struct link *link)
{
	list_insert_before(head, link);
}

static inline void list_prepend(struct link *head, struct link *link)
{
	list_insert_before(head->next, link);
}

static inline void list_remove(struct link *link)
{
	link->previous->next = link->next;
	link->next->previous = link->previous;
	list_init(link);
}

#endif
