/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <git2.h>
#include <glib.h>

/*
 * References: the commits that the references of a repository are at, read once. There may be
 * 300,000 of them, and most are at the same few commits.
 */

#define HEADS "refs/heads/"
#define REMOTES "refs/remotes/"

typedef enum {
    REFERENCES_HEADS = 1 << 0,
    REFERENCES_REMOTES = 1 << 1,
    REFERENCES_TAGS = 1 << 2,
    REFERENCES_OTHERS = 1 << 3,
    REFERENCES_ALL = (1 << 4) - 1,
} ReferenceKinds;

typedef struct References References;

/** Reads them all. One that leads to something other than a commit, or nowhere, is passed over. */
References *references_read(git_repository *repository);
void references_free(References *references);

/** Whether one of @kinds is at @id; @except, which may be NULL, is the commit of one branch that
 *  does not count. */
gboolean references_have(const References *references, const git_oid *id, ReferenceKinds kinds,
                         const git_oid *except);

/** Adds the commits (git_oid), each once, for which references_have() is true. */
void references_add_all(const References *references, GArray *ids, ReferenceKinds kinds,
                        const git_oid *except);
