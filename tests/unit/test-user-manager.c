/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib-unix.h>
#include <glib/gstdio.h>

#include "base/error.h"
#include "base/util.h"
#include "host/bus-source.h"
#include "host/systemd.h"

/*
 * The client of the user manager, against a manager on a socket that answers as a test likes: what
 * a real one does too rarely, or in one order only.
 */

#define MANAGER_NAME "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define MANAGER "org.freedesktop.systemd1.Manager"
#define JOB MANAGER_PATH "/job/1"
#define UNIT "app-storkit-test.scope"

typedef struct {
    char *folder, *path;
    int listener;
    guint accept_source;
    sd_bus *peer; /* the manager's end */
    GSource *peer_source;
    Systemd *systemd;

    /* How the manager behaves. */
    const char *before; /* the result of the job, told before the call is answered; or NULL */
    const char *error;  /* the name of the answer's error, or NULL */
    const char *away;   /* the name of the next error of Subscribe, or NULL */
    gboolean knows_unit;

    guint starts, gets, stops; /* calls of StartTransientUnit, of GetUnit, of StopUnit */
    guint subscribes;          /* of Subscribe, on as many connections */
    gboolean with_oom_policy;
    gboolean answered, lost, gone;
    GError *result; /* of the scope's start */
} Fixture;

static void send_signal(Fixture *fixture, const char *member, const char *types, const char *unit,
                        const char *object, const char *result)
{
    sd_bus_message *m = NULL;
    g_assert_cmpint(sd_bus_message_new_signal(fixture->peer, &m, MANAGER_PATH, MANAGER, member), >=,
                    0);
    sd_bus_message_set_sender(m, MANAGER_NAME);
    if (result)
        sd_bus_message_append(m, types, 1, object, unit, result);
    else
        sd_bus_message_append(m, types, unit, object);
    g_assert_cmpint(sd_bus_send(fixture->peer, m, NULL), >=, 0);
    sd_bus_message_unref(m);
}

static void end_job(Fixture *fixture, const char *job, const char *unit, const char *result)
{
    send_signal(fixture, "JobRemoved", "uoss", unit, job, result);
}

static gboolean has_oom_policy(sd_bus_message *m)
{
    const char *name = NULL;
    gboolean found = FALSE;
    sd_bus_message_skip(m, "ss");
    sd_bus_message_enter_container(m, 'a', "(sv)");
    while (sd_bus_message_enter_container(m, 'r', "sv") > 0) {
        sd_bus_message_read(m, "s", &name);
        found |= g_str_equal(name, "OOMPolicy");
        sd_bus_message_skip(m, "v");
        sd_bus_message_exit_container(m);
    }
    return found;
}

static int answer_start(Fixture *fixture, sd_bus_message *m)
{
    fixture->starts++;
    fixture->with_oom_policy = has_oom_policy(m);
    if (fixture->error)
        return sd_bus_reply_method_errorf(m, g_steal_pointer(&fixture->error), "no");
    if (fixture->before) {
        end_job(fixture, MANAGER_PATH "/job/7", UNIT, "canceled"); /* another one, of this unit */
        end_job(fixture, JOB, UNIT, fixture->before);
    }
    fixture->answered = TRUE;
    return sd_bus_reply_method_return(m, "o", JOB);
}

static int on_message(sd_bus_message *m, void *userdata, sd_bus_error *ret_error)
{
    Fixture *fixture = userdata;
    if (sd_bus_message_is_method_call(m, NULL, "Hello") > 0)
        return sd_bus_reply_method_return(m, "s", ":1.1");
    if (sd_bus_message_is_method_call(m, MANAGER, "StartTransientUnit") > 0)
        return answer_start(fixture, m);
    if (sd_bus_message_is_method_call(m, MANAGER, "GetUnit") > 0) {
        fixture->gets++;
        return fixture->knows_unit
                   ? sd_bus_reply_method_return(m, "o", MANAGER_PATH "/unit/x")
                   : sd_bus_reply_method_errorf(m, MANAGER_NAME ".NoSuchUnit", "none");
    }
    if (sd_bus_message_is_method_call(m, MANAGER, "StopUnit") > 0)
        fixture->stops++;
    if (sd_bus_message_is_method_call(m, MANAGER, "Subscribe") > 0) {
        fixture->subscribes++;
        if (fixture->away)
            return sd_bus_reply_method_errorf(m, g_steal_pointer(&fixture->away), "not yet");
    }
    return sd_bus_reply_method_return(m, ""); /* AddMatch too */
}

