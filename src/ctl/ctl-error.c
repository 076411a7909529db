/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl-error.h"

#include <stdlib.h>

G_DEFINE_QUARK(storkitctl - error, ctl_error)

static const int exit_statuses[] = {
    [CTL_ERROR_FAILED] = EXIT_FAILURE,
    [CTL_ERROR_USAGE] = 2,
    [CTL_ERROR_NOT_FOUND] = 3,
    [CTL_ERROR_NO_SUCH_RUN] = 3,
    [CTL_ERROR_NO_SERVICE] = 4,
    [CTL_ERROR_LOST] = 4,
    [CTL_ERROR_REFUSED] = 5,
    [CTL_ERROR_STOPPED] = CTL_EXIT_RUN_STOPPED,
    [CTL_ERROR_TIMEOUT] = CTL_EXIT_TIMEOUT,
    [CTL_ERROR_UNREACHABLE] = CTL_EXIT_UNREACHABLE,
};

int ctl_error_exit_status(const GError *error)
{
    return error->domain == CTL_ERROR ? exit_statuses[error->code] : EXIT_FAILURE;
}
