/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/login-environment.h"

#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "base/file-read.h"
#include "base/open-files.h"
#include "host/login-shell.h"
#include "host/systemd.h"

#define CACHE_USEC (60 * G_USEC_PER_SEC)

/* Of the answer that is kept: the kernel gives a program 6 MiB at most. */
#define KEPT_MAX (16u << 20)

/* The sources of the answer at one moment. */
typedef struct {
    char *shell;
    char **base;         /* base_environment() */
    gboolean in_manager; /* the user manager has answered */
} Moment;

static GPtrArray *waiting; /* GTask *, each with its Moment: who gets the next answer; or NULL */
static gboolean asking;
static guint patience_source;
static LoginAnswer *kept; /* the shell's last answer beyond its own environment; NULL: none yet */
static gint64 kept_until; /* monotonic: as long as it is not asked again */
static gboolean is_loaded;

static char *configured_shell;
static guint timeouts[LOGIN_SHELL_ATTEMPTS] = {20000, 10000};
static guint patience_msec = 5000; /* of a caller, where an earlier answer is at hand */

G_LOCK_DEFINE_STATIC(told);
static int told_mask = -1;
static char **told_limits;
static char *told_problem;
static char **manager_then; /* the user manager's environment when the service started */

/* --- The last answer, for other threads --- */

static void set_told(const LoginAnswer *answer)
{
    G_LOCK(told);
    told_mask = (int)answer->mask;
    g_strfreev(told_limits);
    told_limits = g_strdupv(answer->limits);
    g_clear_pointer(&told_problem, g_free);
    G_UNLOCK(told);
}

static void set_problem(char *problem)
{
    G_LOCK(told);
    g_free(told_problem);
    told_problem = problem;
    G_UNLOCK(told);
}

int login_environment_umask(void)
{
    G_LOCK(told);
    int mask = told_mask;
    G_UNLOCK(told);
    return mask;
}

char **login_environment_limits(void)
{
    G_LOCK(told);
    char **limits = told_limits ? g_strdupv(told_limits) : g_new0(char *, 1);
    G_UNLOCK(told);
    return limits;
}

char *login_environment_problem(void)
{
    G_LOCK(told);
    char *problem = g_strdup(told_problem);
    G_UNLOCK(told);
    return problem;
}

/* --- Environments --- */

/* True of the shell that was asked and of nobody else. */
static gboolean is_shells_own(const char *name)
{
    static const char *const names[] = {"SHLVL", "PWD", "OLDPWD", "_", NULL};
    return g_strv_contains(names, name);
}

static char **overlay(char **environment, char *const *over)
{
    for (; over && *over; over++) {
        const char *equals = strchr(*over, '=');
        if (!equals || equals == *over)
            continue;
        g_autofree char *name = g_strndup(*over, (gsize)(equals - *over));
        environment = is_shells_own(name) ? g_environ_unsetenv(environment, name)
                                          : g_environ_setenv(environment, name, equals + 1, TRUE);
    }
    return environment;
}

static char **unset_entry(char **environment, const char *entry)
{
    g_autofree char *name = g_strndup(entry, strcspn(entry, "="));
    return g_environ_unsetenv(environment, name);
}

/* The shell's changes: variables that it only passes on are read from the user manager each
 * time. */
static char **changes(char *const *answer, char *const *given)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (; *answer; answer++)
        if (!g_strv_contains((const char *const *)given, *answer))
            g_strv_builder_add(builder, *answer);
    return g_strv_builder_end(builder);
}

/* The soft limits that the shell began with, in the form of its answer. */
static char **limits_given(void)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    for (guint resource = 0; resource < RLIM_NLIMITS; resource++) {
        struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
        getrlimit(resource, &limit);
        guint64 soft =
            resource == RLIMIT_NOFILE && open_files_given() ? open_files_given() : limit.rlim_cur;
        g_autofree char *text = g_strdup_printf("%u=%" G_GUINT64_FORMAT, resource, soft);
        g_strv_builder_add(builder, text);
    }
    return g_strv_builder_end(builder);
}