static void on_peer_failed(int error, gpointer data)
{
}

static gboolean on_connection(int fd, GIOCondition condition, gpointer data)
{
    Fixture *fixture = data;
    int end = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    sd_id128_t id = SD_ID128_MAKE(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    g_assert_cmpint(sd_bus_new(&fixture->peer), >=, 0);
    g_assert_cmpint(sd_bus_set_fd(fixture->peer, end, end), >=, 0);
    g_assert_cmpint(sd_bus_set_server(fixture->peer, 1, id), >=, 0);
    g_assert_cmpint(sd_bus_negotiate_fds(fixture->peer, 1), >=, 0);
    g_assert_cmpint(sd_bus_add_filter(fixture->peer, NULL, on_message, fixture), >=, 0);
    g_assert_cmpint(sd_bus_start(fixture->peer), >=, 0);
    fixture->peer_source = bus_source_new(fixture->peer, NULL, on_peer_failed, NULL);
    fixture->accept_source = 0;
    return G_SOURCE_REMOVE;
}

static void on_manager_gone(gpointer data)
{
    ((Fixture *)data)->lost = TRUE;
}

static void listen_again(Fixture *fixture)
{
    fixture->accept_source = g_unix_fd_add(fixture->listener, G_IO_IN, on_connection, fixture);
}

static void set_up(Fixture *fixture, gconstpointer data)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    fixture->folder = g_dir_make_tmp("storkit-test.XXXXXX", NULL);
    fixture->path = g_build_filename(fixture->folder, "bus", NULL);
    g_strlcpy(address.sun_path, fixture->path, sizeof(address.sun_path));
    fixture->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(fixture->listener, (struct sockaddr *)&address, sizeof(address)), ==, 0);
    g_assert_cmpint(listen(fixture->listener, 1), ==, 0);
    listen_again(fixture);
    g_setenv("XDG_RUNTIME_DIR", fixture->folder, TRUE);

    g_autoptr(GError) error = NULL;
    fixture->systemd = systemd_new(on_manager_gone, fixture, &error);
    g_assert_no_error(error);
}

static void close_peer(Fixture *fixture)
{
    if (!fixture->peer)
        return;
    g_source_destroy(fixture->peer_source);
    g_source_unref(fixture->peer_source);
    fixture->peer = sd_bus_close_unref(fixture->peer);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
    systemd_free(fixture->systemd);
    g_clear_handle_id(&fixture->accept_source, g_source_remove);
    close_peer(fixture);
    close(fixture->listener);
    g_unlink(fixture->path);
    g_rmdir(fixture->folder);
    g_free(fixture->path);
    g_free(fixture->folder);
    g_clear_error(&fixture->result);
}

#define WAIT_UNTIL(condition)                                                                      \
    while (!(condition))                                                                           \
    g_main_context_iteration(NULL, TRUE)

typedef struct {
    Fixture *fixture;
    gboolean done, made;
} ScopeCall;

static void on_scope(GObject *source, GAsyncResult *result, gpointer data)
{
    ScopeCall *call = data;
    call->made = systemd_start_scope_finish(result, &call->fixture->result);
    call->done = TRUE;
}

static void start_scope(Fixture *fixture, ScopeCall *call)
{
    Limits limits;
    limits_init(&limits);
    ScopeSpec spec = {.unit = UNIT, .description = "test", .pid = getpid(), .limits = &limits};
    *call = (ScopeCall){fixture};
    systemd_start_scope(fixture->systemd, &spec, NULL, on_scope, call);
}

static void assert_scope_failed(Fixture *fixture, const char *why)
{
    g_assert_error(fixture->result, STORKIT_ERROR, STORKIT_ERROR_SCOPE_FAILED);
    g_assert_nonnull(strstr(fixture->result->message, why));
}

