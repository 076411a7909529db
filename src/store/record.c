/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/record.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "base/file-tree.h"
#include "base/json-file.h"
#include "base/names.h"
#include "store/shim-protocol.h"
#include "base/util.h"

#define RUN_RECORD_FORMAT 1

StartOptions *start_options_new(void)
{
    StartOptions *options = g_new0(StartOptions, 1);
    limits_init(&options->limits);
    return options;
}

void start_options_free(StartOptions *options)
{
    if (!options)
        return;
    g_free(options->prompt);
    g_free(options->resume);
    g_free(options->base_branch);
    g_strfreev(options->env);
    g_free(options);
}

StartOptions *start_options_copy(const StartOptions *options)
{
    StartOptions *copy = g_new0(StartOptions, 1);
    copy->prompt = g_strdup(options->prompt);
    copy->resume = g_strdup(options->resume);
    copy->base_branch = g_strdup(options->base_branch);
    copy->env = g_strdupv(options->env);
    copy->limits = options->limits;
    return copy;
}

void run_record_free(RunRecord *record)
{
    if (!record)
        return;
    g_free(record->run_id);
    g_free(record->unit);
    g_free(record->project_root);
    g_free(record->story);
    g_free(record->agent);
    start_options_free(record->options);
    worktree_free(record->worktree);
    g_strfreev(record->argv);
    g_strfreev(record->setup);
    g_free(record);
}

/* --- run.json --- */

static void add_limits(JsonBuilder *builder, const Limits *limits)
{
    json_builder_set_member_name(builder, "limits");
    json_builder_begin_object(builder);
    for (gsize i = 0; i < LIMITS_COUNT; i++) {
        guint64 value = limits_get(limits, i);
        if (value == LIMIT_NONE)
            json_add_string(builder, limits_info(i)->value_key, "infinity");
        else if (value != LIMIT_UNSET)
            json_add_uint(builder, limits_info(i)->value_key, value);
    }
    json_builder_end_object(builder);
}

static void read_limits(JsonObject *parent, Limits *limits)
{
    limits_init(limits);
    JsonObject *object = json_get_object(parent, "limits");
    for (gsize i = 0; object && i < LIMITS_COUNT; i++) {
        const char *key = limits_info(i)->value_key;
        limits_put(limits, i,
                   json_get_string(object, key) ? LIMIT_NONE
                                                : json_get_uint(object, key, LIMIT_UNSET));
    }
}

static void add_options(JsonBuilder *builder, const StartOptions *options)
{
    json_builder_set_member_name(builder, "options");
    json_builder_begin_object(builder);
    json_add_string(builder, "prompt", options->prompt);
    json_add_string(builder, "resume", options->resume);
    json_add_string(builder, "base_branch", options->base_branch);
    json_add_strv(builder, "env", options->env);
    add_limits(builder, &options->limits);
    json_builder_end_object(builder);
}

static StartOptions *read_options(JsonObject *root)
{
    StartOptions *options = start_options_new();
    JsonObject *object = json_get_object(root, "options");
    if (!object)
        return options;
    options->prompt = g_strdup(json_get_string(object, "prompt"));
    options->resume = g_strdup(json_get_string(object, "resume"));
    options->base_branch = g_strdup(json_get_string(object, "base_branch"));
    options->env = json_get_strv(object, "env");
    read_limits(object, &options->limits);
    return options;
}

static void add_worktree(JsonBuilder *builder, const Worktree *worktree)
{
    json_builder_set_member_name(builder, "worktree");
    json_builder_begin_object(builder);
    json_add_string(builder, "path", worktree->path);
    json_add_string(builder, "branch", worktree->branch);
    json_add_string(builder, "base_branch", worktree->base_branch);
    json_add_string(builder, "base_commit", worktree->base_commit);
    json_add_string(builder, "record", worktree->record);
    json_add_boolean(builder, "new_worktree", worktree->new_worktree);
    json_add_boolean(builder, "new_branch", worktree->new_branch);
    json_add_boolean(builder, "new_exclude", worktree->new_exclude);
    json_add_boolean(builder, "prepared", worktree->prepared);
    json_builder_end_object(builder);
}

static Worktree *read_worktree(JsonObject *root, const RunRecord *record)
{
    JsonObject *object = json_get_object(root, "worktree");
    if (!object || !json_get_string(object, "path") || !json_get_string(object, "branch") ||
        !json_get_string(object, "base_branch") || !json_get_string(object, "record"))
        return NULL;
    Worktree *worktree = g_new0(Worktree, 1);
    worktree->root = g_strdup(record->project_root);
    worktree->story = g_strdup(record->story);
    worktree->path = g_strdup(json_get_string(object, "path"));
    worktree->branch = g_strdup(json_get_string(object, "branch"));
    worktree->base_branch = g_strdup(json_get_string(object, "base_branch"));
    worktree->base_commit = g_strdup(json_get_string(object, "base_commit"));
    worktree->record = g_strdup(json_get_string(object, "record"));
    worktree->new_worktree = json_object_get_boolean_member_with_default(object, "new_worktree", 0);
    worktree->new_branch = worktree->base_commit &&
                           json_object_get_boolean_member_with_default(object, "new_branch", FALSE);
    worktree->new_exclude = json_object_get_boolean_member_with_default(object, "new_exclude", 0);
    worktree->prepared = json_object_get_boolean_member_with_default(object, "prepared", 0);
    return worktree;
}

