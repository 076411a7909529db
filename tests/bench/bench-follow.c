/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Starts an agent and takes all of its events, as fast as they come:
 *
 *   bench-follow fd PROJECT STORY        by Subscribe
 *   bench-follow signals PROJECT STORY   by AgentEvent signals
 *
 * Prints the seconds from Start to the last event, and how many events there were. Fails where
 * cursors do not grow, or the last event is not `done`.
 */

#include "bench-client.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    uint64_t events, cursor;
    bool done;
} Tally;

static void count(Tally *tally, uint64_t cursor, bool done)
{
    if (cursor <= tally->cursor) {
        fprintf(stderr, "cursor %ju came behind %ju\n", (uintmax_t)cursor,
                (uintmax_t)tally->cursor);
        exit(EXIT_FAILURE);
    }
    tally->events++;
    tally->cursor = cursor;
    tally->done = done;
}

/* --- Subscribe --- */

/* The keys before an event's own come in a fixed order, and no story's name can forge them. */
static void count_line(Tally *tally, char *line)
{
    char *cursor = strstr(line, "\"cursor\":");
    if (!cursor)
        client_fail(line, -EBADMSG);
    count(tally, strtoull(cursor + strlen("\"cursor\":"), NULL, 10),
          strncmp(line, "{\"type\":\"done\"", strlen("{\"type\":\"done\"")) == 0);
}

static void follow_fd(Tally *tally, int fd)
{
    char *line = NULL;
    size_t size = 0;
    FILE *stream = fdopen(fd, "r");
    setvbuf(stream, NULL, _IOFBF, 1024 * 1024);
    while (getline(&line, &size, stream) >= 0)
        count_line(tally, line);
    free(line);
    fclose(stream);
}

static void subscribe(sd_bus *bus, Tally *tally, const char *project, const char *story)
{
    sd_bus_error error = SD_BUS_ERROR_NULL;
    sd_bus_message *reply;
    int fd;
    int r = sd_bus_call_method(bus, NAME, OBJECT, NAME, "Subscribe", &error, &reply, "ssst",
                               project, story, "", UINT64_C(0));
    if (r < 0)
        client_fail(error.message ? error.message : "Subscribe", r);
    if ((r = sd_bus_message_read(reply, "h", &fd)) < 0)
        client_fail("Subscribe", r);
    follow_fd(tally, dup(fd));
    sd_bus_message_unref(reply);
}

/* --- Signals --- */

static int on_event(sd_bus_message *m, void *userdata, sd_bus_error *unused)
{
    const char *type, *key;
    uint64_t cursor = 0;
    int r = sd_bus_message_read(m, "sss", NULL, NULL, &type);
    if (r >= 0)
        r = sd_bus_message_enter_container(m, 'a', "{sv}");
    while (r >= 0 && cursor == 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
        r = sd_bus_message_read(m, "s", &key);
        if (r >= 0 && strcmp(key, "cursor") == 0)
            r = sd_bus_message_read(m, "v", "t", &cursor);
        else if (r >= 0)
            r = sd_bus_message_skip(m, "v");
        if (r >= 0)
            r = sd_bus_message_exit_container(m);
    }
    if (r < 0)
        client_fail("reading an AgentEvent", r);
    count(userdata, cursor, strcmp(type, "done") == 0);
    return 0;
}

static void match_events(sd_bus *bus, Tally *tally, const char *story)
{
    char *rule;
    if (asprintf(&rule,
                 "type='signal',sender='" NAME "',interface='" NAME
                 "',member='AgentEvent',arg0='%s'",
                 story) < 0)
        abort();
    int r = sd_bus_add_match(bus, NULL, rule, on_event, tally);
    if (r < 0)
        client_fail("AddMatch", r);
    free(rule);
}

static void follow_signals(sd_bus *bus, const Tally *tally)
{
    while (!tally->done) {
        int r = sd_bus_process(bus, NULL);
        if (r == 0)
            r = sd_bus_wait(bus, UINT64_MAX);
        if (r < 0)
            client_fail("the bus", r);
    }
}

int main(int argc, char **argv)
{
    Tally tally = {0};
    bool signals = argc == 4 && strcmp(argv[1], "signals") == 0;
    if (argc != 4 || (!signals && strcmp(argv[1], "fd") != 0)) {
        fprintf(stderr, "usage: %s fd|signals PROJECT STORY\n", argv[0]);
        return EXIT_FAILURE;
    }
    sd_bus *bus = client_connect();
    if (signals)
        match_events(bus, &tally, argv[3]);
    double begin = client_now();
    sd_bus_message_unref(client_call(bus, "Start", argv[2], argv[3]));
    if (signals)
        follow_signals(bus, &tally);
    else
        subscribe(bus, &tally, argv[2], argv[3]);
    double seconds = client_now() - begin;
    if (!tally.done)
        client_fail("the run did not end in `done`", -EPROTO);
    printf("%.3f %ju\n", seconds, (uintmax_t)tally.events);
    sd_bus_unref(bus);
    return EXIT_SUCCESS;
}
