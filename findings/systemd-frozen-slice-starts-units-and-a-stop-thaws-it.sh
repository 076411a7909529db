#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  systemd 252.39 (Debian 12), the user's manager, on cgroup2
# Behaviour: a unit that is started in a frozen slice is `active`, its job is done and its
#            FreezerState= is `running`, while its processes stand still. And the stop of one unit
#            thaws the whole slice: its FreezerState= is `running` then, and the unit that was
#            started runs; units that were there when the slice was frozen stay frozen.
# Seen:      2026-12-01, a slice with the services a and b; c is started when it is frozen:
#              frozen:  slice=frozen a=frozen b=frozen
#              c is started: active, running, stands still: 1
#              a is stopped: slice=running b=frozen, c stands still: 0
#            systemd 257 (Debian 13) starts nothing in it: the job ends as `frozen`.
# For us:    a Start looks at the cgroup of the slice itself; after the Stop of one run others may run.
# Needs:     a user manager on cgroup2: run it in a session, or by `tests/host/boot -- FILE`.
set -euo pipefail

systemctl --user show-environment >/dev/null 2>&1 || exit 77
[ "$(dpkg-query --show --showformat='${Version}' systemd)" = 252.39-1~deb12u2 ] || exit 77

slice=example-still.slice
trap 'systemctl --user stop $slice' EXIT

run() {
    systemd-run --user --quiet --collect --unit="example-$1" --slice=$slice sleep infinity
}

state() {
    systemctl --user show --value --property=FreezerState "$1"
}

# stands_still SERVICE: whether the kernel has frozen its processes
stands_still() {
    local cgroup
    cgroup=$(systemctl --user show --value --property=ControlGroup "$1")
    sed -n 's/^frozen //p' "/sys/fs/cgroup$cgroup/cgroup.events"
}

run a
run b
systemctl --user freeze $slice
seen="slice=$(state $slice) a=$(state example-a.service) b=$(state example-b.service)"
echo "frozen:  $seen"
[ "$seen" = "slice=frozen a=frozen b=frozen" ]

run c
seen="$(systemctl --user is-active example-c.service), $(state example-c.service)"
seen+=", stands still: $(stands_still example-c.service)"
echo "c is started: $seen"
[ "$seen" = "active, running, stands still: 1" ]

systemctl --user stop example-a.service
seen="slice=$(state $slice) b=$(state example-b.service)"
seen+=", c stands still: $(stands_still example-c.service)"
echo "a is stopped: $seen"
[ "$seen" = "slice=running b=frozen, c stands still: 0" ]
