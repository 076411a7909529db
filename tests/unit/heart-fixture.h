/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "base/error.h"
#include "base/util.h"
#include "git/library.h"
#include "host/login-environment.h"
#include "host/systemd.h"
#include "project/target.h"
#include "start/owner.h"
#include "store/shim-protocol.h"

/*
 * What the heart's tests have instead of a user manager: a systemd whose jobs end as a test likes,
 * and a shim that is the test program itself. Repository, state folder and worker threads are real.
 */

typedef enum {
    JOB_DONE,
    JOB_FAILED,
    JOB_FROZEN,    /* as from systemd 257 on in a frozen slice */
    JOB_LATE,      /* when the test says so: fake_finish_job() */
    JOB_SHIM_DIED, /* done, but the shim is gone by then */
} JobEnd;

typedef struct FakeSystemd FakeSystemd;

typedef struct {
    UnitWatch parent;
    FakeSystemd *systemd;
    UnitGone gone;
    gpointer data;
    guint source;
} FakeWatch;

struct FakeSystemd {
    Systemd parent;
    JobEnd end;
    GTask *job;  /* that is late */
    guint stops; /* calls of StopUnit */
    gboolean gone;
    GPtrArray *watches;
};

static inline void fake_return(FakeSystemd *systemd, GTask *task_taken)
{
    g_autoptr(GTask) task = task_taken;
    if (systemd->end == JOB_FAILED || systemd->end == JOB_FROZEN)
        g_task_return_new_error(task, STORKIT_ERROR, STORKIT_ERROR_SCOPE_FAILED,
                                "its job finished as '%s'",
                                systemd->end == JOB_FROZEN ? "frozen" : "failed");
    else
        g_task_return_boolean(task, TRUE);
}

static inline void fake_finish_job(FakeSystemd *systemd)
{
    fake_return(systemd, g_steal_pointer(&systemd->job));
}

static inline void fake_start_scope(Systemd *parent, const ScopeSpec *spec,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
    FakeSystemd *systemd = (FakeSystemd *)parent;
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    siginfo_t info;
    if (systemd->end == JOB_SHIM_DIED) {
        kill(spec->pid, SIGKILL);
        waitid(P_PID, (id_t)spec->pid, &info, WEXITED | WNOWAIT);
    }
    if (systemd->end == JOB_LATE)
        systemd->job = task;
    else
        fake_return(systemd, task);
}

static inline char *fake_find_scope(Systemd *parent, const char *unit, pid_t pid)
{
    return g_strdup("/nonexistent");
}

static inline gboolean fake_tell_gone(gpointer data)
{
    FakeWatch *watch = data;
    watch->source = 0;
    watch->gone(watch->data);
    return G_SOURCE_REMOVE;
}

/* The scopes are empty now. */
static inline void fake_end_units(FakeSystemd *systemd)
{
    systemd->gone = TRUE;
    for (guint i = 0; i < systemd->watches->len; i++) {
        FakeWatch *watch = g_ptr_array_index(systemd->watches, i);
        if (watch->source == 0)
            watch->source = g_idle_add(fake_tell_gone, watch);
    }
}

static inline void fake_stop_unit(Systemd *parent, const char *unit)
{
    FakeSystemd *systemd = (FakeSystemd *)parent;
    systemd->stops++;
    fake_end_units(systemd);
}

static inline void fake_thaw_unit(Systemd *parent, const char *unit)
{
}

static inline UnitWatch *fake_watch_gone(Systemd *parent, const char *unit, UnitGone gone,
                                         gpointer data)
{
    FakeSystemd *systemd = (FakeSystemd *)parent;
    FakeWatch *watch = g_new0(FakeWatch, 1);
    *watch = (FakeWatch){{parent->calls}, systemd, gone, data, 0};
    g_ptr_array_add(systemd->watches, watch);
    if (systemd->gone)
        watch->source = g_idle_add(fake_tell_gone, watch);
    return &watch->parent;
}

static inline void fake_watch_free(UnitWatch *parent)
{
    FakeWatch *watch = (FakeWatch *)parent;
    g_ptr_array_remove(watch->systemd->watches, watch);
    g_clear_handle_id(&watch->source, g_source_remove);
    g_free(watch);
}

static const SystemdCalls fake_calls = {
    .start_scope = fake_start_scope,
    .find_scope = fake_find_scope,
    .stop_unit = fake_stop_unit,
    .thaw_unit = fake_thaw_unit,
    .watch_gone = fake_watch_gone,
    .watch_free = fake_watch_free,
};

/* --- The shim --- */

static inline void write_in_folder(const char *name, const char *text)
{
    int fd = openat(SHIM_FD_FOLDER, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    g_assert_cmpint(write(fd, text, strlen(text)), ==, (gssize)strlen(text));
    close(fd);
}

/* Waits at its gate, says that the program executes (or fails to, where the agent is `refused`),
 * and lives until it is killed, or the test has ended. */
static inline int be_the_shim(int argc, char **argv)
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(SHIM_FD_GATE, &byte, 1) != 1)
        return 0;
    write_in_folder("transcript", "");
    if (g_str_equal(argv[argc - 1], "refused"))
        return 1;
    g_autofree char *started =
        g_strdup_printf("{\"format\":%d,\"shim_pid\":%d,\"agent_pid\":%d,\"offset\":0,\"time\":1}",
                        SHIM_FILE_FORMAT, getpid(), getpid());
    write_in_folder("started.new", started);
    renameat(SHIM_FD_FOLDER, "started.new", SHIM_FD_FOLDER, "started");
    pause();
    return 0;
}

/* --- The whole --- */

