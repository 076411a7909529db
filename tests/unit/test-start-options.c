/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/start-options.h"

#include <string.h>

#include "agents/command.h"
#include "base/error.h"

#define KIB ((gsize)1024)

static StartOptions *parse(const char *key, GVariant *value, GError **error)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);
    g_variant_dict_insert_value(&dict, key, value);
    g_autoptr(GVariant) options = g_variant_ref_sink(g_variant_dict_end(&dict));
    return start_options_parse(options, error);
}

static StartOptions *accept(const char *key, GVariant *value)
{
    g_autoptr(GError) error = NULL;
    StartOptions *options = parse(key, value, &error);
    g_assert_no_error(error);
    return options;
}

/* Refused, with a message that says @why and is fit for the bus. */
static void refuse(const char *key, GVariant *value, const char *why)
{
    g_autoptr(GError) error = NULL;
    StartOptions *options = parse(key, value, &error);
    g_assert_null(options);
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull(strstr(error->message, why));
    g_assert_cmpuint(strlen(error->message), <, 512);
    g_assert_true(g_utf8_validate(error->message, -1, NULL));
}

static GVariant *text_of_length(gsize length)
{
    char *text = g_malloc(length + 1);
    memset(text, 'x', length);
    text[length] = '\0';
    return g_variant_new_take_string(text);
}

static void test_known_options_are_taken(void)
{
    g_autoptr(StartOptions) prompt = accept("prompt", g_variant_new_string("Do it.\n\tNow"));
    g_assert_cmpstr(prompt->prompt, ==, "Do it.\n\tNow");
    g_autoptr(StartOptions) resume = accept("resume", g_variant_new_string("last"));
    g_assert_cmpstr(resume->resume, ==, "last");
    g_autoptr(StartOptions) base = accept("base_branch", g_variant_new_string("release/1.0"));
    g_assert_cmpstr(base->base_branch, ==, "release/1.0");
    g_autoptr(StartOptions) limit = accept("memory_max", g_variant_new_string("4G"));
    g_assert_cmpuint(limit->limits.memory_max, ==, 4 * KIB * KIB * KIB);
    g_autoptr(StartOptions) count = accept("tasks_max", g_variant_new_uint16(100));
    g_assert_cmpuint(count->limits.tasks_max, ==, 100);
    g_autoptr(StartOptions) byte = accept("tasks_max", g_variant_new_byte(20));
    g_assert_cmpuint(byte->limits.tasks_max, ==, 20);
    g_autoptr(StartOptions) none = accept("runtime_max", g_variant_new_string("infinity"));
    g_assert_cmpuint(none->limits.runtime_max_usec, ==, LIMIT_NONE);
}

static void test_an_empty_prompt_is_as_if_not_given(void)
{
    g_autoptr(StartOptions) prompt = accept("prompt", g_variant_new_string(""));
    g_assert_null(prompt->prompt);
}

static void test_empty_words_are_refused(void)
{
    refuse("resume", g_variant_new_string(""), "option 'resume' must not be empty");
    refuse("base_branch", g_variant_new_string(""), "option 'base_branch' must not be empty");
}

static void test_unknown_options_are_refused_by_name(void)
{
    refuse("promt", g_variant_new_string("x"), "option 'promt' is unknown");
    refuse("", g_variant_new_string("x"), "option '' is unknown");
}

static void test_names_of_unknown_options_are_shown_short_and_in_print(void)
{
    g_autofree char *key = g_strnfill(KIB * KIB, 'k');
    refuse(key, g_variant_new_string("x"), "is unknown");
    g_autoptr(GString) snowmen = g_string_new(NULL);
    for (int i = 0; i < 100; i++)
        g_string_append(snowmen, "☃");
    refuse(snowmen->str, g_variant_new_string("x"), "is unknown");
    refuse("a\nb", g_variant_new_string("x"), "option 'a\uFFFDb' is unknown");
}

static void test_other_types_are_refused(void)
{
    refuse("prompt", g_variant_new_uint32(1), "must be a string");
    refuse("resume", g_variant_new_object_path("/a"), "must be a string");
    refuse("base_branch", g_variant_new_strv(NULL, 0), "must be a string");
    refuse("env", g_variant_new_strv(NULL, 0), "must be a dictionary of strings");
    refuse("memory_max", g_variant_new_boolean(TRUE), "must be a string such as");
    refuse("memory_max", g_variant_new_double(1), "must be a string such as");
    refuse("memory_max", g_variant_new_handle(0), "must be a string such as");
}