static void test_job_that_ends_before_the_answer(Fixture *fixture, gconstpointer data)
{
    ScopeCall call;
    fixture->before = "done";
    start_scope(fixture, &call);
    WAIT_UNTIL(call.done);
    g_assert_no_error(fixture->result);
    g_assert_true(call.made);
}

static void test_job_that_fails_before_the_answer(Fixture *fixture, gconstpointer data)
{
    ScopeCall call;
    fixture->before = "failed";
    start_scope(fixture, &call);
    WAIT_UNTIL(call.done);
    assert_scope_failed(fixture, "'failed'");
}

/* The answer to the call is not the end of the job, and the end of another's job is not this one's.
 */
static void test_job_that_ends_late(Fixture *fixture, gconstpointer result)
{
    ScopeCall call;
    start_scope(fixture, &call);
    WAIT_UNTIL(fixture->answered);
    end_job(fixture, MANAGER_PATH "/job/2", UNIT, "done");
    end_job(fixture, MANAGER_PATH "/job/3", "other.scope", "done");
    send_signal(fixture, "UnitRemoved", "so", "other.scope", MANAGER_PATH "/unit/x", NULL);
    for (guint i = 0; i < 20; i++) /* what was sent is read */
        g_main_context_iteration(NULL, FALSE);
    g_assert_false(call.done);
    end_job(fixture, JOB, UNIT, result);
    WAIT_UNTIL(call.done);
    if (g_str_equal(result, "done"))
        g_assert_no_error(fixture->result);
    else
        assert_scope_failed(fixture, result);
}

static void test_call_that_is_refused(Fixture *fixture, gconstpointer data)
{
    ScopeCall call;
    fixture->error = MANAGER_NAME ".BadUnitSetting";
    start_scope(fixture, &call);
    WAIT_UNTIL(call.done);
    assert_scope_failed(fixture, UNIT);
    g_assert_cmpuint(fixture->starts, ==, 1);
}

/* A manager said so of a name that nobody had used before, once in many thousand Starts. */
static void test_name_that_is_taken_for_a_moment(Fixture *fixture, gconstpointer data)
{
    ScopeCall call;
    fixture->before = "done";
    fixture->error = MANAGER_NAME ".UnitExists";
    start_scope(fixture, &call);
    WAIT_UNTIL(call.done);
    g_assert_no_error(fixture->result);
    g_assert_cmpuint(fixture->starts, ==, 2);
}

/* Systemd before 253 has no OOMPolicy for scopes. */
static void test_manager_without_oom_policy(Fixture *fixture, gconstpointer data)
{
    ScopeCall call;
    fixture->before = "done";
    fixture->error = SD_BUS_ERROR_PROPERTY_READ_ONLY;
    start_scope(fixture, &call);
    WAIT_UNTIL(call.done);
    g_assert_no_error(fixture->result);
    g_assert_cmpuint(fixture->starts, ==, 2);
    g_assert_false(fixture->with_oom_policy);
}

static void on_gone(gpointer data)
{
    ((Fixture *)data)->gone = TRUE;
}

/* At a reload the manager announces every unit as removed: only its answer counts. */
static void test_unit_is_gone_when_the_manager_knows_none(Fixture *fixture, gconstpointer data)
{
    fixture->knows_unit = TRUE;
    UnitWatch *watch = systemd_watch_gone(fixture->systemd, UNIT, on_gone, fixture);
    g_assert_false(fixture->gone);
    WAIT_UNTIL(fixture->gets == 1);
    send_signal(fixture, "UnitRemoved", "so", UNIT, MANAGER_PATH "/unit/x", NULL);
    WAIT_UNTIL(fixture->gets == 2);
    g_assert_false(fixture->gone);
    fixture->knows_unit = FALSE;
    send_signal(fixture, "UnitRemoved", "so", UNIT, MANAGER_PATH "/unit/x", NULL);
    WAIT_UNTIL(fixture->gone);
    unit_watch_free(watch);
}

/* The connection is lost, and can be made again. */
static void lose_connection(Fixture *fixture)
{
    WAIT_UNTIL(fixture->subscribes > 0);
    close_peer(fixture);
    listen_again(fixture);
}

