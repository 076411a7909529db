/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/run-methods.h"

#include "bus/reply.h"
#include "bus/variant.h"
#include "run/run-info.h"

/* The arguments that come next; their types are the vtable's, so they are there. */
#define READ(call, types, ...) (void)sd_bus_message_read((call), (types), __VA_ARGS__)

/* An answer without a value. */
static void reply_done(sd_bus_message *call, const GError *error)
{
    bus_reply_to_call(NULL, error, sd_bus_message_ref(call));
}

/* --- The run as such --- */

static void method_get(BusParts *self, Run *run, sd_bus_message *call)
{
    g_autoptr(GVariant) info = g_variant_ref_sink(run_get_info(run));
    bus_reply_value(call, info);
}

static void method_wait(BusParts *self, Run *run, sd_bus_message *call)
{
    pool_wait(self->pool, run, bus_reply_to_call, sd_bus_message_ref(call));
}

static void method_stop(BusParts *self, Run *run, sd_bus_message *call)
{
    pool_stop(self->pool, run, bus_reply_to_call, sd_bus_message_ref(call));
}

static void set_frozen(Run *run, sd_bus_message *call, gboolean frozen)
{
    g_autoptr(GError) error = NULL;
    run_set_frozen(run, frozen, &error);
    reply_done(call, error);
}

static void method_freeze(BusParts *self, Run *run, sd_bus_message *call)
{
    set_frozen(run, call, TRUE);
}

static void method_thaw(BusParts *self, Run *run, sd_bus_message *call)
{
    set_frozen(run, call, FALSE);
}

/* --- Its events --- */

static void method_subscribe(BusParts *self, Run *run, sd_bus_message *call)
{
    g_autoptr(GError) error = NULL;
    guint64 cursor = 0;
    READ(call, "t", &cursor);
    int fd = subscriptions_add(self->subscriptions, run, cursor, &error);
    bus_reply_fd(call, fd, error);
}

static void method_drain(BusParts *self, Run *run, sd_bus_message *call)
{
    drains_take(self->drains, run, bus_reply_to_call, sd_bus_message_ref(call));
}

/* --- Its terminal and its input --- */

static void method_send_input(BusParts *self, Run *run, sd_bus_message *call)
{
    const void *bytes = NULL;
    size_t length = 0;
    sd_bus_message_read_array(call, 'y', &bytes, &length);
    steering_send_input(self->steering, run, bytes, length, bus_reply_to_call,
                        sd_bus_message_ref(call));
}

static void method_send_message(BusParts *self, Run *run, sd_bus_message *call)
{
    const char *text = "";
    READ(call, "s", &text);
    conversations_send_message(self->conversations, run, text, bus_reply_to_call,
                               sd_bus_message_ref(call));
}

static void method_answer(BusParts *self, Run *run, sd_bus_message *call)
{
    const char *question = "";
    AgentAnswer answer = {0}; /* its strings are those of @details */
    g_autoptr(GVariant) details = NULL;
    g_autoptr(GError) error = NULL;
    READ(call, "ss", &question, &answer.option);
    int r = bus_read_dict(call, &details);
    if (r < 0)
        sd_bus_reply_method_errno(call, r, NULL);
    else if (answer_read_details(details, &answer, &error))
        questions_answer(self->questions, run, question, &answer, bus_reply_to_call,
                         sd_bus_message_ref(call));
    else
        bus_reply_error(call, error);
    answer_clear(&answer);
}

static void method_close_input(BusParts *self, Run *run, sd_bus_message *call)
{
    conversations_close_input(self->conversations, run, bus_reply_to_call,
                              sd_bus_message_ref(call));
}

static void method_resize(BusParts *self, Run *run, sd_bus_message *call)
{
    g_autoptr(GError) error = NULL;
    guint16 rows = 0, columns = 0;
    READ(call, "qq", &rows, &columns);
    steering_resize(run, rows, columns, &error);
    reply_done(call, error);
}

static void method_attach(BusParts *self, Run *run, sd_bus_message *call)
{
    g_autoptr(GError) error = NULL;
    int fd = attachments_add(self->attachments, run, &error);
    bus_reply_fd(call, fd, error);
}

/* --- By name --- */

static const struct {
    const char *member;
    RunMethod method;
} methods[] = {
    {"Answer", method_answer},
    {"Attach", method_attach},
    {"CloseInput", method_close_input},
    {"Drain", method_drain},
    {"Freeze", method_freeze},
    {"Get", method_get},
    {"Resize", method_resize},
    {"SendInput", method_send_input},
    {"SendMessage", method_send_message},
    {"Stop", method_stop},
    {"Subscribe", method_subscribe},
    {"Thaw", method_thaw},
    {"Wait", method_wait},
};

gboolean run_method_check_reach(sd_bus_message *call, const Run *run, GError **error)
{
    return run_method_find(call) == method_get || run_check_here(run, error);
}

RunMethod run_method_find(sd_bus_message *call)
{
    const char *member = sd_bus_message_get_member(call);
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++)
        if (g_str_equal(methods[i].member, member))
            return methods[i].method;
    g_assert_not_reached(); /* the vtables name no other */
}
