/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/detach-key.h"

#include <string.h>

/* Types @keys in two parts, however they are cut; @rest is what is left for the agent. */
static void assert_typed(const char *keys, gboolean detaches, const char *rest)
{
    for (gsize cut = 0; cut <= strlen(keys); cut++) {
        DetachKey key = {0};
        g_autoptr(GByteArray) typed = g_byte_array_new();
        gboolean found = detach_key_feed(&key, keys, cut, typed) ||
                         detach_key_feed(&key, keys + cut, strlen(keys) - cut, typed);
        g_assert_cmpint(found, ==, detaches);
        if (!found)
            detach_key_release(&key, typed);
        g_autofree char *text = g_strndup((const char *)typed->data, typed->len);
        g_assert_cmpstr(text, ==, rest);
    }
}

static void test_every_form_detaches(void)
{
    static const char *const forms[] = {
        "\035",          "\033[93;5u",    "\033[93;133u",    "\033[93;69u",
        "\033[93;197u",  "\033[93;5:1u",  "\033[93:125;5u",  "\033[223::93;5u",
        "\033[93;5;29u", "\033[27;5;93~", "\033[27;133;93~", "\033[53;5u",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++) {
        g_autofree char *keys = g_strdup_printf("abc%sdef", forms[i]);
        assert_typed(keys, TRUE, "abc");
    }
}

static void test_other_keys_are_the_agents(void)
{
    static const char *const keys[] = {
        "plain text\r",
        "\033",
        "\033\033[A",
        "\033[A\033OP\033[15~",
        "\033[93u",
        "\033[93;1u",
        "\033[93;7u",
        "\033[93;6u",
        "\033[93;5:3u",
        "\033[94;5u",
        "\033[27;6;93~",
        "\033[27;5;94~",
        "\033[27;5;93",
        "\033[200~ab]\033[201~",
        "\033[<0;5;7M",
        "\033[93;5x",
        "\033[999999999999999999999999999999999999999999999999999;5u",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(keys); i++)
        assert_typed(keys[i], FALSE, keys[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/detach-key/" #name, test_##name)
    ADD(every_form_detaches);
    ADD(other_keys_are_the_agents);
    return g_test_run();
}
