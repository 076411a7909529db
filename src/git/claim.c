/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "git/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json-file.h"
#include "base/names.h"
#include "base/test-hooks.h"
#include "base/util.h"
#include "host/machine.h"

#define CLAIM "storkit-claim"

/* Each try that fails has seen a claim come and go. */
#define TRIES 5

typedef struct {
    Machine *machine; /* NULL: the file is empty, or tells nothing */
    char *run_id;
} Claim;

static void claim_clear(Claim *claim)
{
    machine_free(claim->machine);
    g_free(claim->run_id);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Claim, claim_clear)

static int open_admin(const char *admin, GError **error)
{
    int fd = open(admin, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        set_errno_error(error, errno, "opening git's folder %s", admin);
    return fd;
}

/* FALSE: there is none. */
static gboolean read_claim(int admin_fd, Claim *ret_claim)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(JsonObject) object = json_file_read(admin_fd, CLAIM, &error);
    *ret_claim = (Claim){0};
    if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
        return FALSE;
    ret_claim->machine = object ? machine_read(object) : NULL;
    ret_claim->run_id = g_strdup(object ? json_get_string(object, "run_id") : NULL);
    return TRUE;
}

static gboolean check(const Claim *claim, const char *admin, GError **error)
{
    if (machine_is_ours(claim->machine))
        return TRUE;
    g_autofree char *host = name_for_message(claim->machine->host);
    g_autofree char *run_id = name_for_message(claim->run_id ? claim->run_id : "?");
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_ALREADY_RUNNING,
                "run %s on host %s works in this worktree: see `storkitctl -H %s list`, and stop "
                "it there or wait for its end; only if that host is gone for good, remove %s/%s",
                run_id, host, host, admin, CLAIM);
    return FALSE;
}

gboolean worktree_claim_check(const char *admin, GError **error)
{
    g_auto(Claim) claim = {0};
    autofd admin_fd = open_admin(admin, NULL);
    return admin_fd < 0 || !read_claim(admin_fd, &claim) || check(&claim, admin, error);
}

char *worktree_claim_find_host(const char *admin)
{
    g_auto(Claim) claim = {0};
    autofd admin_fd = open_admin(admin, NULL);
    if (admin_fd < 0 || !read_claim(admin_fd, &claim) || machine_is_ours(claim.machine))
        return NULL;
    return g_strdup(claim.machine->host);
}

/* --- Making one --- */

/* A file of its own for each run: two hosts may be at it. */
static char *draft_name(const char *run_id)
{
    return g_strdup_printf(CLAIM ".%s", run_id);
}

static gboolean write_draft(int admin_fd, const char *draft, const char *run_id, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    json_builder_begin_object(builder);
    json_add_string(builder, "run_id", run_id);
    machine_write(machine_get(), builder);
    json_builder_end_object(builder);
    return json_file_write(admin_fd, draft, builder, FALSE, error);
}

/* NFS may have made the link, and lost its answer. */
static gboolean link_draft(int admin_fd, const char *draft)
{
    struct stat st;
    if (linkat(admin_fd, draft, admin_fd, CLAIM, 0) == 0)
        return TRUE;
    int saved = errno;
    gboolean linked = fstatat(admin_fd, draft, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_nlink == 2;
    errno = saved;
    return linked;
}

/* An empty file is made first where the file system has no links: it says nothing for the moment,
 * or for good if we die here, and then counts for nobody's. */
static gboolean reserve(int admin_fd)
{
    autofd fd = openat(admin_fd, CLAIM, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd >= 0;
}

static gboolean replace(int admin_fd, const char *draft)
{
    return renameat(admin_fd, draft, admin_fd, CLAIM) == 0;
}

static gboolean has_no_links(int error)
{
    return error == EPERM || error == EOPNOTSUPP || error == ENOSYS || error == EMLINK;
}

/* Sets errno. EEXIST: somebody has it. */
static gboolean put_where_none_is(int admin_fd, const char *draft)
{
    if (link_draft(admin_fd, draft))
        return TRUE;
    return has_no_links(errno) && reserve(admin_fd) && replace(admin_fd, draft);
}

static gboolean put(int admin_fd, const char *draft, const char *admin, GError **error)
{
    for (int i = 0; i < TRIES; i++) {
        g_auto(Claim) claim = {0};
        if (put_where_none_is(admin_fd, draft))
            return TRUE;
        if (errno != EEXIST)
            break;
        if (read_claim(admin_fd, &claim)) {
            if (!check(&claim, admin, error))
                return FALSE;
            if (replace(admin_fd, draft))
                return TRUE;
            break;
        }
    }
    g_set_error(error, STORKIT_ERROR, STORKIT_ERROR_WORKTREE_FAILED,
                "cannot claim the worktree: writing %s/%s: %s", admin, CLAIM, g_strerror(errno));
    return FALSE;
}

gboolean worktree_claim_take(const char *admin, const char *run_id, GError **error)
{
    g_autofree char *draft = draft_name(run_id);
    autofd admin_fd = open_admin(admin, error);
    if (admin_fd < 0 || !write_draft(admin_fd, draft, run_id, error))
        return FALSE;
    fault_point("claim-draft");
    gboolean taken = put(admin_fd, draft, admin, error);
    unlinkat(admin_fd, draft, 0);
    return taken;
}

/* --- Letting go of one --- */

static void hand_over(int admin_fd, const char *next)
{
    g_autofree char *draft = draft_name(next);
    g_autoptr(GError) error = NULL;
    if (!write_draft(admin_fd, draft, next, &error) || !replace(admin_fd, draft))
        g_debug("making a claim that of run %s: %s", next, error ? error->message : "");
}

void worktree_claim_release(const char *admin, const char *run_id, const char *next)
{
    g_auto(Claim) claim = {0};
    g_autofree char *draft = draft_name(run_id);
    g_autofree char *unfinished = g_strconcat(draft, ".new", NULL); /* json_file_write()'s */
    autofd admin_fd = open_admin(admin, NULL);
    if (admin_fd < 0)
        return;
    unlinkat(admin_fd, draft, 0);
    unlinkat(admin_fd, unfinished, 0);
    if (!read_claim(admin_fd, &claim) || !claim.machine || !machine_is_ours(claim.machine))
        return;
    if (next)
        hand_over(admin_fd, next);
    else
        unlinkat(admin_fd, CLAIM, 0);
}
