/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/state-place.h"

#include "ctl/json-path.h"
#include "ctl/told.h"

void state_place_warn(const Ctl *ctl, JsonNode *config, gboolean once)
{
    const char *type = config && JSON_NODE_HOLDS_OBJECT(config)
                           ? json_get_string(json_node_get_object(config), "state_file_system")
                           : NULL;
    if (!type || (once && !told_first("storkit-state-told")))
        return;
    ctl_note(ctl,
             "warning: runs are kept on a network file system (%s), where a full disk is noticed "
             "late and other hosts see output late: see XDG_STATE_HOME in storkitd(8)",
             type);
}