static void test_options_given_twice_are_refused(void)
{
    GVariantBuilder builder;
    g_autoptr(GError) error = NULL;
    g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&builder, "{sv}", "prompt", g_variant_new_string("one"));
    g_variant_builder_add(&builder, "{sv}", "prompt", g_variant_new_string("two"));
    g_autoptr(GVariant) dict = g_variant_ref_sink(g_variant_builder_end(&builder));
    g_assert_null(start_options_parse(dict, &error));
    g_assert_error(error, STORKIT_ERROR, STORKIT_ERROR_INVALID_ARGUMENT);
    g_assert_cmpstr(error->message, ==, "option 'prompt' is given twice");
}

static void test_prompts_have_at_most_4_mib(void)
{
    g_autoptr(StartOptions) longest = accept("prompt", text_of_length(PROMPT_MAX));
    g_assert_cmpuint(strlen(longest->prompt), ==, 4 * KIB * KIB);
    refuse("prompt", text_of_length(PROMPT_MAX + 1), "larger than 4 MiB");
}

static void test_words_are_short_and_no_options_of_programs(void)
{
    static const char *const keys[] = {"resume", "base_branch"};
    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
        g_autoptr(StartOptions) fine = accept(keys[i], text_of_length(255));
        refuse(keys[i], text_of_length(257), "too long");
        refuse(keys[i], text_of_length(KIB * KIB), "too long");
        refuse(keys[i], g_variant_new_string("--help"), "must not begin with");
        refuse(keys[i], g_variant_new_string("a\nb"), "control characters");
        refuse(keys[i], g_variant_new_string("a\x7f"), "control characters");
    }
}

static void test_limits_are_checked(void)
{
    refuse("memory_max", g_variant_new_string("lots"), "memory_max cannot be");
    refuse("memory_max", text_of_length(KIB * KIB), "too long");
    refuse("tasks_max", g_variant_new_int32(-1), "tasks_max cannot be");
}

static GVariant *variable(const char *name, GVariant *value)
{
    GVariantBuilder builder;
    g_autoptr(GVariant) text = g_variant_ref_sink(value);
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
    g_variant_builder_add(&builder, "{ss}", name, g_variant_get_string(text, NULL));
    return g_variant_builder_end(&builder);
}

static void test_variables_are_taken_as_pairs(void)
{
    g_autoptr(StartOptions) options = accept("env", variable("A_1", g_variant_new_string("b=c")));
    g_assert_cmpstr(options->env[0], ==, "A_1=b=c");
    g_assert_null(options->env[1]);
}

static void test_variables_have_possible_names(void)
{
    static const char *const names[] = {"", "1A", "A=B", "A B", "Ä", "A-B"};
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        refuse("env", variable(names[i], g_variant_new_string("x")), "has a name that");
}

static void test_variables_have_sizes_that_linux_takes(void)
{
    g_autoptr(StartOptions) fine = accept("env", variable("A", text_of_length(128 * KIB - 3)));
    refuse("env", variable("A", text_of_length(128 * KIB - 2)), "128 KiB");
}

static GVariant *variables(guint count, gsize length)
{
    GVariantBuilder builder;
    g_autofree char *text = g_strnfill(length, 'x');
    g_variant_builder_init(&builder, G_VARIANT_TYPE("a{ss}"));
    for (guint i = 0; i < count; i++) {
        g_autofree char *name = g_strdup_printf("V%u", i);
        g_variant_builder_add(&builder, "{ss}", name, text);
    }
    return g_variant_builder_end(&builder);
}

static void test_variables_are_few_and_small_together(void)
{
    g_autoptr(StartOptions) many = accept("env", variables(1024, 1));
    g_assert_cmpuint(g_strv_length(many->env), ==, 1024);
    refuse("env", variables(1025, 1), "more than 1024");
    refuse("env", variables(11, 100 * KIB), "more than 1 MiB");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/start-options/" #name, test_##name)
    ADD(known_options_are_taken);
    ADD(an_empty_prompt_is_as_if_not_given);
    ADD(empty_words_are_refused);
    ADD(unknown_options_are_refused_by_name);
    ADD(names_of_unknown_options_are_shown_short_and_in_print);
    ADD(other_types_are_refused);
    ADD(options_given_twice_are_refused);
    ADD(prompts_have_at_most_4_mib);
    ADD(words_are_short_and_no_options_of_programs);
    ADD(limits_are_checked);
    ADD(variables_are_taken_as_pairs);
    ADD(variables_have_possible_names);
    ADD(variables_have_sizes_that_linux_takes);
    ADD(variables_are_few_and_small_together);
    return g_test_run();
}