static void add_plan(JsonBuilder *builder, const RunRecord *record)
{
    add_worktree(builder, record->worktree);
    json_add_strv(builder, "argv", record->argv);
    json_add_strv(builder, "setup", record->setup);
    json_add_boolean(builder, "interactive", record->interactive);
    json_add_uint(builder, "stop_grace_usec", record->stop_grace_usec);
    json_add_uint(builder, "result_grace_usec", record->result_grace_usec);
    add_limits(builder, &record->limits);
}

gboolean run_record_write(const RunRecord *record, int folder_fd, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_add_uint(builder, "format", RUN_RECORD_FORMAT);
    json_add_string(builder, "run_id", record->run_id);
    json_add_string(builder, "unit", record->unit);
    json_add_string(builder, "project_root", record->project_root);
    json_add_string(builder, "story_id", record->story);
    json_add_string(builder, "agent_name", record->agent);
    json_add_string(builder, "kind", agent_kind_to_string(record->kind));
    json_add_uint(builder, "created", record->created);
    json_add_boolean(builder, "queued", record->queued);
    add_options(builder, record->options);
    if (record->worktree)
        add_plan(builder, record);
    json_builder_end_object(builder);
    return json_file_write(folder_fd, "run.json", builder, TRUE, error);
}

static gboolean record_is_ours(const RunRecord *record, guint64 format, gboolean kind_known)
{
    return format == RUN_RECORD_FORMAT && kind_known && record->run_id &&
           run_id_is_valid(record->run_id) && record->unit && record->project_root &&
           record->story && name_is_valid(record->story) && record->agent &&
           name_is_valid(record->agent);
}

RunRecord *run_record_read(int folder_fd, GError **error)
{
    g_autoptr(JsonObject) root = json_file_read(folder_fd, "run.json", error);
    if (!root)
        return NULL;

    g_autoptr(RunRecord) record = g_new0(RunRecord, 1);
    record->run_id = g_strdup(json_get_string(root, "run_id"));
    record->unit = g_strdup(json_get_string(root, "unit"));
    record->project_root = g_strdup(json_get_string(root, "project_root"));
    record->story = g_strdup(json_get_string(root, "story_id"));
    record->agent = g_strdup(json_get_string(root, "agent_name"));
    record->created = json_get_uint(root, "created", 0);
    record->queued = json_object_get_boolean_member_with_default(root, "queued", FALSE);
    const char *kind = json_get_string(root, "kind");
    gboolean kind_known = kind && agent_kind_from_string(kind, &record->kind);
    if (!record_is_ours(record, json_get_uint(root, "format", 0), kind_known)) {
        g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
                    "run.json: not a run of a format that this version knows");
        return NULL;
    }

    record->options = read_options(root);
    record->worktree = read_worktree(root, record);
    record->argv = json_get_strv(root, "argv");
    record->setup = json_get_strv(root, "setup");
    record->interactive = json_object_get_boolean_member_with_default(root, "interactive", FALSE);
    record->stop_grace_usec = json_get_uint(root, "stop_grace_usec", 10 * G_USEC_PER_SEC);
    record->result_grace_usec = json_get_uint(root, "result_grace_usec", 0);
    read_limits(root, &record->limits);
    return g_steal_pointer(&record);
}

/* --- The folder --- */

char *runs_folder(void)
{
    return g_build_filename(g_get_user_state_dir(), "storkit", "runs", NULL);
}

static char *folder_path(const char *run_id)
{
    g_assert(run_id_is_valid(run_id));
    g_autofree char *parent = runs_folder();
    return g_build_filename(parent, run_id, NULL);
}

