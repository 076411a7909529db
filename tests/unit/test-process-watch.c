/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process-watch.h"

#define CHILDREN 20

typedef struct {
    pid_t pid;
    int pidfd;
    ProcessWatch *watch;
    guint told;
} Child;

static void on_gone(void *data)
{
    Child *child = data;
    child->told++;
    child->watch = NULL;
}

static void start(Child *child)
{
    child->pid = fork();
    if (child->pid == 0)
        for (;;)
            pause();
    child->pidfd = pidfd_open(child->pid, 0);
    child->watch = process_watch_new(child->pidfd, on_gone, child);
}

static void end(Child *child)
{
    kill(child->pid, SIGKILL);
    g_assert_cmpint(waitpid(child->pid, NULL, 0), ==, child->pid);
}

static gint count_polled(void)
{
    GMainContext *context = g_main_context_default();
    gint timeout, priority;
    g_assert_true(g_main_context_acquire(context));
    g_main_context_prepare(context, &priority);
    gint n = g_main_context_query(context, G_MAXINT, &timeout, NULL, 0);
    g_main_context_release(context);
    return n;
}

static void test_each_is_told_once(void)
{
    Child children[CHILDREN] = {0};
    gint before = count_polled();
    for (guint i = 0; i < CHILDREN; i++)
        start(&children[i]);
    g_assert_cmpint(count_polled(), ==, before + 1);

    process_watch_free(g_steal_pointer(&children[0].watch));
    for (guint i = 0; i < CHILDREN; i++)
        end(&children[i]);
    for (guint i = 1; i < CHILDREN; i++)
        while (children[i].told == 0)
            g_main_context_iteration(NULL, TRUE);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpint(count_polled(), ==, before);
    for (guint i = 0; i < CHILDREN; i++) {
        g_assert_cmpuint(children[i].told, ==, i > 0);
        close(children[i].pidfd);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/process-watch/each-is-told-once", test_each_is_told_once);
    return g_test_run();
}
