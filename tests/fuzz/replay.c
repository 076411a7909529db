/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fuzz.h"

#include <string.h>

/*
 * A fuzz target without libFuzzer, for the tests of every build: each file of the folders that are
 * given, as it is, cut off at many places, and with a byte changed at many.
 */

/* So many a file, or as many as so many bytes make. */
#define VARIANTS 100
#define VARIANT_BYTES (256 * 1024)

static void try_variants(const char *text, gsize size)
{
    g_autofree uint8_t *bytes = g_malloc(size + 1);
    gsize variants = MIN(VARIANTS, VARIANT_BYTES / (size + 1));
    gsize step = size / (variants + 1) + 1;
    memcpy(bytes, text, size);
    LLVMFuzzerTestOneInput(bytes, size);
    for (gsize i = 0; i < size; i += step) {
        LLVMFuzzerTestOneInput(bytes, i);
        bytes[i] ^= (uint8_t)(1 << i % 8);
        LLVMFuzzerTestOneInput(bytes, size);
        bytes[i] = (uint8_t)text[i];
    }
}

static guint replay_folder(const char *folder)
{
    g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
    const char *name;
    guint n = 0;
    fuzz_check(dir != NULL);
    while ((name = g_dir_read_name(dir))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;
        gsize size;
        fuzz_check(g_file_get_contents(path, &text, &size, NULL));
        try_variants(text, size);
        n++;
    }
    return n;
}

int main(int argc, char **argv)
{
    guint n = 0;
    for (int i = 1; i < argc; i++)
        n += replay_folder(argv[i]);
    g_print("%u inputs, with variants\n", n);
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
