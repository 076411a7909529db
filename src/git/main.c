/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * storkit-git: does git's work for the service, one call after the other (see git/helper.h). It is
 * started with a socket as stdout, over which the calls come, and one as stdin, which says that the
 * call is cancelled, or by its end, that the service is gone.
 */

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/error.h"
#include "base/test-hooks.h"
#include "git/create.h"
#include "git/library.h"
#include "git/message.h"
#include "git/plan.h"
#include "git/project-file.h"
#include "git/remove.h"
#include "git/root.h"
#include "git/status.h"
#include "git/undo.h"
#include "host/cgroup.h"

#define CONTROL_FD STDIN_FILENO
#define CALLS_FD STDOUT_FILENO

/* The memory limit of one process, git or a filter. Mapped files do not count. */
#define MEMORY_MAX (4ull << 30)

static GCancellable *cancellable;
static Kept *kept;

/* --- The calls: each puts its answer into a dictionary --- */

typedef struct {
    GVariantDict *arguments, *answer;
    const char *root;
    Repo *repo; /* NULL for methods without one */
    GError *error;
} Call;

static const char *take_bytes(const Call *call, const char *key)
{
    const char *bytes = NULL;
    g_variant_dict_lookup(call->arguments, key, "^&ay", &bytes);
    return bytes;
}

static gboolean take_flag(const Call *call, const char *key)
{
    gboolean flag = FALSE;
    return g_variant_dict_lookup(call->arguments, key, "b", &flag) && flag;
}

static Worktree *take_worktree(const Call *call)
{
    g_autoptr(GVariant) variant =
        g_variant_dict_lookup_value(call->arguments, "worktree", G_VARIANT_TYPE_VARDICT);
    return worktree_from_variant(variant);
}

static void answer_with_all_of(Call *call, GVariant *dict_taken)
{
    g_autoptr(GVariant) dict = g_variant_ref_sink(dict_taken);
    GVariantIter iter;
    const char *key;
    GVariant *value;
    g_variant_iter_init(&iter, dict);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value))
        g_variant_dict_insert_value(call->answer, key, value);
}

static void answer_with_config(Call *call, const char *root)
{
    g_autofree char *text = NULL;
    gsize length;
    if (!project_file_read(root, &text, &length, &call->error) || !text)
        return;
    GVariant *bytes = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, text, length, sizeof(guint8));
    g_variant_dict_insert_value(call->answer, "config", bytes);
}

static void read_config(Call *call)
{
    answer_with_config(call, call->root);
}

static void resolve(Call *call)
{
    g_autofree char *root = project_resolve(kept, call->root, &call->error);
    if (!root)
        return;
    g_variant_dict_insert(call->answer, "root", "^ay", root);
    if (take_flag(call, "config"))
        answer_with_config(call, root);
}

static void plan(Call *call)
{
    g_autoptr(Worktree) worktree =
        worktree_plan(call->repo, take_bytes(call, "story"), take_bytes(call, "base-branch"),
                      take_bytes(call, "place"), &call->error);
    if (worktree)
        answer_with_all_of(call, worktree_to_variant(worktree));
}

static void create(Call *call)
{
    g_autoptr(Worktree) worktree = take_worktree(call);
    g_auto(GStrv) copy = NULL;
    g_variant_dict_lookup(call->arguments, "copy", "^aay", &copy);
    worktree_create(call->repo, worktree, take_flag(call, "needs-setup"), (const char *const *)copy,
                    &call->error);
}

static void undo(Call *call)
{
    g_autoptr(Worktree) worktree = take_worktree(call);
    guint64 since = G_MAXUINT64;
    g_variant_dict_lookup(call->arguments, "since", "t", &since);
    worktree_break_stale_locks(call->repo, since);
    worktree_undo(call->repo, worktree, take_flag(call, "all"), &call->error);
}

static void status(Call *call)
{
    g_autoptr(WorktreeStatus) found = worktree_status(call->repo, take_bytes(call, "story"));
    if (found)
        g_variant_dict_insert_value(call->answer, "status", worktree_status_to_variant(found));
}

