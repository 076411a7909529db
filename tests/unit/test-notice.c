/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/changes.h"
#include "desktop/followed.h"
#include "desktop/info.h"
#include "desktop/notice.h"

#define NOW ((guint64)1790000000 * G_USEC_PER_SEC)

static GVariant *parse(const char *members)
{
    g_autofree char *text = g_strdup_printf(
        "@a{sv} {'story_id': <'42_login'>, 'agent_name': <'coder'>, 'project_root': <'/src/shop'>, "
        "'run_id': <'42_login.coder.hofuv8ubcx'>, %s}",
        members);
    GError *error = NULL;
    GVariant *info = g_variant_parse(NULL, text, NULL, NULL, &error);

    g_assert_no_error(error);
    return info;
}

static Notice *notice_of(const char *members)
{
    g_autoptr(GVariant) info = parse(members);

    return notice_new(info, NOW);
}

static void assert_text(const Notice *notice, const char *expected)
{
    g_autofree char *text = notice_dup_text(notice);

    g_assert_cmpstr(text, ==, expected);
}

static void assert_actions(const Notice *notice, const char *expected)
{
    g_autoptr(GString) ids = g_string_new(NULL);

    for (guint i = 0; i < notice->actions->len; i++)
        g_string_append_printf(ids, "%s%s", i > 0 ? " " : "",
                               ((NoticeAction *)notice->actions->pdata[i])->id);
    g_assert_cmpstr(ids->str, ==, expected);
}

static void test_a_run_at_work_is_no_news(void)
{
    g_assert_null(notice_of("'status': <'running'>"));
    g_assert_null(notice_of("'status': <'pending'>, 'queue_position': <uint32 3>"));
    g_assert_null(notice_of("'status': <'running'>, 'waiting': <'setup'>"));
    g_assert_null(notice_of("'status': <'running'>, 'frozen': <true>"));
}

static void test_an_end_tells_what_was_done(void)
{
    g_autoptr(Notice) notice =
        notice_of("'status': <'completed'>, 'turns': <uint32 3>, 'cost_usd': <0.42>, "
                  "'started': <uint64 1000000>, 'ended': <uint64 193000000>");

    g_assert_cmpstr(notice->title, ==, "coder has finished 42_login");
    assert_text(notice, "3 turns, $0.42, 3min 12s\nshop");
    g_assert_false(notice->critical);
    assert_actions(notice, "show diff resume");
}

static void test_a_failure_is_critical_and_harmless(void)
{
    g_autoptr(Notice) notice =
        notice_of("'status': <'failed'>, 'error': <'exit\\nstatus \\x1b 3'>");

    g_assert_true(notice->critical);
    g_assert_cmpstr(notice->title, ==, "coder failed on 42_login");
    g_assert_null(strchr(notice->body, '\033'));
    g_assert_true(g_str_has_prefix(notice->body, "exit status"));
}

static void test_a_question_has_its_answers(void)
{
    g_autoptr(Notice) notice = notice_of(
        "'status': <'running'>, 'waiting': <'permission'>, 'questions': <[{'id': <'q1'>, "
        "'title': <'Bash'>, 'detail': <'rm -r build'>, 'options': <@aa{ss} [{'id': 'allow', "
        "'name': 'Allow'}, {'id': 'deny', 'name': 'Deny'}]>}]>");

    g_assert_cmpint(notice->kind, ==, NOTICE_WAITING);
    g_assert_true(notice->stays);
    g_assert_cmpstr(notice->key, ==, "question q1");
    assert_text(notice, "Bash\nrm -r build\nshop");
    assert_actions(notice, "show answer:allow answer:deny stop");
}

static void test_options_may_be_plain_names(void)
{
    g_autoptr(Notice) notice =
        notice_of("'status': <'running'>, 'waiting': <'permission'>, 'questions': <[{'id': <'q1'>, "
                  "'options': <['yes', 'no']>}]>");

    assert_actions(notice, "show answer:yes answer:no stop");
}

