/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/allotment.h"

/* What it has nothing of, or all of the machine, is no limit. */
static guint64 read_number(const char *variable, guint64 max)
{
    guint64 number = 0;
    const char *text = g_getenv(variable);
    if (!text || !g_ascii_string_to_unsigned(text, 10, 1, max, &number, NULL))
        return 0;
    return number;
}

/* Which GPUs it may use is said by a variable only. */
static char **read_env(void)
{
    const char *devices = g_getenv("CUDA_VISIBLE_DEVICES");
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    if (!devices)
        return NULL;
    g_autofree char *pair = g_strconcat("CUDA_VISIBLE_DEVICES=", devices, NULL);
    g_strv_builder_add(builder, pair);
    return g_strv_builder_end(builder);
}

void allotment_read(Allotment *ret_allotment)
{
    guint64 cpus = read_number("SLURM_CPUS_ON_NODE", 1u << 20);
    guint64 megabytes = read_number("SLURM_MEM_PER_NODE", G_MAXUINT64 >> 20);
    *ret_allotment = (Allotment){
        .cpu_quota = cpus ? g_strdup_printf("%" G_GUINT64_FORMAT "%%", cpus * 100) : NULL,
        .memory_max = megabytes ? g_strdup_printf("%" G_GUINT64_FORMAT "M", megabytes) : NULL,
        .env = read_env(),
    };
}

void allotment_clear(Allotment *allotment)
{
    g_free(allotment->cpu_quota);
    g_free(allotment->memory_max);
    g_strfreev(allotment->env);
}
