/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib.h>
#include <string.h>

#include "base/json-scan.h"

/* What the scan makes of one text, given in two pieces that meet at @split. */
static gboolean scan_split(const char *text, gsize length, gsize split, JsonScan *scan)
{
    json_scan_init(scan);
    json_scan_push(scan, text, split);
    json_scan_push(scan, text + split, length - split);
    return json_scan_finish(scan);
}

static gboolean scan_by_bytes(const char *text, gsize length, JsonScan *scan)
{
    json_scan_init(scan);
    for (gsize i = 0; i < length; i++)
        json_scan_push(scan, text + i, 1);
    return json_scan_finish(scan);
}

/* However the text is cut, the verdict and the type are the same. */
static void assert_scan(const char *text, gsize length, gboolean object, const char *type)
{
    g_autofree char *shown = g_strescape(text, NULL);
    JsonScan scan;

    for (gsize split = 0; split <= length; split++) {
        if (scan_split(text, length, split, &scan) != object)
            g_error("“%s”, cut at %zu: not %s", shown, split, object ? "accepted" : "refused");
        if (object)
            g_assert_cmpstr(json_scan_type(&scan), ==, type);
    }
    g_assert_cmpint(scan_by_bytes(text, length, &scan), ==, object);
    if (object)
        g_assert_cmpstr(json_scan_type(&scan), ==, type);
}

static void test_accepts(void)
{
    static const char *const texts[] = {
        "{}",
        " \t\r\n\f{ \t\r\n}\f \r\n",
        "{\"a\":1}",
        "{ \"a\" : 1 , \"b\" : [ ] , \"c\" : { } }",
        "{\"a\":[1,[2,[3,{}]],{\"b\":[{}]}]}",
        "{\"\":\"\"}",
        "{\"a\":true,\"b\":false,\"c\":null}",
        "{\"a\":0,\"b\":-0,\"c\":10,\"d\":-1.5,\"e\":0.0,\"f\":1e5,\"g\":1E+5,\"h\":0e-0}",
        "{\"a\":1e999,\"b\":-123456789012345678901234567890}",
        "{\"a\":[0,1.5,1e1]}",
        "{\"a\":0 ,\"b\":1.5 }",
        "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uABCD\"}",
        "{\"a\":\"\\ud83d\\ude00\",\"b\":\"\\ud800\",\"c\":\"\\udfff\\ud800\",\"d\":\"\\u0000\"}",
        "{\"a\":\"\x7f\xc2\x80\xc2\x9b\"}",
        "{\"a\":\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"}",
        "{\"a\":\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\xf0\x9f\x98\x80\"}",
        "{\"a\":\"// no comment, 'quotes', {braces]\"}",
        "{\"a\":1,\"a\":2}",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_scan(texts[i], strlen(texts[i]), TRUE, "");
}

static void test_refuses(void)
{
    static const char *const texts[] = {
        /* no object, or more than one thing */
        "", " ", "1", "\"a\"", "null", "true", "[]", "[{}]", "{} {}", "{}{}", "{},", "{} 1", "x{}",
        "var x = {};", "^C{\"type\":\"result\"}", "\xef\xbb\xbf{}", "{}\v", "\x1b[?25h{}",
        /* structure */
        "{", "}", "{]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\" 1}",
        "{\"a\":1 \"b\":2}", "{\"a\":[1,]}", "{\"a\":[,]}", "{\"a\":[1 2]}", "{\"a\":[}",
        "{\"a\":[1}", "{\"a\":{]}", "{\"a\"::1}", "{\"a\",1}", "{[]:1}", "{1:1}", "{a:1}",
        "{'a':1}", "{\"a\":[\"b\":1]}",
        /* what lenient parsers take */
        "{\"a\":1/*x*/}", "{\"a\":1}//x", "{//x\n}", "{\"a\":'b'}", "{\"a\":NaN}",
        "{\"a\":Infinity}", "{\"a\":undefined}", "{\"a\":True}", "{\"a\":nul}", "{\"a\":nulll}",
        "{\"a\":truefalse}", "{\"a\"\f:1}", "{\"a\"\v:1}", "{\"a\"\xc2\xa0:1}",
        /* numbers */
        "{\"a\":0x10}", "{\"a\":01}", "{\"a\":-01}", "{\"a\":+1}", "{\"a\":-}", "{\"a\":--1}",
        "{\"a\":.5}", "{\"a\":5.}", "{\"a\":1.e5}", "{\"a\":1e}", "{\"a\":1e+}", "{\"a\":1e1.5}",
        "{\"a\":1.5.5}", "{\"a\":-a}", "{\"a\":1a}", "{\"a\":1-1}", "{\"a\":0e1e1}",
        /* strings */
        "{\"a\":\"}", "{\"a\":\"\\\"}", "{\"a\":\"\\q\"}", "{\"a\":\"\\'\"}", "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12g4\"}", "{\"a\":\"\\U0041\"}", "{\"a\":\"\\x41\"}", "{\"a\":\"\n\"}",
        "{\"a\":\"\t\"}", "{\"a\":\"\x1f\"}", "{\"a\":\"\x01plain text around\"}", "{\"a\n\":1}",
        "{\"a\":\"seven..\x1b\"}"};

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        assert_scan(texts[i], strlen(texts[i]), FALSE, "");
}

