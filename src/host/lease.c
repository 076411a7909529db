/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/lease.h"

#include <string.h>
#include <sys/pidfd.h>

#include "base/file-read.h"
#include "base/json-file.h"
#include "base/util.h"
#include "host/machine.h"

#define STAT_MAX 4096

/* Field 22 of proc(5)'s stat is the 20th behind the name, which may hold anything. */
#define FIELDS_BEFORE_START 19

/* "PID (NAME) STATE …". FALSE: there is no such process, or it is a zombie: it has ended. */
static gboolean read_process(guint pid, char **ret_name, guint64 *ret_began)
{
    g_autofree char *path = g_strdup_printf("/proc/%u/stat", pid);
    g_autofree char *text = file_read_text(path, STAT_MAX);
    const char *open = text ? strchr(text, '(') : NULL;
    const char *close = text ? strrchr(text, ')') : NULL;
    if (!open || !close || close < open)
        return FALSE;
    g_auto(GStrv) fields = g_strsplit(close + 1, " ", FIELDS_BEFORE_START + 3);
    /* The first is empty, before the state. */
    if (g_strv_length(fields) < FIELDS_BEFORE_START + 2 || strchr("ZX", fields[1][0]))
        return FALSE;
    *ret_began = g_ascii_strtoull(fields[FIELDS_BEFORE_START + 1], NULL, 10);
    if (ret_name)
        *ret_name = g_utf8_make_valid(open + 1, close - open - 1);
    return TRUE;
}

Lease *lease_of_process(pid_t pid)
{
    char *name = NULL;
    guint64 began;
    if (pid <= 0 || !read_process((guint)pid, &name, &began))
        return NULL;
    Lease *lease = g_new(Lease, 1);
    *lease = (Lease){(guint)pid, began, g_strdup(machine_get()->boot), name};
    return lease;
}

/* First the descriptor, then the look: what it says is of the process that the descriptor has. */
int lease_open(const Lease *lease)
{
    guint64 began;
    if (!g_str_equal(lease->boot, machine_get()->boot))
        return -1;
    autofd pidfd = pidfd_open((pid_t)lease->pid, 0);
    if (pidfd < 0 || !read_process(lease->pid, NULL, &began) || began != lease->began)
        return -1;
    return fd_steal(&pidfd);
}

char *lease_to_string(const Lease *lease)
{
    return g_strdup_printf("process %u (%s)", lease->pid, lease->name);
}

Lease *lease_copy(const Lease *lease)
{
    Lease *copy = lease ? g_new(Lease, 1) : NULL;
    if (copy)
        *copy = (Lease){lease->pid, lease->began, g_strdup(lease->boot), g_strdup(lease->name)};
    return copy;
}

void lease_free(Lease *lease)
{
    if (!lease)
        return;
    g_free(lease->boot);
    g_free(lease->name);
    g_free(lease);
}

void lease_write(const Lease *lease, JsonBuilder *builder)
{
    if (!lease)
        return;
    json_builder_set_member_name(builder, "lease");
    json_builder_begin_object(builder);
    json_add_uint(builder, "pid", lease->pid);
    json_add_uint(builder, "began", lease->began);
    json_add_string(builder, "boot", lease->boot);
    json_add_string(builder, "name", lease->name);
    json_builder_end_object(builder);
}

Lease *lease_read(JsonObject *parent)
{
    JsonObject *object = json_get_object(parent, "lease");
    Lease *lease = object ? g_new(Lease, 1) : NULL;
    if (lease)
        *lease = (Lease){
            .pid = (guint)MIN(json_get_uint(object, "pid", 0), G_MAXINT),
            .began = json_get_uint(object, "began", 0),
            .boot = json_dup_string(object, "boot"),
            .name = json_dup_string(object, "name"),
        };
    return lease;
}
