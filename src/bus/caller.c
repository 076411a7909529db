/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/caller.h"

#include "bus/variant.h"
#include "host/cgroup.h"

#define BUS_NAME "org.freedesktop.DBus"
#define BUS_PATH "/org/freedesktop/DBus"

typedef struct {
    CallerFound found; /* NULL once it was told */
    gpointer data;
} Question;

static void tell(Question *question, const Caller *caller)
{
    CallerFound found = g_steal_pointer(&question->found);
    if (found)
        found(caller, question->data);
}

static int on_credentials(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error)
{
    g_autoptr(GVariant) pid = NULL;
    Caller caller = {0};
    if (!sd_bus_message_is_method_error(reply, NULL) &&
        bus_read_entry(reply, "ProcessID", &pid) >= 0 && pid &&
        g_variant_is_of_type(pid, G_VARIANT_TYPE_UINT32))
        caller.pid = (pid_t)g_variant_get_uint32(pid);
    if (caller.pid > 0)
        caller.cgroup = cgroup_of_process(caller.pid);
    tell(userdata, &caller);
    g_free(caller.cgroup);
    return 0;
}

/* The connection may go before the reply has come. */
static void on_destroy(void *userdata)
{
    const Caller nobody = {0};
    tell(userdata, &nobody);
    g_free(userdata);
}

void bus_find_caller(sd_bus_message *call, CallerFound found, gpointer data)
{
    Question *question = g_new(Question, 1);
    *question = (Question){found, data};
    sd_bus_slot *slot = NULL;
    int r = sd_bus_call_method_async(sd_bus_message_get_bus(call), &slot, BUS_NAME, BUS_PATH,
                                     BUS_NAME, "GetConnectionCredentials", on_credentials, question,
                                     "s", sd_bus_message_get_sender(call));
    if (r < 0) {
        on_destroy(question);
        return;
    }
    sd_bus_slot_set_destroy_callback(slot, on_destroy);
    sd_bus_slot_set_floating(slot, 1);
    sd_bus_slot_unref(slot);
}