static void test_refuses_invalid_utf8(void)
{
    static const char *const sequences[] = {
        "\x80", /* a continuation alone */
        "\xbf",
        "\xc2", /* cut short */
        "\xc2"
        "A",
        "\xe2\x82",
        "\xe2\x82"
        "A",
        "\xf0\x9f\x98",
        "\xc0\xaf", /* overlong */
        "\xc1\xbf",
        "\xe0\x80\xaf",
        "\xe0\x9f\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xed\xa0\x80", /* surrogates */
        "\xed\xbf\xbf",
        "\xf4\x90\x80\x80", /* above U+10FFFF */
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xff",
        "\xe2\x28\xa1",
        "\xe2\x82\xc0",
        "\xe2\x82\xac\xac",
        "\xc3\xc3\xa9",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(sequences); i++) {
        g_autofree char *value = g_strdup_printf("{\"a\":\"%s\"}", sequences[i]);
        g_autofree char *name = g_strdup_printf("{\"%s\":1}", sequences[i]);
        g_autofree char *outside = g_strdup_printf("{%s}", sequences[i]);

        assert_scan(value, strlen(value), FALSE, "");
        assert_scan(name, strlen(name), FALSE, "");
        assert_scan(outside, strlen(outside), FALSE, "");
    }
}

static void test_agrees_with_glib_on_every_short_utf8(void)
{
    for (guint c = 0x800000; c <= 0xFFFFFF; c += 0x0107) {
        char bytes[] = {(char)(c >> 16), (char)(c >> 8), (char)c};
        char text[] = "{\"a\":\"...\"}";
        gboolean plain = TRUE;
        JsonScan scan;

        for (gsize i = 0; i < sizeof(bytes); i++)
            plain &= (guint8)bytes[i] >= 0x20 && bytes[i] != '"' && bytes[i] != '\\';
        if (!plain)
            continue;
        memcpy(text + 6, bytes, sizeof(bytes));
        g_assert_cmpint(scan_split(text, strlen(text), 7, &scan), ==,
                        g_utf8_validate(bytes, sizeof(bytes), NULL));
    }
}

static void test_refuses_nul_anywhere(void)
{
    static const char text[] = "{\"a\":[1,\"b\"]} ";

    for (gsize at = 0; at < sizeof(text) - 1; at++) {
        char with_nul[sizeof(text) - 1];

        memcpy(with_nul, text, sizeof(with_nul));
        with_nul[at] = '\0';
        assert_scan(with_nul, sizeof(with_nul), FALSE, "");
    }
}

static void test_refuses_every_truncation(void)
{
    static const char text[] = "{\"type\":\"r\xc3\xa9sult\",\"a\":[true,-1.5e+3,{\"b\":null}],"
                               "\"c\":\"\\ud83d\\ude00\",\"d\":{\"e\":[]}}";
    JsonScan scan;

    assert_scan(text, sizeof(text) - 1, TRUE, "r\xc3\xa9sult");
    for (gsize length = 0; length < sizeof(text) - 1; length++)
        g_assert_false(scan_split(text, length, length / 2, &scan));
}

