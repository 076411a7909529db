/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/json-scan.h"

typedef struct {
    const char *text;
    JsonTape tape;
} Scanned;

static void scanned_clear(Scanned *scanned)
{
    json_tape_clear(&scanned->tape);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Scanned, scanned_clear)

/* @text in pieces of @piece bytes. */
static void scan(Scanned *scanned, const char *text, gsize piece)
{
    JsonScan scan;
    scanned->text = text;
    json_tape_init(&scanned->tape);
    json_scan_init(&scan);
    json_scan_record(&scan, &scanned->tape);
    for (gsize at = 0, length = strlen(text); at < length; at += piece)
        json_scan_push(&scan, text + at, MIN(piece, length - at));
    g_assert_true(json_scan_finish(&scan));
}

static char *decode(const Scanned *scanned, guint32 index)
{
    const JsonToken *token = &scanned->tape.tokens[index];
    char *string = g_malloc0(token->end - token->begin + 1);
    g_assert_cmpuint(json_string_decode(scanned->text, token, string), <=,
                     token->end - token->begin);
    return string;
}

static void write_value(const Scanned *scanned, guint32 index, GString *to);

static void write_inside(const Scanned *scanned, guint32 index, GString *to)
{
    const JsonToken *tokens = scanned->tape.tokens;
    for (guint32 i = index + 1; i < tokens[index].next; i = tokens[i].next) {
        if (i > index + 1)
            g_string_append_c(to, ' ');
        write_value(scanned, i, to);
    }
}

/* What the tape says, in words of our own. */
static void write_value(const Scanned *scanned, guint32 index, GString *to)
{
    const JsonToken *token = &scanned->tape.tokens[index];
    g_autofree char *string = token->type == JSON_STRING ? decode(scanned, index) : NULL;
    switch ((JsonType)token->type) {
    case JSON_OBJECT:
    case JSON_ARRAY:
        g_string_append_c(to, token->type == JSON_OBJECT ? '{' : '[');
        write_inside(scanned, index, to);
        g_string_append_c(to, token->type == JSON_OBJECT ? '}' : ']');
        return;
    case JSON_STRING:
        g_string_append_printf(to, "'%s'", string);
        return;
    case JSON_NUMBER:
        g_string_append_printf(to, "%g", g_ascii_strtod(scanned->text + token->begin, NULL));
        return;
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        g_string_append_c(to, scanned->text[token->begin]);
    }
}

static void test_notes_every_value(void)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"{}", "{}"},
        {" { \"a\" : [ ] , \"b\":{ } }", "{'a' [] 'b' {}}"},
        {"{\"a\":1,\"b\":-2.5e1,\"c\":0}", "{'a' 1 'b' -25 'c' 0}"},
        {"{\"a\":[true,false,null,[1,[2],3],{\"b\":\"c\"}]}", "{'a' [t f n [1 [2] 3] {'b' 'c'}]}"},
        {"{\"\":\"\",\"\\u0061\\n\":\"\\\\\\\"\\/\\t\"}", "{'' '' 'a\n' '\\\"/\t'}"},
        {"{\"a\":\"\xC3\xA9\\u00e9\\uD83D\\ude00\"}", "{'a' '\xC3\xA9\xC3\xA9\xF0\x9F\x98\x80'}"},
        {"{\"a\":\"\\u0000|\\ud83d|\\ude00|\\ud83d\\ud83d\\ude00|\\ud83d\\n\"}",
         "{'a' '\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD\xF0\x9F\x98\x80|\xEF\xBF\xBD\n'"
         "}"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        for (gsize piece = 1; piece <= strlen(cases[i].text); piece++) {
            g_auto(Scanned) scanned;
            g_autoptr(GString) said = g_string_new(NULL);
            scan(&scanned, cases[i].text, piece);
            write_value(&scanned, 0, said);
            g_assert_cmpstr(said->str, ==, cases[i].said);
        }
    }
}

static guint32 member(const Scanned *scanned, const char *name)
{
    return json_tape_member(&scanned->tape, scanned->text, 0, name, strlen(name));
}

static void assert_member(const Scanned *scanned, const char *name, const char *expected)
{
    g_autofree char *string = decode(scanned, member(scanned, name));
    g_assert_cmpstr(string, ==, expected);
}

static void test_finds_members(void)
{
    g_auto(Scanned) scanned;
    scan(&scanned,
         "{\"a\":\"first\",\"b\":{\"c\":\"inner\"},\"\\u0064\":\"escaped\",\"a\":\"last\","
         "\"e\\u0000\":"
         "\"no\"}",
         G_MAXSIZE);
    assert_member(&scanned, "a", "last");
    assert_member(&scanned, "d", "escaped");
    g_assert_cmpuint(member(&scanned, "c"), ==, 0);
    g_assert_cmpuint(member(&scanned, "e"), ==, 0);
    g_assert_cmpuint(member(&scanned, "first"), ==, 0);
    g_assert_cmpuint(member(&scanned, ""), ==, 0);
}

/* No escape makes a name longer than the room for it. */
static void test_compares_what_is_long(void)
{
    g_autofree char *name = g_strnfill(64, 'x');
    g_autoptr(GString) text = g_string_new("{\"");
    for (guint i = 0; i < 64; i++)
        g_string_append(text, "\\u0078");
    g_string_append(text, "\":\"found\"}");
    g_auto(Scanned) scanned;
    scan(&scanned, text->str, G_MAXSIZE);
    assert_member(&scanned, name, "found");
}

static void test_grows(void)
{
    g_autoptr(GString) text = g_string_new("{\"a\":[0");
    for (guint i = 1; i < 100000; i++)
        g_string_append_printf(text, ",%u", i);
    g_string_append(text, "],\"b\":\"behind\"}");
    g_auto(Scanned) scanned;
    scan(&scanned, text->str, G_MAXSIZE);
    assert_member(&scanned, "b", "behind");
    const JsonToken *last = &scanned.tape.tokens[2 + 100000];
    g_assert_cmpfloat(g_ascii_strtod(text->str + last->begin, NULL), ==, 99999);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-tape/notes-every-value", test_notes_every_value);
    g_test_add_func("/json-tape/finds-members", test_finds_members);
    g_test_add_func("/json-tape/compares-what-is-long", test_compares_what_is_long);
    g_test_add_func("/json-tape/grows", test_grows);
    return g_test_run();
}
