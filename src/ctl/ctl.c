/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "ctl/json-order.h"
#include "ctl/project.h"
#include "ctl/terminal.h"
#include "ctl/text.h"

gboolean ctl_find_project(Ctl *ctl, GError **error)
{
    return project_find(ctl->directory ?: ".", &ctl->project, &ctl->story, error);
}

gboolean ctl_open(Ctl *ctl, GError **error)
{
    if (!ctl_find_project(ctl, error))
        return FALSE;
    ctl->bus = bus_open(&ctl->elsewhere, error);
    return ctl->bus != NULL;
}

void ctl_clear(Ctl *ctl)
{
    g_free(ctl->directory);
    g_free(ctl->agent);
    g_free(ctl->host);
    g_strfreev(ctl->hosts);
    g_free(ctl->project);
    g_free(ctl->story);
    if (ctl->event)
        sd_bus_detach_event(ctl->bus);
    sd_bus_flush_close_unref(ctl->bus);
    sd_event_unref(ctl->event);
}

const char *ctl_require_project(Ctl *ctl, GError **error)
{
    g_autofree char *of_service = NULL;
    if (ctl->project)
        return ctl->project;
    if (!ctl->directory && ctl->bus && !bus_get_project_root(ctl->bus, &of_service, error))
        return NULL;
    if (of_service && *of_service) {
        ctl->project = g_steal_pointer(&of_service);
        return ctl->project;
    }
    if (ctl->directory) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                    "%s is not in a git repository: `git init` makes it one", ctl->directory);
        return NULL;
    }
    g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                        "the current folder is not in a git repository: go to the project, or "
                        "name it with -C DIR");
    return NULL;
}

static gboolean set_loop_error(GError **error, int r)
{
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "the event loop failed: %s", g_strerror(-r));
    return FALSE;
}

gboolean ctl_attach_event(Ctl *ctl, GError **error)
{
    if (ctl->event)
        return TRUE;
    int r = sd_event_default(&ctl->event);
    if (r >= 0)
        r = sd_bus_attach_event(ctl->bus, ctl->event, SD_EVENT_PRIORITY_NORMAL);
    return r >= 0 || set_loop_error(error, r);
}

static int on_unread(sd_event_source *source, int fd, guint32 events, void *unused)
{
    raise(SIGPIPE);
    exit(EXIT_FAILURE); /* it is ignored */
}

void ctl_end_with_reader(Ctl *ctl)
{
    /* A file, which cannot be polled, may be read later. */
    (void)sd_event_add_io(ctl->event, NULL, STDOUT_FILENO, 0, on_unread, NULL);
}

gboolean ctl_run_event(Ctl *ctl, const gboolean *done, GError **error)
{
    while (!*done) {
        int r = sd_event_run(ctl->event, G_MAXUINT64);
        if (r < 0)
            return set_loop_error(error, r);
        if (sd_bus_is_open(ctl->bus) > 0 || *done)
            continue;
        g_set_error_literal(
            error, CTL_ERROR, CTL_ERROR_NO_SERVICE,
            "the session bus closed the connection: agents keep running; try again");
        return FALSE;
    }
    return TRUE;
}

void ctl_print_json(JsonNode *node)
{
    g_autoptr(JsonGenerator) generator = json_generator_new();
    g_autoptr(JsonNode) ordered = json_in_order(node);
    json_generator_set_pretty(generator, terminal_is_stdout());
    json_generator_set_root(generator, ordered);
    g_autofree char *text = json_generator_to_data(generator, NULL);
    puts(text);
}

gboolean ctl_flush_output(GError **error)
{
    gboolean failed_before = ferror(stdout);
    errno = 0;
    if (fflush(stdout) == 0 && !failed_before)
        return TRUE;
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot write the output%s%s",
                errno != 0 ? ": " : "", errno != 0 ? g_strerror(errno) : "");
    return FALSE;
}

static void print_sentence(const char *prefix, const char *format, va_list arguments)
{
    g_autofree char *sentence = g_strdup_vprintf(format, arguments);
    g_autofree char *clean = text_clean(sentence, TRUE);
    fprintf(stderr, "%s%s\n", prefix, clean);
}

void ctl_warn(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_sentence("storkitctl: ", format, arguments);
    va_end(arguments);
}

void ctl_note(const Ctl *ctl, const char *format, ...)
{
    va_list arguments;
    if (ctl->quiet)
        return;
    va_start(arguments, format);
    print_sentence("", format, arguments);
    va_end(arguments);
}

void ctl_exec(char *const *argv, GError **error)
{
    fflush(stdout);
    execvp(argv[0], argv);
    g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run %s: %s%s", argv[0],
                g_strerror(errno), errno == ENOENT ? "; install it" : "");
}
