/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdint.h>
#include <stdlib.h>

#include <glib.h>

/** What libFuzzer calls with each input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the program with a trace, and keeps the input, unless @holds. */
static inline void fuzz_check(gboolean holds)
{
    if (!holds)
        abort();
}
