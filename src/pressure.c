/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pressure.h"

#include <string.h>

double pressure_get_memory(void)
{
    g_autofree char *text = NULL;
    if (!g_file_get_contents("/proc/pressure/memory", &text, NULL, NULL))
        return 0;
    const char *some = strstr(text, "some avg10=");
    return some ? g_ascii_strtod(some + strlen("some avg10="), NULL) : 0;
}
