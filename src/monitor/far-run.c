/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "monitor/far-run.h"

#define HOST_KEY "storkit-monitor-host"

StorkitRun *far_run_new(const char *host, GVariant *info)
{
    StorkitRun *run = storkit_run_new(info);
    g_object_set_data_full(G_OBJECT(run), HOST_KEY, g_strdup(host), g_free);
    return run;
}

const char *far_run_get_host(StorkitRun *run)
{
    return run ? g_object_get_data(G_OBJECT(run), HOST_KEY) : NULL;
}
