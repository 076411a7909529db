#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  systemd 257.13 (Debian 13), systemd-run and systemctl
# Behaviour: with a DBUS_SESSION_BUS_ADDRESS at which the user's manager answers, and another
#            XDG_RUNTIME_DIR, `systemd-run --user` starts a service and `busctl --user` finds the
#            manager, but `systemd-run --user --scope` and `systemctl --user` fail: they look for
#            the manager's own socket in XDG_RUNTIME_DIR, and for nothing else. Those of 252
#            (Debian 12) go by the address.
# Seen:      2026-12-01:
#              systemd-run --user --quiet --wait true: 0
#              busctl --user status org.freedesktop.systemd1: 0
#              systemd-run --user --scope --quiet true: 1
#              systemctl --user is-system-running: 1
# For us:    who gives a test a runtime folder of its own, or starts the service by hand with the
#            bus's address alone, gets no scope for the login shell.
# Needs:     a user manager with its bus on Debian 13: run it in a session there, or by
#            `tests/host/boot -- FILE` in a chroot.
set -euo pipefail

[ -S "${XDG_RUNTIME_DIR:-}/systemd/private" ] || exit 77
[ "$(dpkg-query --show --showformat='${Version}' systemd)" = 257.13-1~deb13u1 ] || exit 77

export DBUS_SESSION_BUS_ADDRESS=${DBUS_SESSION_BUS_ADDRESS:-unix:path=$XDG_RUNTIME_DIR/bus}
XDG_RUNTIME_DIR=$(mktemp --directory)
trap 'rmdir "$XDG_RUNTIME_DIR"' EXIT

# gives STATUS COMMAND…
gives() {
    local status=0
    "${@:2}" >/dev/null 2>&1 || status=$?
    echo "${*:2}: $status"
    [ "$status" = "$1" ]
}

gives 0 systemd-run --user --quiet --wait true
gives 0 busctl --user status org.freedesktop.systemd1
gives 1 systemd-run --user --scope --quiet true
gives 1 systemctl --user is-system-running
