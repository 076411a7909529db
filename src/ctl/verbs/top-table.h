/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/questions.h"
#include "ctl/verbs/top-model.h"
#include "ctl/verbs/top-view.h"

/*
 * The live table at the terminal: what is selected, what the keys do, what the bottom line says.
 * Where the runs come from, and how they are acted upon, is its owner's.
 */

typedef struct TopTable TopTable;

typedef enum {
    TOP_STOP,
    TOP_FREEZE,
    TOP_THAW,
    TOP_ANSWER,
} TopAction;

typedef struct {
    TopAction action;
    const TopRun *run;
    const OpenQuestion *question; /* the rest is of TOP_ANSWER */
    const char *option;
} TopDeed;

typedef struct {
    /** Begins it; top_table_called() tells how it went. FALSE: it has not begun. */
    gboolean (*act)(TopTable *table, const TopDeed *deed, GError **error);
    /** A command has had the terminal for a while: the runs may be old. NULL: they are not. */
    void (*look)(TopTable *table);
} TopHandler;

struct TopTable {
    const TopHandler *handler;
    TopModel model;
    char *selected; /* a run's id, or NULL */
    const char *selected_host;
    char *asked; /* the id of the run whose stop waits for a "y", or NULL */
    const char *asked_host;
    char *question; /* the bottom line while it does */
    char *message;  /* the bottom line otherwise, or NULL */
    guint n_calls;  /* on their way */
    TopScroll scroll;
    gboolean away; /* the service does not answer */
    gboolean help, done;
};

void top_table_init(TopTable *table, Ctl *ctl, const char *project, const TopHandler *handler);
void top_table_clear(TopTable *table);

/** Refuses a standard input or output that is not a terminal. */
gboolean top_table_check_terminal(GError **error);

/** Takes over the terminal, until top_table_close(). */
gboolean top_table_open(TopTable *table, GError **error);
void top_table_close(TopTable *table);

/** Draws the runs as they are now. */
void top_table_draw(TopTable *table);

/** A deed is done, or has failed for the reason @problem. */
void top_table_called(TopTable *table, const char *problem);

/** Reads what was typed; `done` says whether that was all. */
void top_table_read_keys(TopTable *table);
