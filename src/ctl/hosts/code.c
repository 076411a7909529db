/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/hosts/code.h"

#include <sys/wait.h>

#include "ctl/git.h"
#include "ctl/hosts/ssh.h"
#include "ctl/project.h"

#define HEADS "refs/heads/"
#define STORIES "story/"

/* What the host says of the project: its folder is the first argument, the first commit of ours the
 * second, the story's branch the third. It prints the commit of that branch. */
#define LOOK                                                                                       \
    "cd \"$1\" 2>/dev/null && git rev-parse --git-dir >/dev/null 2>&1 || exit 125\n"               \
    "git rev-parse --quiet --verify \"refs/heads/$3\" && exit 0\n"                                 \
    "git rev-parse --quiet --verify HEAD >/dev/null || exit 0\n"                                   \
    "git merge-base --is-ancestor \"$2\" HEAD 2>/dev/null || exit 124\n"
#define STATUS_UNRELATED 124

/* A branch that is checked out there moves on only where its files are as they were committed. */
#define RECEIVE "--receive-pack=git -c receive.denyCurrentBranch=updateInstead receive-pack"

typedef struct {
    const char *host;
    char *root;   /* of the project here */
    char *folder; /* of the one there, as a word for the shell */
    char *shown;  /* for people, and for git */
} Code;

static void code_clear(Code *code)
{
    g_free(code->root);
    g_free(code->folder);
    g_free(code->shown);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Code, code_clear)

/* FALSE: there is no project here. */
static gboolean code_init(Code *code, const Ctl *ctl)
{
    g_autofree char *story = NULL;
    *code = (Code){.host = ctl->hosts[0]};
    if (!project_find(".", &code->root, &story, NULL) || !code->root)
        return FALSE;
    code->folder = ssh_find_folder(ctl, &code->shown);
    if (ctl->directory) {
        code->folder = g_shell_quote(ctl->directory);
        code->shown = g_strdup(ctl->directory);
    }
    g_autofree char *command = ssh_command_line(SSH_PLAIN);
    g_setenv("GIT_SSH_COMMAND", command, TRUE);
    g_setenv("GIT_SSH_VARIANT", "ssh", TRUE);
    git_forget_environment();
    return TRUE;
}

static char *url_of(const Code *code)
{
    return g_strdup_printf("%s:%s", code->host, code->shown);
}

static void set_missing(const Code *code, GError **error)
{
    g_autofree char *origin = git_output(code->root, NULL, "remote", "get-url", "origin", NULL);
    g_autofree char *words = origin && *origin ? g_strdup_printf("clone %s", origin) : NULL;
    g_set_error(error, CTL_ERROR, CTL_ERROR_NOT_FOUND,
                "%s has no project at %s: `ssh %s git %s %s` makes it, or name another with -C DIR",
                code->host, code->shown, code->host, words ?: "init", code->shown);
}

/* Runs LOOK. Returns its exit status; @ret gets what it printed. -1 with @error set. */
static int look(const Code *code, const char *first, const char *branch, char **ret, GError **error)
{
    g_autofree char *script = g_shell_quote(LOOK);
    g_autofree char *quoted = g_shell_quote(branch);
    g_autofree char *command =
        g_strdup_printf("exec sh -c %s sh %s %s %s", script, code->folder, first, quoted);
    g_auto(GStrv) argv = ssh_argv(code->host, SSH_PLAIN, command);
    g_autoptr(GError) problem = NULL;
    int status;
    if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN,
                      ssh_die_with_parent, NULL, ret, NULL, &status, &problem)) {
        g_set_error(error, CTL_ERROR, CTL_ERROR_FAILED, "cannot run %s: %s", argv[0],
                    problem->message);
        return -1;
    }
    g_strchomp(*ret);
    status = WIFEXITED(status) ? WEXITSTATUS(status) : SSH_STATUS_FAILED;
    if (status == SSH_STATUS_FAILED)
        g_set_error(error, CTL_ERROR, CTL_ERROR_UNREACHABLE, "%s cannot be reached", code->host);
    else if (status == SSH_STATUS_NO_FOLDER)
        set_missing(code, error);
    return status == SSH_STATUS_FAILED || status == SSH_STATUS_NO_FOLDER ? -1 : status;
}