typedef struct {
    FakeSystemd systemd;
    StartTools tools;
    char *folder, *root;
    char *clean; /* what the repository and the state folder are like without a Start */
} Heart;

static inline char *output_of(const char *command)
{
    const char *argv[] = {"/bin/sh", "-ec", command, NULL};
    g_autoptr(GError) error = NULL;
    char *output = NULL;
    g_spawn_sync(NULL, (char **)argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &output, NULL, NULL,
                 &error);
    g_assert_no_error(error);
    return output;
}

#define SHELL(...)                                                                                 \
    do {                                                                                           \
        g_autofree char *command_ = g_strdup_printf(__VA_ARGS__);                                  \
        g_free(output_of(command_));                                                               \
    } while (0)

/** Calls @condition until it is so. */
#define WAIT_UNTIL(condition)                                                                      \
    while (!(condition))                                                                           \
    g_main_context_iteration(NULL, TRUE)

/* All that a Start could leave. Caller frees. */
static inline char *heart_look(const Heart *heart)
{
    g_autofree char *command =
        g_strdup_printf("cd %s; find project/.git/refs project/.git/worktrees "
                        "project/.storkit/worktrees state/storkit/runs -mindepth 1 2>&1 || :",
                        heart->folder);
    return output_of(command);
}

/* For main(): where this program is to be the shim, it is, and does not return. */
static inline void heart_init(int *argc, char ***argv)
{
    if (*argc > 1 && g_str_has_prefix((*argv)[1], "--format="))
        exit(be_the_shim(*argc, *argv));
    g_autofree char *program = g_file_read_link("/proc/self/exe", NULL);
    g_setenv("STORKIT_SHIM", program, TRUE);
    g_setenv("GIT_CONFIG_NOSYSTEM", "1", TRUE);
    g_test_init(argc, argv, NULL);
    /* What fails on purpose is warned of. */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    signal(SIGPIPE, SIG_IGN);
    alarm(240);
}

/* The repository and the state folder, which the tests share: each leaves them as they were, or has
 * a story of its own. */
static inline char *heart_make_folder(void)
{
    char *folder = g_dir_make_tmp("storkit-heart-XXXXXX", NULL);
    g_autofree char *state = g_build_filename(folder, "state", NULL);
    g_setenv("XDG_STATE_HOME", state, TRUE);
    g_setenv("HOME", folder, TRUE);
    SHELL("cd %s; git init -q -b main project; cd project; mkdir .storkit; "
          "printf '[[agent]]\\nname = \"coder\"\\nkind = \"raw\"\\ncommand = \"/bin/true\"\\n"
          "[[agent]]\\nname = \"other\"\\nkind = \"raw\"\\ncommand = \"/bin/true\"\\n"
          "args = [\"refused\"]\\n' > .storkit/project.toml; "
          "git add .; git -c user.name=a -c user.email=a@example.org commit -qm first; "
          "mkdir -p ../state/storkit/runs .storkit/worktrees .git/worktrees .git/refs/heads/story",
          folder);
    worktree_library_init();
    login_environment_configure("/bin/sh", 5000, 5000);
    return folder;
}

static inline void heart_set_up(Heart *heart)
{
    static char *folder; /* GLib asks for the state folder once */
    if (!folder)
        folder = heart_make_folder();
    heart->folder = folder;
    heart->root = g_build_filename(folder, "project", NULL);
    heart->systemd.parent.calls = &fake_calls;
    heart->systemd.watches = g_ptr_array_new();
    heart->tools = (StartTools){
        .runs = runs_new(),
        .work = work_queue_new(),
        .systemd = &heart->systemd.parent,
        .folder_watch = folder_watch_new(),
    };
    heart->clean = heart_look(heart);
}

static inline void heart_tear_down(Heart *heart)
{
    WAIT_UNTIL(work_queue_is_idle(heart->tools.work));
    runs_free(heart->tools.runs);
    folder_watch_free(heart->tools.folder_watch);
    work_queue_free(heart->tools.work);
    g_ptr_array_unref(heart->systemd.watches);
    g_free(heart->root);
    g_free(heart->clean);
}

static inline void heart_assert_nothing_left(const Heart *heart)
{
    g_autofree char *now = heart_look(heart);
    g_assert_cmpstr(now, ==, heart->clean);
}

/** A target of the heart's project, as target_resolve() finds it. Caller frees. */
static inline void heart_take_target(Target *target, const GError *error, gpointer data)
{
    g_assert_no_error(error);
    *(Target **)data = target;
}

static inline Target *heart_target(const Heart *heart, const char *story, const char *agent)
{
    Target *target = NULL;
    target_resolve(heart->tools.work, heart->root, story, agent, TRUE, heart_take_target, &target);
    WAIT_UNTIL(target);
    return target;
}

/** A Reply: keeps what it was. */
typedef struct {
    gboolean given;
    GVariant *value;
    GError *error;
} Answered;

static inline void heart_reply(GVariant *value, const GError *error, gpointer data)
{
    Answered *answered = data;
    g_assert_false(answered->given);
    answered->given = TRUE;
    answered->value = value ? g_variant_ref_sink(value) : NULL;
    answered->error = error ? g_error_copy(error) : NULL;
}

static inline void answered_clear(Answered *answered)
{
    g_clear_pointer(&answered->value, g_variant_unref);
    g_clear_error(&answered->error);
    answered->given = FALSE;
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Answered, answered_clear)

static inline const char *answered_status(const Answered *answered)
{
    const char *status = "";
    g_assert_no_error(answered->error);
    g_variant_lookup(answered->value, "status", "&s", &status);
    return status;
}
