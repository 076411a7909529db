/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/systemd.h"

void systemd_free(Systemd *systemd)
{
    if (systemd)
        systemd->calls->free(systemd);
}

void systemd_start_scope(Systemd *systemd, const ScopeSpec *spec, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer user_data)
{
    systemd->calls->start_scope(systemd, spec, cancellable, callback, user_data);
}

gboolean systemd_start_scope_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

char *systemd_find_scope(Systemd *systemd, const char *unit, pid_t pid)
{
    return systemd->calls->find_scope(systemd, unit, pid);
}

void systemd_stop_unit(Systemd *systemd, const char *unit)
{
    systemd->calls->stop_unit(systemd, unit);
}

void systemd_thaw_unit(Systemd *systemd, const char *unit)
{
    systemd->calls->thaw_unit(systemd, unit);
}

void systemd_start_timer(Systemd *systemd, const char *timer, const char *service, guint64 seconds)
{
    systemd->calls->start_timer(systemd, timer, service, seconds);
}

GroupQuery *systemd_ask_control_group(Systemd *systemd, const char *unit, GroupFound found,
                                      gpointer data)
{
    return systemd->calls->ask_control_group(systemd, unit, found, data);
}

void group_query_free(GroupQuery *query)
{
    if (query)
        query->calls->query_free(query);
}

UnitWatch *systemd_watch_gone(Systemd *systemd, const char *unit, UnitGone gone, gpointer data)
{
    return systemd->calls->watch_gone(systemd, unit, gone, data);
}

void unit_watch_free(UnitWatch *watch)
{
    if (watch)
        watch->calls->watch_free(watch);
}