static void test_a_line_that_asks_is_input(void)
{
    g_autoptr(Notice) notice =
        notice_of("'status': <'running'>, 'unfinished_line': <'Go on? [y/N] '>");

    g_assert_cmpstr(notice->title, ==, "coder is waiting for you on 42_login");
    assert_actions(notice, "attach stop");
    g_assert_null(notice_of("'status': <'running'>, 'unfinished_line': <'downloading 45%'>"));
}

static void test_a_limit_has_its_time(void)
{
    g_autoptr(Notice) notice =
        notice_of("'status': <'pending'>, 'waiting': <'limit'>, 'retry_at': <uint64 "
                  "1790003600000000>");

    g_assert_cmpint(notice->kind, ==, NOTICE_WAITING);
    g_assert_true(g_str_has_prefix(notice->body, "The limit ends at "));
    g_assert_false(notice->stays);
    g_assert_null(notice_of("'status': <'running'>, 'retry_at': <uint64 1789999000000000>"));
}

static void test_trouble_is_critical(void)
{
    g_autoptr(Notice) full = notice_of("'status': <'running'>, 'disk_full': <true>");
    g_autoptr(Notice) killed = notice_of("'status': <'running'>, 'oom_kills': <uint64 2>");

    g_assert_cmpint(full->kind, ==, NOTICE_DISK_FULL);
    g_assert_cmpint(killed->kind, ==, NOTICE_MEMORY);
    g_assert_true(full->critical && killed->critical);
    g_assert_true(g_str_has_prefix(killed->body, "2 of its processes were killed for memory."));
}

static gboolean is_at_work(const char *members)
{
    g_autoptr(GVariant) info = parse(members);

    return info_is_at_work(info, NOW);
}

static void test_who_is_at_work(void)
{
    g_assert_true(is_at_work("'status': <'running'>"));
    g_assert_true(is_at_work("'status': <'running'>, 'waiting': <'permission'>"));
    g_assert_false(is_at_work("'status': <'running'>, 'frozen': <true>"));
    g_assert_false(is_at_work("'status': <'running'>, 'waiting': <'limit'>"));
    g_assert_false(is_at_work("'status': <'pending'>, 'queue_position': <uint32 1>"));
    g_assert_false(is_at_work("'status': <'completed'>"));
}

static void assert_changes(const char *json, const char *expected)
{
    g_autofree char *text = changes_from_json(json, -1);

    g_assert_cmpstr(text, ==, expected);
}

static void test_changes_are_counted(void)
{
    assert_changes("{\"files\":[{\"added\":3,\"deleted\":1},{\"added\":4,\"deleted\":0}],"
                   "\"untracked\":1}",
                   "3 files, +7 -1");
    assert_changes("{\"files\":[],\"untracked\":0}", "nothing changed");
    assert_changes("nonsense", NULL);
    assert_changes("[]", NULL);
}

static void test_names_of_followed_runs(void)
{
    g_autofree char *name = followed_name("42_login.coder.hofuv8ubcx");

    g_assert_cmpstr(name, ==, "org.storkit.Followed._342_5flogin_2ecoder_2ehofuv8ubcx");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/notice/a-run-at-work-is-no-news", test_a_run_at_work_is_no_news);
    g_test_add_func("/notice/an-end-tells-what-was-done", test_an_end_tells_what_was_done);
    g_test_add_func("/notice/a-failure-is-critical-and-harmless",
                    test_a_failure_is_critical_and_harmless);
    g_test_add_func("/notice/a-question-has-its-answers", test_a_question_has_its_answers);
    g_test_add_func("/notice/options-may-be-plain-names", test_options_may_be_plain_names);
    g_test_add_func("/notice/a-line-that-asks-is-input", test_a_line_that_asks_is_input);
    g_test_add_func("/notice/a-limit-has-its-time", test_a_limit_has_its_time);
    g_test_add_func("/notice/trouble-is-critical", test_trouble_is_critical);
    g_test_add_func("/notice/who-is-at-work", test_who_is_at_work);
    g_test_add_func("/notice/changes-are-counted", test_changes_are_counted);
    g_test_add_func("/notice/names-of-followed-runs", test_names_of_followed_runs);
    return g_test_run();
}
