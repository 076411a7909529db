/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pool/limits.h"

#include "base/test-hooks.h"
#include "base/util.h"

/* Runs that wait for the same time begin within this. */
#define SPREAD_MSEC 60000

typedef struct {
    const Run *run;
    guint64 until;
} Search;

/* When the limit ends that @run has run into, or waits for. */
static guint64 limit_known_by(const Run *run)
{
    const RunResult *result = run_get_result(run);
    const RunFacts *facts = run_get_facts(run);
    if (result)
        return result->limited ? facts->retry_at : 0;
    return facts->assistant ? facts->retry_at
                            : MAX(run_get_record(run)->limit_until, facts->retry_at);
}

static void look_at(Run *run, gpointer data)
{
    Search *search = data;
    const char *account = run_get_record(search->run)->account;
    if (run != search->run && g_strcmp0(run_get_record(run)->account, account) == 0)
        search->until = MAX(search->until, limit_known_by(run));
}

/* The same for each run over all of its waiting, whichever service asks. */
static guint64 spread_of(const Run *run)
{
    guint spread = test_limit("STORKIT_LIMIT_SPREAD_MSEC", SPREAD_MSEC);
    return spread > 0 ? (guint64)(g_str_hash(run_get_id(run)) % spread) * 1000 : 0;
}

void limits_keep(Runs *runs, const Run *run)
{
    const RunRecord *record = run_get_record(run);
    const RunResult *result = run_get_result(run);
    if (record->account && result && result->outcome == OUTCOME_STOPPED && !run_get_started(run))
        runs_keep_limit(runs, record->account, record->limit_until);
}

guint64 limits_hold(const Runs *runs, const Run *run)
{
    const RunRecord *record = run_get_record(run);
    Search search = {run, record->limit_until};
    if (record->hurries)
        return 0;
    if (record->account) {
        search.until = MAX(search.until, runs_kept_limit(runs, record->account));
        runs_each_listed(runs, look_at, &search);
    }
    if (search.until == 0)
        return 0;
    guint64 at = search.until + spread_of(run);
    return at > now_usec() ? at : 0;
}
