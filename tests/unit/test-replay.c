/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "run/replay.h"

#include <string.h>

static void assert_replay(const char *printed, const char *expected)
{
    g_autoptr(GByteArray) replay = replay_without_queries(printed, strlen(printed));
    g_byte_array_append(replay, (const guint8 *)"", 1);
    const char *text = (const char *)replay->data;
    g_assert_cmpstr(text, ==, expected);
}

static void test_queries_are_left_out(void)
{
    static const char *const queries[] = {
        "\033[c",
        "\033[0c",
        "\033[>c",
        "\033[>0c",
        "\033[=c",
        "\033Z",
        "\005",
        "\033[5n",
        "\033[6n",
        "\033[?6n",
        "\033[?996n",
        "\033[?2026$p",
        "\033[4$p",
        "\033[?u",
        "\033[>q",
        "\033[>0q",
        "\033[?4m",
        "\033[14t",
        "\033[18t",
        "\033[21t",
        "\033[x",
        "\033[1$w",
        "\033]11;?\033\\",
        "\033]10;?\a",
        "\033]4;1;?\a",
        "\033]52;c;?\a",
        "\033]21;fg=?\a",
        "\033P+q544e\033\\",
        "\033P$qm\033\\",
        "\033P1$qr\033\\",
        "\033[?2;1;0S",
        "\033_Gi=1,a=q;AA\033\\",
        "\033]1337;ReportCellSize\a",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(queries); i++) {
        g_autofree char *printed = g_strdup_printf("one%stwo", queries[i]);
        assert_replay(printed, "onetwo");
    }
}

static void test_all_else_stays(void)
{
    static const char *const printed[] = {
        "",
        "plain\r\ntext\t\a",
        "\033[31mred\033[0m",
        "\033[?1049h\033[2J\033[10;5H",
        "\033[>1u\033[<u\033[=0u\033[>4;2m\033[>4n",
        "\033[u\033[s\033[22;0t\033[8;24;80t\033[?1c",
        "\033]0;a title\a\033]11;#102030\033\\\033]8;;http://x/\a",
        "\033[0 q\033[!p\033[1;2*x",
        "\033Pq#0;2;0;0;0\033\\",
        "\033",
        "\033[",
        "\033[?6",
        "\033]11;?",
        "\033P+q54",
        "\033]11;?\033",
        "\033[?6\n n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(printed); i++)
        assert_replay(printed[i], printed[i]);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name) g_test_add_func("/replay/" #name, test_##name)
    ADD(queries_are_left_out);
    ADD(all_else_stays);
    return g_test_run();
}
