/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/references.h"

#include <string.h>

#include "git/library.h"

#define TAGS "refs/tags/"
#define N_KINDS 4

/* How many of each kind are at a commit. */
typedef struct {
    git_oid id;
    guint numbers[N_KINDS];
} Point;

struct References {
    GHashTable *points; /* Point *, as a set by its id */
};

static guint hash_id(gconstpointer key)
{
    guint hash;
    memcpy(&hash, ((const git_oid *)key)->id, sizeof hash);
    return hash;
}

static gboolean same_id(gconstpointer a, gconstpointer b)
{
    return git_oid_equal(a, b);
}

static guint kind_of(const char *name)
{
    static const char *const prefixes[] = {HEADS, REMOTES, TAGS};
    guint kind = 0;
    while (kind < G_N_ELEMENTS(prefixes) && !g_str_has_prefix(name, prefixes[kind]))
        kind++;
    return kind;
}

static void add(References *references, guint kind, const git_oid *id)
{
    Point *point = g_hash_table_lookup(references->points, id);
    if (!point) {
        point = g_new0(Point, 1);
        point->id = *id;
        g_hash_table_add(references->points, point);
    }
    point->numbers[kind]++;
}

/* A branch is a commit: none is read for this. */
static void add_reference(References *references, git_reference *reference)
{
    guint kind = kind_of(git_reference_name(reference));
    g_autoptr(git_object) commit = NULL;
    gboolean branch = kind < 2;
    if (branch && git_reference_type(reference) == GIT_REFERENCE_DIRECT)
        add(references, kind, git_reference_target(reference));
    else if (git_reference_peel(&commit, reference, GIT_OBJECT_COMMIT) == 0)
        add(references, kind, git_object_id(commit));
}

References *references_read(git_repository *repository)
{
    References *references = g_new0(References, 1);
    references->points = g_hash_table_new_full(hash_id, same_id, g_free, NULL);
    g_autoptr(git_reference_iterator) iterator = NULL;
    git_reference *reference;
    if (git_reference_iterator_new(&iterator, repository) < 0)
        return references;
    while (git_reference_next(&reference, iterator) == 0) {
        add_reference(references, reference);
        git_reference_free(reference);
    }
    return references;
}

void references_free(References *references)
{
    if (!references)
        return;
    g_hash_table_unref(references->points);
    g_free(references);
}

static gboolean counts(const Point *point, ReferenceKinds kinds, const git_oid *except)
{
    guint number = 0;
    for (guint kind = 0; kind < N_KINDS; kind++)
        if (kinds & (1u << kind))
            number += point->numbers[kind];
    return number > (except && git_oid_equal(except, &point->id) ? 1 : 0);
}

gboolean references_have(const References *references, const git_oid *id, ReferenceKinds kinds,
                         const git_oid *except)
{
    const Point *point = g_hash_table_lookup(references->points, id);
    return point && counts(point, kinds, except);
}

void references_add_all(const References *references, GArray *ids, ReferenceKinds kinds,
                        const git_oid *except)
{
    GHashTableIter iter;
    gpointer point;
    g_hash_table_iter_init(&iter, references->points);
    while (g_hash_table_iter_next(&iter, &point, NULL))
        if (counts(point, kinds, except))
            g_array_append_vals(ids, &((Point *)point)->id, 1);
}
