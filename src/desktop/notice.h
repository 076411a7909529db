/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/*
 * The notice about a run in its present state: a pure function of its info.
 */

typedef enum {
    NOTICE_ENDED,
    NOTICE_FAILED,
    NOTICE_WAITING,
    NOTICE_DISK_FULL,
    NOTICE_MEMORY,
} NoticeKind;

typedef struct {
    char *id; /* one of our verbs ("show"), or "answer:" and the option's id */
    char *label;
} NoticeAction;

typedef struct {
    NoticeKind kind;
    char *key; /* another one: it is shown again; the same: it is known */
    char *title, *body;
    char *project;            /* where it is: the body's last line */
    gboolean far;             /* the run is another machine's */
    gboolean critical, stays; /* stays: until it is seen or settled */
    gboolean counts_changes;  /* the files and lines it changed belong to it */
    const char *category, *sound;
    GPtrArray *actions; /* of NoticeAction; a click does the first */
} Notice;

/** The notice of @info at @now (µs since the epoch), or NULL where there is nothing to say. Texts
 *  are plain ones, without control characters. Caller: notice_free(). */
Notice *notice_new(GVariant *info, guint64 now);

void notice_free(Notice *notice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Notice, notice_free)

/** An array of NoticeAction from pairs of a verb and its label, ended by NULL. Caller:
 *  g_ptr_array_unref(). */
GPtrArray *notice_actions_new(const char *const *pairs);

/** Puts @line (NULL, "": nothing) on a line of its own below the body. */
void notice_add_line(Notice *notice, const char *line);

/** The body with the project below. Caller frees. */
char *notice_dup_text(const Notice *notice);