static void test_finds_the_type(void)
{
    static const struct {
        const char *text, *type;
    } cases[] = {
        {"{\"type\":\"result\"}", "result"},
        {"{\"a\":{\"type\":\"x\"},\"type\":\"result\",\"b\":{\"type\":\"y\"}}", "result"},
        {"{\"a\":{\"type\":\"x\"}}", ""},
        {"{\"a\":[{\"type\":\"x\"},\"type\",\"x\"]}", ""},
        {"{\"type\":\"a\",\"type\":\"b\"}", "b"},
        {"{\"type\":\"a\",\"type\":1}", ""},
        {"{\"type\":\"a\",\"type\":{\"type\":\"b\"}}", ""},
        {"{\"type\":[\"a\"]}", ""},
        {"{\"type\":null}", ""},
        {"{\"type\":true,\"a\":\"b\"}", ""},
        {"{\"type\":\"\"}", ""},
        {"{\"a\":\"type\",\"b\":\"result\"}", ""},
        {"{\"types\":\"a\",\"typ\":\"b\",\"Type\":\"c\",\"\":\"d\"}", ""},
        {"{\"\\u0074ype\":\"a\"}", "a"},
        {"{\"t\\u0079p\\u0065\" : \"a\"}", "a"},
        {"{\"type\\u0000\":\"a\"}", ""},
        {"{\"type\":\"result\\u0000\"}", "result\xef\xbf\xbd"},
        {"{\"type\":\"\\u0072\\u0065sult\"}", "result"},
        {"{\"type\":\"a\\\"\\\\\\/\\b\\f\\n\\r\\tb\"}", "a\"\\/\b\f\n\r\tb"},
        {"{\"type\":\"\\u00e9\\u20ac\\ud83d\\ude00\"}", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"{\"type\":\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"}",
         "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"{\"type\":\"\\ud800\"}", "\xef\xbf\xbd"},
        {"{\"type\":\"\\ud800x\\udc00\"}", "\xef\xbf\xbdx\xef\xbf\xbd"},
        {"{\"type\":\"\\ud800\\ud83d\\ude00\"}", "\xef\xbf\xbd\xf0\x9f\x98\x80"},
        {"{\"type\":\"\\ud800\\n\"}", "\xef\xbf\xbd\n"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_scan(cases[i].text, strlen(cases[i].text), TRUE, cases[i].type);
}

static void test_leaves_out_a_type_that_is_too_long(void)
{
    g_autofree char *fits = g_strnfill(JSON_SCAN_MAX_TYPE, 't');
    g_autofree char *longer = g_strnfill(JSON_SCAN_MAX_TYPE + 1, 't');
    g_autofree char *escaped = g_strnfill(JSON_SCAN_MAX_TYPE - 1, 't');
    g_autofree char *text_fits = g_strdup_printf("{\"type\":\"%s\"}", fits);
    g_autofree char *text_longer = g_strdup_printf("{\"type\":\"a\",\"type\":\"%s\"}", longer);
    g_autofree char *text_escaped = g_strdup_printf("{\"type\":\"%s\\u00e9\"}", escaped);
    g_autofree char *long_name = g_strdup_printf("{\"type%s\":\"a\"}", longer);

    assert_scan(text_fits, strlen(text_fits), TRUE, fits);
    assert_scan(text_longer, strlen(text_longer), TRUE, "");
    assert_scan(text_escaped, strlen(text_escaped), TRUE, "");
    assert_scan(long_name, strlen(long_name), TRUE, "");
}

/* {"a":[[…]]} or {"a":{"a":…}}, @depth levels of them. */
static char *nested(gboolean arrays, guint depth)
{
    GString *text = g_string_new(NULL);

    g_string_append(text, "{\"a\":");
    for (guint i = 1; i < depth; i++)
        g_string_append(text, arrays ? "[" : "{\"a\":");
    g_string_append(text, arrays && depth > 1 ? "1" : "{}");
    for (guint i = 1; i < depth; i++)
        g_string_append_c(text, arrays ? ']' : '}');
    g_string_append_c(text, '}');
    return g_string_free(text, FALSE);
}

static void test_bounds_the_depth(void)
{
    g_autofree char *arrays = nested(TRUE, JSON_SCAN_MAX_DEPTH);
    g_autofree char *deeper_arrays = nested(TRUE, JSON_SCAN_MAX_DEPTH + 1);
    g_autofree char *objects = nested(FALSE, JSON_SCAN_MAX_DEPTH - 1);
    g_autofree char *deeper_objects = nested(FALSE, JSON_SCAN_MAX_DEPTH);

    assert_scan(arrays, strlen(arrays), TRUE, "");
    assert_scan(deeper_arrays, strlen(deeper_arrays), FALSE, "");
    assert_scan(objects, strlen(objects), TRUE, "");
    assert_scan(deeper_objects, strlen(deeper_objects), FALSE, "");
}

static void test_survives_a_hundred_thousand_brackets(void)
{
    g_autofree char *brackets = g_strnfill(100000, '[');
    JsonScan scan;

    json_scan_init(&scan);
    g_assert_true(json_scan_push(&scan, "{\"a\":", 5));
    g_assert_false(json_scan_push(&scan, brackets, 100000));
}

static void test_remembers_each_level(void)
{
    static const char text[] = "{\"a\":[{\"b\":[[{\"c\":[{}]}],[]]}]}";

    assert_scan(text, sizeof(text) - 1, TRUE, "");
    for (gsize i = 0; i < sizeof(text) - 1; i++) {
        g_autofree char *swapped = g_strdup(text);

        if (!strchr("]}", text[i]))
            continue;
        swapped[i] = text[i] == ']' ? '}' : ']';
        assert_scan(swapped, sizeof(text) - 1, FALSE, "");
    }
}

static void test_says_no_for_good(void)
{
    JsonScan scan;

    json_scan_init(&scan);
    g_assert_true(json_scan_push(&scan, "{", 1));
    g_assert_false(json_scan_push(&scan, ",", 1));
    g_assert_false(json_scan_push(&scan, "", 0));
    g_assert_false(json_scan_push(&scan, "{}", 2));
    g_assert_false(json_scan_finish(&scan));

    json_scan_init(&scan);
    g_assert_true(json_scan_push(&scan, "{}", 2));
    g_assert_true(json_scan_finish(&scan));
}

/* A special byte is seen at every place of the eight that are looked at together. */
static void test_sees_specials_at_every_place(void)
{
    static const char specials[] = "\"\n\x1f\x80\xff\\";

    for (gsize i = 0; i < sizeof(specials) - 1; i++) {
        for (gsize place = 0; place < 24; place++) {
            char text[] = "{\"a\":\"........................\"}";

            text[6 + place] = specials[i];
            assert_scan(text, sizeof(text) - 1, FALSE, "");
        }
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);

    g_test_add_func("/json-scan/accepts-objects", test_accepts);
    g_test_add_func("/json-scan/refuses-all-else", test_refuses);
    g_test_add_func("/json-scan/refuses-invalid-utf8", test_refuses_invalid_utf8);
    g_test_add_func("/json-scan/agrees-with-glib-on-utf8",
                    test_agrees_with_glib_on_every_short_utf8);
    g_test_add_func("/json-scan/refuses-nul-anywhere", test_refuses_nul_anywhere);
    g_test_add_func("/json-scan/refuses-every-truncation", test_refuses_every_truncation);
    g_test_add_func("/json-scan/finds-the-type", test_finds_the_type);
    g_test_add_func("/json-scan/leaves-out-a-type-that-is-too-long",
                    test_leaves_out_a_type_that_is_too_long);
    g_test_add_func("/json-scan/bounds-the-depth", test_bounds_the_depth);
    g_test_add_func("/json-scan/survives-a-hundred-thousand-brackets",
                    test_survives_a_hundred_thousand_brackets);
    g_test_add_func("/json-scan/remembers-each-level", test_remembers_each_level);
    g_test_add_func("/json-scan/says-no-for-good", test_says_no_for_good);
    g_test_add_func("/json-scan/sees-specials-at-every-place", test_sees_specials_at_every_place);

    return g_test_run();
}
