/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/** Whether to tell this user that agents end with the login session, which they do where the user
 *  does not linger. TRUE once a login. */
gboolean linger_is_to_be_told(void);