static void test_watch_outlives_a_lost_connection(Fixture *fixture, gconstpointer data)
{
    fixture->knows_unit = TRUE;
    UnitWatch *watch = systemd_watch_gone(fixture->systemd, UNIT, on_gone, fixture);
    WAIT_UNTIL(fixture->gets == 1);
    lose_connection(fixture);
    WAIT_UNTIL(fixture->gets == 2);
    send_signal(fixture, "UnitRemoved", "so", UNIT, MANAGER_PATH "/unit/x", NULL);
    WAIT_UNTIL(fixture->gets == 3);
    g_assert_false(fixture->gone);
    fixture->knows_unit = FALSE;
    send_signal(fixture, "UnitRemoved", "so", UNIT, MANAGER_PATH "/unit/x", NULL);
    WAIT_UNTIL(fixture->gone);
    g_assert_false(fixture->lost);
    unit_watch_free(watch);
}

/* Whether the job's end was told meanwhile nobody knows: the call is made again. */
static void test_start_outlives_a_lost_connection(Fixture *fixture, gconstpointer data)
{
    ScopeCall call;
    start_scope(fixture, &call);
    WAIT_UNTIL(fixture->answered);
    fixture->before = "done";
    lose_connection(fixture);
    WAIT_UNTIL(call.done);
    g_assert_no_error(fixture->result);
    g_assert_cmpuint(fixture->starts, ==, 2);
}

static void test_order_outlives_a_lost_connection(Fixture *fixture, gconstpointer data)
{
    lose_connection(fixture);
    g_main_context_iteration(NULL, TRUE); /* it may have been noticed, or not */
    systemd_stop_unit(fixture->systemd, UNIT);
    WAIT_UNTIL(fixture->stops > 0);
}

/* After a restart of the bus the manager comes to it later than we do. */
static void test_bus_without_its_manager_is_left_again(Fixture *fixture, gconstpointer data)
{
    lose_connection(fixture);
    WAIT_UNTIL(fixture->peer);
    fixture->away = SD_BUS_ERROR_SERVICE_UNKNOWN;
    WAIT_UNTIL(fixture->subscribes == 2);
    lose_connection(fixture);
    systemd_stop_unit(fixture->systemd, UNIT);
    WAIT_UNTIL(fixture->stops > 0);
    g_assert_cmpuint(fixture->subscribes, ==, 3);
}

static void test_manager_that_is_gone_is_told_of(Fixture *fixture, gconstpointer data)
{
    WAIT_UNTIL(fixture->subscribes > 0);
    close_peer(fixture);
    close(fixture->listener);
    WAIT_UNTIL(fixture->lost);
    fixture->listener = -1;
}

#define TEST(path, data, function)                                                                 \
    g_test_add("/user-manager/" path, Fixture, data, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_setenv("STORKIT_MANAGER_STEP_MSEC", "1", TRUE);
    /* What fails on purpose is warned of. */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
    TEST("job-that-ends-before-the-answer", NULL, test_job_that_ends_before_the_answer);
    TEST("job-that-fails-before-the-answer", NULL, test_job_that_fails_before_the_answer);
    TEST("job-that-ends-late", "done", test_job_that_ends_late);
    TEST("job-that-fails-late", "failed", test_job_that_ends_late);
    TEST("job-that-ends-as-frozen", "frozen", test_job_that_ends_late);
    TEST("call-that-is-refused", NULL, test_call_that_is_refused);
    TEST("name-that-is-taken-for-a-moment", NULL, test_name_that_is_taken_for_a_moment);
    TEST("manager-without-oom-policy", NULL, test_manager_without_oom_policy);
    TEST("unit-is-gone-when-the-manager-knows-none", NULL,
         test_unit_is_gone_when_the_manager_knows_none);
    TEST("watch-outlives-a-lost-connection", NULL, test_watch_outlives_a_lost_connection);
    TEST("start-outlives-a-lost-connection", NULL, test_start_outlives_a_lost_connection);
    TEST("order-outlives-a-lost-connection", NULL, test_order_outlives_a_lost_connection);
    TEST("bus-without-its-manager-is-left-again", NULL, test_bus_without_its_manager_is_left_again);
    TEST("manager-that-is-gone-is-told-of", NULL, test_manager_that_is_gone_is_told_of);
    return g_test_run();
}
