/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "start/claims.h"

#include "git/claim.h"

char *claims_lane(const char *admin)
{
    return g_strconcat("claim ", admin, NULL);
}

typedef struct {
    char *admin, *run_id, *next;
    void (*done)(gpointer data);
    gpointer data;
} Release;

static void release_in_thread(gpointer data)
{
    const Release *release = data;
    worktree_claim_release(release->admin, release->run_id, release->next);
}

static void on_released(gpointer data)
{
    g_autofree Release *release = data;
    g_free(release->admin);
    g_free(release->run_id);
    g_free(release->next);
    if (release->done)
        release->done(release->data);
}

void claims_release(WorkQueue *work, const Run *run, const Run *next, void (*done)(gpointer data),
                    gpointer data)
{
    const RunRecord *record = run_get_record(run);
    if (!record->worktree) {
        if (done)
            done(data);
        return;
    }
    Release *release = g_new(Release, 1);
    *release = (Release){
        .admin = worktree_admin_of(record->worktree),
        .run_id = g_strdup(record->run_id),
        .next = next ? g_strdup(run_get_id(next)) : NULL,
        .done = done,
        .data = data,
    };
    g_autofree char *lane = claims_lane(release->admin);
    work_queue_push(work, lane, release_in_thread, on_released, release);
}
