/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "desktop/platform-data.h"

GVariant *platform_data_new(const char *token)
{
    g_auto(GVariantDict) data = G_VARIANT_DICT_INIT(NULL);
    if (token) {
        g_variant_dict_insert(&data, "activation-token", "s", token);
        g_variant_dict_insert(&data, "desktop-startup-id", "s", token);
    }
    return g_variant_dict_end(&data);
}
