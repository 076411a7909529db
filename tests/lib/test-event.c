/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include <storkit/event.h>

static StorkitEvent *read_event(const char *line)
{
    return storkit_event_new(line, strlen(line));
}

static void test_members(void)
{
    g_autoptr(StorkitEvent) event = read_event(
        "{\"type\":\"agent_json\",\"run_id\":\"a\\u0062c\",\"cursor\":18446744073709551615,"
        "\"time\":1790000000000000, "
        "\"n\":-1.5,\"data\":{\"a\":[\"}\\\"]\",{}],\"b\":1},\"t\":true}");
    g_autofree char *data = storkit_event_dup_member(event, "data");
    g_autofree char *id = storkit_event_dup_string(event, "run_id");
    g_autofree char *raw = storkit_event_dup_member(event, "run_id");
    g_autofree char *yes = storkit_event_dup_member(event, "t");
    g_assert_cmpint(storkit_event_get_kind(event), ==, STORKIT_EVENT_KIND_AGENT_JSON);
    g_assert_cmpuint(storkit_event_get_cursor(event), ==, G_MAXUINT64);
    g_assert_cmpint(storkit_event_get_time(event), ==, 1790000000000000);
    g_assert_cmpstr(data, ==, "{\"a\":[\"}\\\"]\",{}],\"b\":1}");
    g_assert_cmpstr(id, ==, "abc");
    g_assert_cmpstr(raw, ==, "\"a\\u0062c\"");
    g_assert_cmpstr(yes, ==, "true");
    g_assert_cmpfloat(storkit_event_get_number(event, "n", 0), ==, -1.5);
    g_assert_cmpfloat(storkit_event_get_number(event, "t", 7), ==, 7);
    g_assert_null(storkit_event_dup_string(event, "data"));
    g_assert_null(storkit_event_dup_member(event, "nothing"));
    g_assert_null(storkit_event_get_text(event));
    g_assert_false(storkit_event_get_last(event));
}

static void test_kinds(void)
{
    static const struct {
        const char *line;
        StorkitEventKind kind;
        const char *text;
        gboolean last;
    } cases[] = {
        {"{\"type\":\"output\",\"text\":\"a\\nb\\u0000\"}", STORKIT_EVENT_KIND_OUTPUT,
         "a\nb\xef\xbf\xbd", FALSE},
        {"{\"type\":\"status\",\"status\":\"running\"}", STORKIT_EVENT_KIND_STATUS, "running",
         FALSE},
        {"{\"type\":\"status\",\"status\":\"stopped\"}", STORKIT_EVENT_KIND_STATUS, "stopped",
         TRUE},
        {"{\"type\":\"done\",\"exit_code\":0}", STORKIT_EVENT_KIND_DONE, NULL, TRUE},
        {"{\"type\":\"error\",\"message\":\"why\"}", STORKIT_EVENT_KIND_ERROR, "why", TRUE},
        {"{\"type\":\"later\"}", STORKIT_EVENT_KIND_UNKNOWN, NULL, FALSE},
        {"{}", STORKIT_EVENT_KIND_UNKNOWN, NULL, FALSE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(StorkitEvent) event = read_event(cases[i].line);
        g_assert_cmpint(storkit_event_get_kind(event), ==, cases[i].kind);
        g_assert_cmpstr(storkit_event_get_text(event), ==, cases[i].text);
        g_assert_cmpstr(storkit_event_get_json(event), ==, cases[i].line);
        g_assert_true(storkit_event_get_last(event) == cases[i].last);
    }
}

static void test_not_an_event(void)
{
    static const char *const lines[] = {"", "[]", "{", "{\"type\":\"done\"} x", "{\"a\":\"\xff\"}"};
    for (gsize i = 0; i < G_N_ELEMENTS(lines); i++)
        g_assert_null(read_event(lines[i]));
}

int main(int count, char **arguments)
{
    g_test_init(&count, &arguments, NULL);
    g_test_add_func("/event/members", test_members);
    g_test_add_func("/event/kinds", test_kinds);
    g_test_add_func("/event/not-an-event", test_not_an_event);
    return g_test_run();
}
