#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  systemd 252.39 and dbus-daemon 1.14.10 (Debian 12), the user's manager and its bus
# Behaviour: a service that a name on the bus is activated by is killed, and has Restart=. Who calls
#            it then asks for its start, and waits for the whole of RestartSec= all the same: the job
#            is there at once, and runs when the restart does. `systemctl start` is no faster.
# Seen:      2026-12-01, RestartSec=4s, a call and a start right after a SIGKILL:
#              a call to the service that runs: 0 s
#              a call right after its end: 4 s
#              systemctl start right after its end: 4 s
# For us:    RestartSec= of storkitd.service is what each caller waits after a crash.
# Needs:     a user manager with its bus: run it in a session, or by `tests/host/boot -- FILE`.
#            It puts two files into $XDG_RUNTIME_DIR and takes them away again.
set -euo pipefail

systemctl --user show-environment >/dev/null 2>&1 || exit 77
[ "$(dpkg-query --show --showformat='${Version}' systemd)" = 252.39-1~deb12u2 ] || exit 77
[ "$(dpkg-query --show --showformat='${Version}' dbus-daemon)" = 1.14.10-1~deb12u1 ] || exit 77
/usr/bin/python3 -c 'import gi' 2>/dev/null || exit 77

unit=$XDG_RUNTIME_DIR/systemd/user/example-owns.service
service=$XDG_RUNTIME_DIR/dbus-1/services/example.Owns.service

take_notice() {
    systemctl --user daemon-reload
    busctl --user call org.freedesktop.DBus / org.freedesktop.DBus ReloadConfig
}

trap 'systemctl --user stop example-owns; rm -f "$unit" "$service"; take_notice' EXIT
mkdir -p "${unit%/*}" "${service%/*}"
cat >"$unit" <<'END'
[Service]
Type=dbus
BusName=example.Owns
Restart=on-failure
RestartSec=4s
ExecStart=/usr/bin/python3 -c "from gi.repository import Gio, GLib; \
    Gio.bus_own_name(Gio.BusType.SESSION, 'example.Owns', 0, None, None, None); GLib.MainLoop().run()"
END
cat >"$service" <<END
[D-BUS Service]
Name=example.Owns
Exec=/bin/false
SystemdService=example-owns.service
END
take_notice

call=(busctl --user --timeout=20 call example.Owns / org.freedesktop.DBus.Peer Ping)

# end_it: SIGKILL, and the unit's end is known
end_it() {
    systemctl --user kill --signal=KILL example-owns
    until [ "$(systemctl --user show --value --property=SubState example-owns)" = auto-restart ]; do
        sleep 0.05
    done
}

# takes WHAT COMMAND…: its whole seconds, the nearest
takes() {
    local begin=$EPOCHREALTIME end
    "${@:2}" >/dev/null
    end=$EPOCHREALTIME
    seconds=$(((${end/./} - ${begin/./} + 500000) / 1000000))
    echo "$1: $seconds s"
}

"${call[@]}" >/dev/null
takes "a call to the service that runs" "${call[@]}"
[ "$seconds" = 0 ]
end_it
takes "a call right after its end" "${call[@]}"
[ "$seconds" -ge 3 ]
end_it
takes "systemctl start right after its end" systemctl --user start example-owns
[ "$seconds" -ge 3 ]
