/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>
#include <systemd/sd-bus.h>

#include "ctl/terminal.h"

/*
 * A run as the service describes it: the contract's info.
 */

typedef struct {
    JsonObject *json; /* all of it */

    /* What every info has; they point into `json`. */
    const char *project, *story, *agent, *status, *run_id;
} RunInfo;

/** Printed if there is none. */
#define NO_RUNS "No runs; `storkitctl start STORY` starts one."

/** Reads an info; NULL if @node is not one. The path of an ended run's worktree is left out once
 * the worktree is gone. Caller: run_info_free(). */
RunInfo *run_info_new(JsonNode *node);

void run_info_free(RunInfo *info);

/** The run of that id, which may be off the list. Sets CTL_ERROR_NO_SUCH_RUN. Caller:
 *  run_info_free(). */
RunInfo *run_info_get_by_id(sd_bus *bus, const char *run_id, GError **error);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RunInfo, run_info_free)

/** The value of @key, or NULL, @fallback, 0, FALSE where it is absent. */
const char *run_info_string(const RunInfo *info, const char *key);
guint64 run_info_uint(const RunInfo *info, const char *key, guint64 fallback);
gboolean run_info_flag(const RunInfo *info, const char *key);

gboolean run_info_is_pending(const RunInfo *info);
gboolean run_info_is_running(const RunInfo *info);

/** Pending or running. */
gboolean run_info_is_live(const RunInfo *info);

/** Whether another machine with this home has it, and it cannot be reached from here: Slurm reaches
 *  those of its jobs. Such runs are for commands that name them, to be told so. */
gboolean run_info_is_elsewhere(const RunInfo *info);

/** How long it has been running, or ran; "" while it is queued. Caller frees. */
char *run_info_duration(const RunInfo *info);

/** Its cost, "" if unknown. Caller frees. */
char *run_info_cost(const RunInfo *info);

/** The array of strings @key for people: "truncate, signals"; "" where it is absent. Caller frees.
 */
char *run_info_list_text(const RunInfo *info, const char *key);

/** Its status as a word for people ("frozen", "disk full", "stopped"), and how to show it. */
const char *run_info_status_word(const RunInfo *info);
Style run_info_status_style(const RunInfo *info);

/** A remark of a few words: why it failed, its place in the queue, what it asks, what it
 *  lost for memory. Caller
 *  frees. */
char *run_info_note(const RunInfo *info);

/** The exit status of a command that waited for @info, which has ended. */
int run_info_exit_status(const RunInfo *info);

/** One line on how it ended: "42_login/coder completed after 3min 12s, $0.42". The agent's text in
 * it is sanitized. Caller frees. */
char *run_info_ending(const RunInfo *info);

/** The order of lists: by project, story (as versions sort: 9_x before 10_y) and agent. */
int run_info_compare(const RunInfo *a, const RunInfo *b);

/** The runs the service lists, those of @project only unless it is NULL, by project, story and
 *  agent: a GPtrArray of RunInfo. Caller: g_ptr_array_unref(). */
GPtrArray *run_info_list(sd_bus *bus, const char *project, GError **error);

/** The same from the reply of `List`, already read as JSON. */
GPtrArray *run_info_list_from_json(JsonNode *list, const char *project);

/** @info as a JSON object. Caller: json_node_unref(). */
JsonNode *run_info_to_json(const RunInfo *info);

/** @infos as a JSON array. Caller: json_node_unref(). */
JsonNode *run_info_list_to_json(GPtrArray *infos);

/** One run, by `Get`; @agent "" is the default agent. Caller: run_info_free(). */
RunInfo *run_info_get(sd_bus *bus, const char *project, const char *story, const char *agent,
                      GError **error);
