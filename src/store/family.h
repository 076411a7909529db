/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

/*
 * A run's place among the runs that start each other. It is kept in run.json, so that it needs none
 * of the others: an ancestor may be over, and its folder removed.
 */

typedef struct {
    char *parent;      /* the run that has started it; NULL: none */
    char **ancestors;  /* the origin of each: of the root first, of its parent last; or NULL */
    char *origin;      /* the first run of its work, where usage limits have ended runs of it; NULL:
                          the run itself */
    guint generations; /* that its ancestors allow below it; no bound without a parent */
} RunFamily;

/** That of a run with the id @parent_id and the family @parent starts, which allows @max_depth
 *  generations below it: the least of this and what its own ancestors allow counts. */
void run_family_of_child(const char *parent_id, const RunFamily *parent, guint max_depth,
                         RunFamily *ret_child);

/** That of the run that goes on with the one with the id @run_id and the family @ended. */
void run_family_of_next(const char *run_id, const RunFamily *ended, RunFamily *ret_next);

/** How many generations a run of @family may have below it, if it allows @max_depth itself. */
guint run_family_depth_left(const RunFamily *family, guint max_depth);

void run_family_copy(const RunFamily *family, RunFamily *ret_copy);
void run_family_clear(RunFamily *family);

/** To and from members of run.json. */
void run_family_write(const RunFamily *family, JsonBuilder *builder);
void run_family_read(JsonObject *object, RunFamily *ret_family);
