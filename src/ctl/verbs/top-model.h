/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "ctl/ctl.h"
#include "ctl/follow.h"
#include "ctl/info.h"

/*
 * What top shows: the runs as of the last look, with what only watching them over time can tell.
 */

typedef struct {
    RunInfo *info;
    const char *host; /* NULL: this machine */
    char *last_line;  /* cleaned, or NULL */
    double cpu;       /* of one CPU: 1.5 is 150 %; negative: not known yet */
    guint64 cpu_usec; /* at `sampled` */
    gint64 sampled;   /* monotonic */
    Follow *follow;   /* while it is live */
    gboolean seen;    /* in the latest list */
} TopRun;

/* A host whose runs are not to be had. */
typedef struct {
    const char *host;
    char *text; /* why, for people */
} TopProblem;

typedef struct {
    Ctl *ctl;
    const char *project;  /* NULL: all */
    gboolean one_project; /* of several hosts, which may have it in different folders */
    GPtrArray *runs;      /* of TopRun: the live ones first */
    GPtrArray *problems;  /* of TopProblem */
} TopModel;

void top_model_init(TopModel *model, Ctl *ctl, const char *project);

/** Takes over a new reply of `List`: the runs of the project, and with -a those of one agent. */
void top_model_update(TopModel *model, JsonNode *list);

/** Takes over what `top --json` has printed on @host (which outlives the model), and so the host
 *  has no problem. */
void top_model_update_host(TopModel *model, const char *host, JsonNode *list);

/** @host has no runs to be shown, but the reason @text. */
void top_model_lose_host(TopModel *model, const char *host, const char *text);

/** The runs as an array, each as `list` has it and with its `cpu` and `last_line`. Caller:
 *  json_node_unref(). */
JsonNode *top_model_to_json(const TopModel *model);

/** A short part of @project that differs from the others in the table; NULL if there is no other.
 * Points into @project. */
const char *top_model_label(const TopModel *model, const char *project);

/** The index of run @run_id of @host (NULL: this machine), or -1. */
int top_model_find(const TopModel *model, const char *host, const char *run_id);

void top_model_clear(TopModel *model);
