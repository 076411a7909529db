/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs/submit.h"

#include "ctl/slurm/submit.h"
#include "ctl/verb.h"

/*
 * submit: a run that begins when, and where, Slurm has a place for it. The job is its lease: see
 * run. The service here has no part in it.
 */

static void print_submitted(const Ctl *ctl, const StartTarget *target, const char *id)
{
    if (!ctl->json) {
        ctl_note(ctl, "%s%s%s is job %s of Slurm: `storkitctl list` shows where it runs",
                 target->story, *target->agent ? "/" : "", target->agent, id);
        return;
    }
    g_autoptr(JsonObject) object = json_object_new();
    json_object_set_string_member(object, "project_root", target->project);
    json_object_set_string_member(object, "story_id", target->story);
    json_object_set_string_member(object, "agent_name", target->agent);
    json_object_set_string_member(object, "status", "pending");
    json_object_set_string_member(object, "job", id);
    g_autoptr(JsonNode) node = json_node_init_object(json_node_alloc(), object);
    ctl_print_json(node);
}

/* A job may wait for days: that is another command's. */
static gboolean check_stay(GError **error)
{
    if (!start_arguments.wait && !start_arguments.follow)
        return TRUE;
    g_set_error_literal(
        error, CTL_ERROR, CTL_ERROR_USAGE,
        "--wait and --follow do not go with a job of Slurm: `storkitctl wait STORY` "
        "waits for its end");
    return FALSE;
}

static int submit_named(Ctl *ctl, const char *named, char **passed, GError **error)
{
    g_auto(StartRequest) request = {0};
    if (!ctl_find_project(ctl, error) || !check_stay(error) ||
        !start_request_read(ctl, named, &request, error))
        return -1;
    g_autofree char *id = slurm_submit(&request.target, passed, error);
    if (!id)
        return -1;
    print_submitted(ctl, &request.target, id);
    return 0;
}

int submit_on(Ctl *ctl, const char *engine, const char *named, GError **error)
{
    if (!g_str_equal(engine, "slurm")) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_USAGE,
                    "--on=%s is not an engine that gives places: there is slurm", engine);
        return -1;
    }
    return submit_named(ctl, named, NULL, error);
}

static int submit(Ctl *ctl, char **arguments, char **passed, GError **error)
{
    return submit_named(ctl, arguments[0], passed, error);
}

const Verb submit_verb = {
    .name = "submit",
    .synopsis = "STORY[/AGENT] [-- OPTION…]",
    .summary = "Start it as a job of Slurm, once there is a place",
    .arguments = ARGUMENT_NEW_RUN,
    .most = 1,
    .options = start_options + ON_OPTIONS,
    .passes_on = TRUE,
    .offline = TRUE,
    .run = submit,
};
