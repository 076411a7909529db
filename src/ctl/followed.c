/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/followed.h"

#include <stdlib.h>
#include <string.h>

#include "ctl/terminal.h"

#define NAMES_PATH "/org/storkit/Followed"
#define NAMES_PREFIX "org.storkit.Followed."

/* Several may show one run, and wait for its name in turn; without it the run is shown just so. */
static int on_named(sd_bus_message *reply, void *userdata, sd_bus_error *unused)
{
    return 0;
}

static void request(sd_bus *bus, const char *run_id)
{
    char *path = NULL;
    if (sd_bus_path_encode(NAMES_PATH, run_id, &path) < 0)
        return;
    g_autofree char *name = g_strconcat(NAMES_PREFIX, path + strlen(NAMES_PATH "/"), NULL);
    (void)sd_bus_request_name_async(bus, NULL, name, SD_BUS_NAME_QUEUE, on_named, NULL);
    free(path);
}

void followed_announce(Ctl *ctl, const char *run_id)
{
    static GHashTable *announced;
    if (!terminal_is_stdout())
        return;
    if (!announced)
        announced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (g_hash_table_add(announced, g_strdup(run_id)))
        request(ctl->bus, run_id);
}