/* What is planned in a folder is only safe there once the folder itself is. */
static void sync_folder(const char *path)
{
    autofd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

int run_folder_create(const char *run_id, GError **error)
{
    g_autofree char *path = folder_path(run_id);
    g_autofree char *parent = g_path_get_dirname(path);
    if (g_mkdir_with_parents(parent, 0700) < 0 || g_mkdir(path, 0700) < 0) {
        set_errno_error(error, errno, "making the run's folder %s", path);
        return -1;
    }
    int fd = run_folder_open(run_id, error);
    if (fd >= 0)
        sync_folder(parent);
    return fd;
}

int run_folder_open(const char *run_id, GError **error)
{
    g_autofree char *path = folder_path(run_id);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        set_errno_error(error, errno, "opening the run's folder %s", path);
    return fd;
}

/* A file of its own: run.json may be written anew at the same moment. */
#define ANSWERED "answered"

void run_folder_set_answered(const char *run_id)
{
    g_autoptr(GError) error = NULL;
    autofd folder_fd = run_folder_open(run_id, &error);
    autofd fd = folder_fd < 0 ? -1
                              : openat(folder_fd, ANSWERED,
                                       O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        g_warning("a restart may forget run %s: %s", run_id,
                  error ? error->message : g_strerror(errno));
}

gboolean run_folder_is_answered(int folder_fd)
{
    return faccessat(folder_fd, ANSWERED, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* At once: half a folder would look like a Start that was cut short, and be undone. */
void run_folder_remove(const char *run_id)
{
    g_autofree char *path = folder_path(run_id);
    g_autoptr(GError) error = NULL;
    if (!file_tree_remove_at_once(path, &error))
        g_warning("removing the run's folder: %s", error->message);
}

/* One in which not even run.json was finished: nothing else had been made. What is not empty then
 * is somebody else's. */
static void remove_unfinished(const char *path)
{
    g_autofree char *record = g_build_filename(path, "run.json", NULL);
    g_autofree char *temporary = g_strconcat(record, ".new", NULL);
    if (g_file_test(record, G_FILE_TEST_EXISTS))
        return;
    g_unlink(temporary);
    if (g_rmdir(path) < 0)
        g_warning("leaving %s alone: it has no run.json", path);
}

void run_folders_tidy(void)
{
    g_autofree char *parent = runs_folder();
    file_tree_finish_removals(parent);

    g_autoptr(GDir) dir = g_dir_open(parent, 0, NULL);
    const char *name;
    while (dir && (name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(parent, name, NULL);
        if (run_id_is_valid(name))
            remove_unfinished(path);
        else
            g_message("leaving %s alone: it is no run's", path);
    }
}

/* --- What the shim wrote --- */

static const char *known_reason(const char *reason)
{
    static const char *const reasons[] = {
        SHIM_REASON_EXITED, SHIM_REASON_STOPPED, SHIM_REASON_RUNTIME, SHIM_REASON_IDLE,
        SHIM_REASON_RESULT, SHIM_REASON_OUTSIDE, SHIM_REASON_SETUP,   SHIM_REASON_EXEC};
    for (gsize i = 0; reason && i < G_N_ELEMENTS(reasons); i++)
        if (g_str_equal(reason, reasons[i]))
            return reasons[i];
    return NULL;
}

/* NULL where the program itself could not be executed. */
static const char *known_step(const char *step)
{
    static const struct {
        const char *step, *what;
    } known[] = {
        {"cwd", "its folder"},
        {"stdin", "its input"},
        {"setup-record", "the record of its setup"},
        {"cgroup", "its cgroup"},
    };
    if (!step || g_str_equal(step, "exec"))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_equal(step, known[i].step))
            return known[i].what;
    return "its process";
}

static JsonObject *read_shim_file(int folder_fd, const char *name)
{
    g_autoptr(GError) error = NULL;
    JsonObject *object = json_file_read(folder_fd, name, &error);
    if (!object && !g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        g_warning("reading what the shim wrote: %s", error->message);
    return object;
}

static int get_exit_code(JsonObject *object)
{
    guint64 code = json_get_uint(object, "exit_code", G_MAXINT);
    return code > 255 ? -1 : (int)code;
}

static void parse_started(JsonObject *object, RunStarted *ret)
{
    *ret = (RunStarted){
        .shim_pid = (pid_t)json_get_uint(object, "shim_pid", 0),
        .agent_pid = (pid_t)json_get_uint(object, "agent_pid", 0),
        .offset = json_get_uint(object, "offset", 0),
        .time = json_get_uint(object, "time", 0),
        .failed = known_reason(json_get_string(object, "failed")),
        .step = known_step(json_get_string(object, "step")),
        .failed_errno = (int)json_get_uint(object, "errno", 0),
        .setup = (guint)json_get_uint(object, "setup", 0),
        .exit_code = get_exit_code(object),
        .exit_signal = (int)json_get_uint(object, "exit_signal", 0),
    };
}

gboolean run_started_read(int folder_fd, RunStarted *ret_started)
{
    g_autoptr(JsonObject) object = read_shim_file(folder_fd, "started");
    if (!object)
        return FALSE;
    parse_started(object, ret_started);
    return TRUE;
}

gboolean run_exit_read(int folder_fd, RunExit *ret_exit)
{
    g_autoptr(JsonObject) object = read_shim_file(folder_fd, "exit.json");
    if (!object)
        return FALSE;
    const char *reason = known_reason(json_get_string(object, "reason"));
    *ret_exit = (RunExit){
        .reason = reason ? reason : SHIM_REASON_EXITED,
        .exit_code = get_exit_code(object),
        .exit_signal = (int)json_get_uint(object, "exit_signal", 0),
        .agent_started = json_get_uint(object, "started", 0),
        .ended = json_get_uint(object, "ended", 0),
        .offset = json_get_uint(object, "offset", 0),
        .bytes = json_get_uint(object, "bytes", 0),
        .left_behind = json_get_uint(object, "left_behind", 0),
        .oom_kills = json_get_uint(object, "oom_kills", 0),
        .memory_peak = json_get_uint(object, "memory_peak", 0),
        .cpu_usec = json_get_uint(object, "cpu_usec", 0),
    };
    parse_started(object, &ret_exit->started);
    return TRUE;
}
