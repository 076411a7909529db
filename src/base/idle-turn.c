/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/idle-turn.h"

#include <glib.h>

/* How long the turns of one turn of the loop may take, beside the last of them. */
#define LOOP_TURN_USEC 2000

struct IdleTurn {
    IdleTurnFunc func;
    void *data;
    GList link; /* of the queue; its data is this */
};

static GQueue waiting = G_QUEUE_INIT;
static guint source;

static gboolean take_turns(gpointer unused);

/* There is a source while something waits. */
static void keep_source(void)
{
    if (g_queue_is_empty(&waiting))
        g_clear_handle_id(&source, g_source_remove);
    else if (source == 0)
        source = g_idle_add(take_turns, NULL);
}

static void take_turn(IdleTurn *turn)
{
    IdleTurnFunc func = turn->func;
    void *data = turn->data;
    g_queue_unlink(&waiting, &turn->link);
    g_free(turn);
    func(data);
}

/* Only those that wait now: one that comes again comes behind all else that is idle work. */
static gboolean take_turns(gpointer unused)
{
    gint64 end = g_get_monotonic_time() + LOOP_TURN_USEC;
    guint left = g_queue_get_length(&waiting);
    source =
        0; /* this one is done: a turn may make and free others, and the next source with them */
    do
        take_turn(g_queue_peek_head(&waiting));
    while (--left > 0 && !g_queue_is_empty(&waiting) && g_get_monotonic_time() < end);
    keep_source();
    return G_SOURCE_REMOVE;
}

IdleTurn *idle_turn_new(IdleTurnFunc func, void *data)
{
    IdleTurn *turn = g_new0(IdleTurn, 1);
    *turn = (IdleTurn){.func = func, .data = data, .link.data = turn};
    g_queue_push_tail_link(&waiting, &turn->link);
    keep_source();
    return turn;
}

void idle_turn_free(IdleTurn *turn)
{
    if (!turn)
        return;
    g_queue_unlink(&waiting, &turn->link);
    g_free(turn);
    keep_source();
}