static void list(Call *call)
{
    g_autoptr(GPtrArray) found = worktree_list(call->repo);
    GVariantBuilder builder;
    g_variant_builder_init(&builder, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < found->len; i++)
        g_variant_builder_add_value(&builder, worktree_status_to_variant(found->pdata[i]));
    g_variant_dict_insert_value(call->answer, "worktrees", g_variant_builder_end(&builder));
}

static void remove_tree(Call *call)
{
    worktree_remove(call->repo, take_bytes(call, "story"), take_flag(call, "force"), &call->error);
}

static const struct {
    const char *name;
    void (*serve)(Call *call);
    gboolean without_repo;
} methods[] = {
    {"resolve", resolve, TRUE},
    {"read-config", read_config, TRUE},
    {"plan", plan},
    {"create", create},
    {"undo", undo},
    {"status", status},
    {"list", list},
    {"remove", remove_tree},
};

/* --- Serving them --- */

static void open_repo(Call *call)
{
    g_auto(GStrv) environment = NULL;
    g_variant_dict_lookup(call->arguments, "environment", "^aay", &environment);
    call->repo = repo_open_kept(kept, call->root, environment, cancellable, &call->error);
}

static void serve_method(Call *call, const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (!g_str_equal(name, methods[i].name))
            continue;
        if (!methods[i].without_repo)
            open_repo(call);
        if (!call->error)
            methods[i].serve(call);
        g_clear_pointer(&call->repo, repo_free);
    }
}

static void put_error(Call *call)
{
    /* The domain of all that these functions set; anything else has no name in the contract. */
    gint32 code =
        call->error->domain == STORKIT_ERROR ? call->error->code : STORKIT_ERROR_WORKTREE_FAILED;
    g_variant_dict_insert(call->answer, "code", "i", code);
    g_variant_dict_insert(call->answer, "error", "^ay", call->error->message);
    g_clear_error(&call->error);
}

static GVariant *serve(GVariant *message)
{
    g_auto(GVariantDict) arguments = G_VARIANT_DICT_INIT(message);
    g_auto(GVariantDict) answer = G_VARIANT_DICT_INIT(NULL);
    Call call = {.arguments = &arguments, .answer = &answer};
    const char *method = "";
    g_variant_dict_lookup(&arguments, "method", "&s", &method);
    call.root = take_bytes(&call, "root");
    serve_method(&call, method);
    if (call.error)
        put_error(&call);
    return g_variant_dict_end(&answer);
}

/* --- The service's word while a call is served --- */

/* The processes that git has started are in cells inside this one. */
static void end_all(void)
{
    g_autofree char *own = cgroup_of_process(getpid());
    g_autofree char *name = own ? g_path_get_basename(own) : NULL;
    if (name && g_str_has_prefix(name, "work-"))
        cgroup_kill(own);
    _exit(1);
}

static gpointer watch_control(gpointer unused)
{
    char byte;
    ssize_t n;
    while ((n = read(CONTROL_FD, &byte, 1)) > 0 || (n < 0 && errno == EINTR))
        if (n > 0)
            g_cancellable_cancel(cancellable);
    end_all();
    return NULL;
}

static void limit_memory(void)
{
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit limit = {MEMORY_MAX, MEMORY_MAX};
    setrlimit(RLIMIT_DATA, &limit);
#endif
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
}

int main(void)
{
    setlocale(LC_ALL, "");
    prctl(PR_SET_NAME, "storkit-git");
    signal(SIGPIPE, SIG_IGN);
    /* Stdout is the calls'. */
    g_log_writer_default_set_use_stderr(TRUE);
    limit_memory();
    fault_point_ends_parent();
    worktree_library_init();
    cancellable = g_cancellable_new();
    kept = kept_new();
    g_thread_unref(g_thread_new("control", watch_control, NULL));
    for (;;) {
        g_autoptr(GVariant) message = message_receive(CALLS_FD);
        if (!message || !message_send(CALLS_FD, serve(message)))
            return 0;
    }
}
