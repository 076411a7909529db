#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  systemd 252.39 and dbus-daemon 1.14.10 (Debian 12), the user's manager and its bus
# Behaviour: the unit that a name on the bus is activated by fails to start. systemd knows at once, and
#            says so of the unit; the caller is told nothing: no error comes before its own time limit
#            (or dbus-daemon's, two minutes on a session bus). It is the same for a unit that has met
#            its start limit, which is not even tried.
# Seen:      2026-12-01, a call with a limit of 10 s to a unit of /bin/false, and once more:
#              Call failed: Connection timed out (10 s; the unit: failed, exit-code)
#              Call failed: Connection timed out (10 s; the unit: failed, exit-code)
# For us:    who calls a service that does not start has to look at its unit.
# Needs:     a user manager with its bus: run it in a session, or by `tests/host/boot -- FILE`.
#            It puts two files into $XDG_RUNTIME_DIR and takes them away again.
set -euo pipefail

systemctl --user show-environment >/dev/null 2>&1 || exit 77
[ "$(dpkg-query --show --showformat='${Version}' systemd)" = 252.39-1~deb12u2 ] || exit 77
[ "$(dpkg-query --show --showformat='${Version}' dbus-daemon)" = 1.14.10-1~deb12u1 ] || exit 77

unit=$XDG_RUNTIME_DIR/systemd/user/example-fails.service
service=$XDG_RUNTIME_DIR/dbus-1/services/example.Fails.service

take_notice() {
    systemctl --user daemon-reload
    busctl --user call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig
}

trap 'rm -f "$unit" "$service"; take_notice' EXIT
mkdir -p "${unit%/*}" "${service%/*}"
cat >"$unit" <<END
[Unit]
StartLimitIntervalSec=60
StartLimitBurst=1

[Service]
Type=dbus
BusName=example.Fails
ExecStart=/bin/false
END
cat >"$service" <<END
[D-BUS Service]
Name=example.Fails
Exec=/bin/false
SystemdService=example-fails.service
END
take_notice

for _ in 1 2; do
    said=$(busctl --user --timeout=10 call example.Fails / org.freedesktop.DBus.Peer Ping 2>&1) &&
        exit 1
    state=$(systemctl --user show --value --property=ActiveState example-fails.service)
    echo "$said; the unit: $state"
    [ "$said" = "Call failed: Connection timed out" ] && [ "$state" = failed ]
done