static char **environment_at(const Moment *moment)
{
    static const char *const own[] = {"SHLVL=", "PWD=", "OLDPWD=", "_=", NULL};
    char **environment = overlay(g_strdupv(moment->base), (char *const *)own);
    return overlay(environment, kept ? kept->environment : NULL);
}

/* --- The last good answer, over restarts of the service --- */

/* Below the runtime directory: variables hold secrets, and these do not reach a disk. */
static char *kept_path(void)
{
    return configured_shell
               ? NULL
               : g_build_filename(g_get_user_runtime_dir(), "storkit-login-environment", NULL);
}

static void save_kept(void)
{
    g_autofree char *path = kept_path();
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) text = g_string_new(NULL);
    g_autofree char *limits = g_strjoinv(" ", kept->limits);
    g_string_printf(text, "%03o%s%s\n", kept->mask, *limits ? " " : "", limits);
    for (char **entry = kept->environment; *entry; entry++)
        g_string_append_len(text, *entry, (gssize)strlen(*entry) + 1);
    if (path && !g_file_set_contents_full(path, text->str, (gssize)text->len,
                                          G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
        g_warning("a restart will lose the environment of the shell: %s", error->message);
}

static void load_kept(void)
{
    g_autofree char *path = kept_path();
    g_autofree char *text = NULL;
    gsize length;
    if (is_loaded)
        return;
    is_loaded = TRUE;
    if (!path || !file_read(AT_FDCWD, path, KEPT_MAX, &text, &length, NULL))
        return;
    kept = login_answer_parse(text, length);
    set_told(kept);
}

/* --- The answer --- */

static void answer_waiting(void)
{
    g_autoptr(GPtrArray) tasks = g_steal_pointer(&waiting);
    g_clear_handle_id(&patience_source, g_source_remove);
    for (guint i = 0; tasks && i < tasks->len; i++) {
        GTask *task = g_ptr_array_index(tasks, i);
        g_task_return_pointer(task, environment_at(g_task_get_task_data(task)),
                              (GDestroyNotify)g_strfreev);
    }
}

/* Without an answer the last good one stays. None at all is kept as long as an answer: a profile
 * that hangs should not cost every Start its time. */
static void take_no_answer(const Moment *asked)
{
    g_autofree char *problem = g_strdup_printf(
        "the shell %s did not print its environment within %u s: check that `%s -i -l "
        "-c env` works and exits",
        asked->shell, (timeouts[0] + timeouts[1]) / 1000, asked->shell);
    g_warning("agents get %s, because %s",
              kept ? "the last environment that the shell printed"
                   : "the environment of the service, where programs of nvm, npm or ~/.local/bin "
                     "may be missing",
              problem);
    if (!kept)
        set_problem(g_steal_pointer(&problem));
}

static void on_told(const LoginAnswer *answer, gpointer data)
{
    GTask *asker = data;
    const Moment *asked = g_task_get_task_data(asker);
    g_auto(GStrv) own_limits = limits_given();
    asking = FALSE;
    kept_until = g_get_monotonic_time() + CACHE_USEC;
    if (answer) {
        g_clear_pointer(&kept, login_answer_free);
        kept = g_new0(LoginAnswer, 1);
        kept->environment = changes(answer->environment, asked->base);
        kept->mask = answer->mask;
        kept->limits = changes(answer->limits, own_limits);
        set_told(kept);
        save_kept();
    } else {
        take_no_answer(asked);
    }
    answer_waiting();
    g_object_unref(asker);
}

/* --- The question --- */

static gboolean is_usable_shell(const char *path)
{
    return path && g_path_is_absolute(path) && access(path, X_OK) == 0 &&
           !g_str_has_suffix(path, "/nologin") && !g_str_has_suffix(path, "/false");
}

static char *find_shell(void)
{
    struct passwd entry, *found = NULL;
    char buffer[16 * 1024];
    getpwuid_r(getuid(), &entry, buffer, sizeof(buffer), &found);
    if (configured_shell)
        return g_strdup(configured_shell);
    if (found && is_usable_shell(found->pw_shell))
        return g_strdup(found->pw_shell);
    return g_strdup(is_usable_shell(g_getenv("SHELL")) ? g_getenv("SHELL") : "/bin/sh");
}

/* Includes the variables that `systemctl --user import-environment` has added since the service
 * started. NULL if there is no user manager. */
static char **manager_environment(void)
{
    sd_bus *bus = NULL;
    char **environment = NULL;
    if (systemd_connect(&bus) >= 0)
        sd_bus_get_property_strv(bus, "org.freedesktop.systemd1", "/org/freedesktop/systemd1",
                                 "org.freedesktop.systemd1.Manager", "Environment", NULL,
                                 &environment);
    sd_bus_flush_close_unref(bus);
    return environment;
}

static void note_manager_then(char *const *now)
{
    G_LOCK(told);
    if (!manager_then)
        manager_then = g_strdupv((char **)now);
    G_UNLOCK(told);
}

/* The service's own environment, with the variables of the user manager as it has them @now. Other
 * variables of the unit (a drop-in's Environment=) stay. */
static char **base_environment(char *const *now)
{
    char **environment = g_get_environ();
    G_LOCK(told);
    for (char **entry = manager_then; entry && *entry; entry++)
        if (g_strv_contains((const char *const *)environment, *entry))
            environment = unset_entry(environment, *entry);
    G_UNLOCK(told);
    for (; now && *now; now++) {
        g_autofree char *name = g_strndup(*now, strcspn(*now, "="));
        if (!g_environ_getenv(environment, name))
            environment = g_environ_setenv(environment, name, *now + strlen(name) + 1, TRUE);
    }
    return environment;
}

static void moment_free(Moment *moment)
{
    g_free(moment->shell);
    g_strfreev(moment->base);
    g_free(moment);
}

/* In a thread: the user database may be a directory service. */
static void find_moment(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    Moment *moment = g_new0(Moment, 1);
    g_auto(GStrv) manager = manager_environment();
    note_manager_then(manager);
    moment->shell = find_shell();
    moment->base = base_environment(manager);
    moment->in_manager = manager != NULL;
    g_task_return_pointer(task, moment, (GDestroyNotify)moment_free);
}

static gboolean on_patience_ended(gpointer data)
{
    patience_source = 0;
    answer_waiting();
    return G_SOURCE_REMOVE;
}

static void ask(GTask *asker)
{
    const Moment *moment = g_task_get_task_data(asker);
    LoginShellQuery query = {
        .shell = moment->shell,
        .environment = (const char *const *)moment->base,
        .in_scope = moment->in_manager && !configured_shell,
    };
    memcpy(query.timeout_msec, timeouts, sizeof(timeouts));
    asking = TRUE;
    login_shell_ask(&query, on_told, g_object_ref(asker));
}

static void on_moment(GObject *source, GAsyncResult *result, gpointer data)
{
    g_autoptr(GTask) task = data;
    Moment *moment = g_task_propagate_pointer(G_TASK(result), NULL);
    load_kept();
    g_task_set_task_data(task, moment, (GDestroyNotify)moment_free);
    if (!asking && g_get_monotonic_time() < kept_until) {
        g_task_return_pointer(task, environment_at(moment), (GDestroyNotify)g_strfreev);
        return;
    }
    if (!waiting)
        waiting = g_ptr_array_new_with_free_func(g_object_unref);
    g_ptr_array_add(waiting, g_object_ref(task));
    if (kept && !patience_source)
        patience_source = g_timeout_add(patience_msec, on_patience_ended, NULL);
    if (!asking)
        ask(task);
}

static void begin(GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
    g_auto(GStrv) manager = manager_environment();
    note_manager_then(manager);
}

void login_environment_begin(void)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, NULL, NULL);
    g_task_run_in_thread(task, begin);
}

void login_environment_get_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    g_autoptr(GTask) finder = g_task_new(NULL, NULL, on_moment, task);
    g_task_run_in_thread(finder, find_moment);
}

char **login_environment_get_finish(GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

void login_environment_configure(const char *shell, guint interactive_msec, guint login_msec)
{
    g_free(configured_shell);
    configured_shell = g_strdup(shell);
    timeouts[0] = interactive_msec;
    timeouts[1] = login_msec;
    g_clear_pointer(&kept, login_answer_free);
    kept_until = 0;
}

void login_environment_expire(guint msec)
{
    kept_until = 0;
    patience_msec = msec;
}
