/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/family.h"

#include "base/json-file.h"

guint run_family_depth_left(const RunFamily *family, guint max_depth)
{
    return family->parent ? MIN(family->generations, max_depth) : max_depth;
}

static char **append(char *const *list, const char *last)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (; list && *list; list++)
        g_strv_builder_add(builder, *list);
    g_strv_builder_add(builder, last);
    return g_strv_builder_end(builder);
}

void run_family_of_child(const char *parent_id, const RunFamily *parent, guint max_depth,
                         RunFamily *ret_child)
{
    guint left = run_family_depth_left(parent, max_depth);
    *ret_child = (RunFamily){
        .parent = g_strdup(parent_id),
        .ancestors = append(parent->ancestors, parent->origin ? parent->origin : parent_id),
        .generations = left > 0 ? left - 1 : 0,
    };
}

void run_family_of_next(const char *run_id, const RunFamily *ended, RunFamily *ret_next)
{
    run_family_copy(ended, ret_next);
    if (!ret_next->origin)
        ret_next->origin = g_strdup(run_id);
}

void run_family_copy(const RunFamily *family, RunFamily *ret_copy)
{
    *ret_copy = (RunFamily){
        .parent = g_strdup(family->parent),
        .ancestors = g_strdupv(family->ancestors),
        .origin = g_strdup(family->origin),
        .generations = family->generations,
    };
}

void run_family_clear(RunFamily *family)
{
    g_free(family->parent);
    g_strfreev(family->ancestors);
    g_free(family->origin);
}

void run_family_write(const RunFamily *family, JsonBuilder *builder)
{
    json_add_string(builder, "origin", family->origin);
    if (!family->parent)
        return;
    json_add_string(builder, "parent", family->parent);
    json_add_strv(builder, "ancestors", family->ancestors);
    json_add_uint(builder, "generations", family->generations);
}

void run_family_read(JsonObject *object, RunFamily *ret_family)
{
    *ret_family = (RunFamily){
        .parent = g_strdup(json_get_string(object, "parent")),
        .origin = g_strdup(json_get_string(object, "origin")),
        .generations = (guint)json_get_uint(object, "generations", 0),
    };
    if (ret_family->parent)
        ret_family->ancestors = json_get_strv(object, "ancestors");
}