/* A local branch's full name, or NULL. */
static char *find_branch(const Code *code, const char *name)
{
    g_autofree char *ref = g_strconcat(HEADS, name, NULL);
    return git_succeeds(code->root, "show-ref", "--verify", "--quiet", ref, NULL)
               ? g_steal_pointer(&ref)
               : NULL;
}

/* Whether the branch @ref has more than @commit, which is the host's: of one that we do not know
 * the host has more. */
static gboolean is_ahead(const Code *code, const char *ref, const char *commit)
{
    g_autofree char *own = git_output(code->root, NULL, "rev-parse", "--verify", ref, NULL);
    return g_strcmp0(own, commit) != 0 &&
           git_succeeds(code->root, "merge-base", "--is-ancestor", commit, ref, NULL);
}

static gboolean push(const Code *code, const char *what, const char *also, GError **error)
{
    g_autofree char *url = url_of(code);
    g_autofree char *output =
        git_output(code->root, error, "push", "--quiet", "--no-verify", "--no-follow-tags",
                   "--recurse-submodules=no", RECEIVE, url, what, also, NULL);
    return output != NULL;
}

/* The host has begun the story: its branch there gets what we have more. */
static gboolean push_story(const Code *code, const char *branch, const char *commit, GError **error)
{
    g_autofree char *ref = find_branch(code, branch);
    if (!ref || !is_ahead(code, ref, commit))
        return TRUE;
    g_autofree char *what = g_strdup_printf("%s:%s", ref, ref);
    if (push(code, what, NULL, error))
        return TRUE;
    g_prefix_error(error, "%s has commits that the one on %s lacks, and does not take: ", branch,
                   code->host);
    return FALSE;
}

static gboolean push_base(const Code *code, const char *base, const char *branch, char **ret_base,
                          GError **error)
{
    g_autofree char *ref = find_branch(code, base), *story = find_branch(code, branch);
    if (!ref)
        return TRUE;
    g_autofree char *what = g_strdup_printf("+%s:refs/remotes/" CODE_REMOTE "%s", ref, base);
    g_autofree char *also = story ? g_strdup_printf("%s:%s", story, story) : NULL;
    if (!push(code, what, also, error))
        return FALSE;
    *ret_base = g_strconcat(CODE_REMOTE, base, NULL);
    return TRUE;
}

/* The last of the commits without a parent: the oldest of them. */
static char *first_commit(const Code *code, const char *branch)
{
    g_autofree char *roots =
        git_output(code->root, NULL, "rev-list", "--max-parents=0", branch, "--", NULL);
    const char *last = roots ? strrchr(roots, '\n') : NULL;
    return g_strdup(last ? last + 1 : roots);
}

gboolean code_push(Ctl *ctl, const char *story, const char *base, char **ret_base, GError **error)
{
    g_auto(Code) code = {0};
    g_autofree char *there = NULL, *head = NULL;
    g_autofree char *branch = g_strconcat(STORIES, story, NULL);
    *ret_base = NULL;
    if (!code_init(&code, ctl))
        return TRUE;
    if (!base)
        base = head = git_output(code.root, NULL, "symbolic-ref", "--short", "HEAD", NULL);
    g_autofree char *first = base ? first_commit(&code, base) : NULL;
    if (!first)
        return TRUE;
    int status = look(&code, first, branch, &there, error);
    if (status < 0)
        return FALSE;
    if (status == STATUS_UNRELATED)
        ctl_note(ctl, "%s on %s has another history: the code here stays here", code.shown,
                 code.host);
    if (status != 0)
        return TRUE;
    return *there ? push_story(&code, branch, there, error)
                  : push_base(&code, base, branch, ret_base, error);
}

gboolean code_find(Ctl *ctl, GError **error)
{
    g_auto(Code) code = {0};
    g_autofree char *output = NULL;
    if (!code_init(&code, ctl)) {
        g_set_error_literal(error, CTL_ERROR, CTL_ERROR_USAGE,
                            "the current folder is not in a git repository: go to the project");
        return FALSE;
    }
    return look(&code, "HEAD", "HEAD", &output, error) >= 0;
}

gboolean code_fetch(Ctl *ctl, const char *branch, const char *into, GError **error)
{
    g_auto(Code) code = {0};
    (void)code_init(&code, ctl);
    g_autofree char *url = url_of(&code);
    g_autofree char *what = g_strdup_printf("+" HEADS "%s:%s", branch, into);
    g_autofree char *output =
        git_output(code.root, error, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
                   "--recurse-submodules=no", url, what, NULL);
    return output != NULL;
}
