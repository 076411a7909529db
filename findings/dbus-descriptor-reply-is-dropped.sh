#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  dbus-daemon 1.14.10 (Debian 12)
# Behaviour: a client that has not negotiated descriptor passing calls a method whose reply carries a
#            descriptor. The bus drops the reply and tells the caller nothing, neither the reply nor
#            an error: it waits for its time limit. Its connection stays good. (dbus-broker 33 closes
#            the caller's connection instead.)
# Seen:      2026-11-29, the call with a descriptor, then another on the same connection:
#              no reply; next call: answered
# For us:    Subscribe and Attach; org.storkit.AgentPool(5), LANGUAGES AND LIBRARIES.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
apt-get --quiet=2 download dbus-daemon=1.14.10-1~deb12u1 libdbus-1-3=1.14.10-1~deb12u1 \
    python3-jeepney=0.8.0-3 >/dev/null 2>&1 || exit 77
for package in *.deb; do
    dpkg --extract "$package" "$folder"
done
export PATH=$folder/usr/bin:$PATH PYTHONPATH=$folder/usr/lib/python3/dist-packages
export LD_LIBRARY_PATH=$folder/usr/lib/$(uname -m)-linux-gnu

cat >bus.conf <<END
<busconfig>
  <type>session</type>
  <listen>unix:path=$folder/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
END

cat >service.py <<'END'
import os, sys
from jeepney import message_bus, new_method_return
from jeepney.io.blocking import open_dbus_connection

connection = open_dbus_connection(sys.argv[1], enable_fds=True)
connection.send_and_get_reply(message_bus.RequestName("example.Service"))
print("ready", flush=True)
while True:
    call = connection.receive()
    member = call.header.fields.get(3)
    if member == "Open":
        connection.send(new_method_return(call, "h", (os.open("/dev/null", os.O_RDONLY),)))
    elif member == "Ping":
        connection.send(new_method_return(call))
END

cat >client.py <<'END'
import sys
from jeepney import DBusAddress, new_method_call
from jeepney.io.blocking import open_dbus_connection

service = DBusAddress("/", bus_name="example.Service", interface="example.Service")
connection = open_dbus_connection(sys.argv[1])  # jeepney negotiates only with enable_fds=True


def ask(method):
    try:
        reply = connection.send_and_get_reply(new_method_call(service, method), timeout=5)
    except TimeoutError:
        return "no reply"
    except OSError:
        return "connection closed"
    return "answered" if reply.header.message_type.name == "method_return" else "an error"


print(f"{ask('Open')}; next call: {ask('Ping')}")
END

dbus-daemon --config-file="$folder/bus.conf" --nofork --nopidfile 2>/dev/null &
for _ in {1..100}; do
    [ ! -S "$folder/bus" ] || break
    sleep 0.05
done
coproc timeout 60 /usr/bin/python3 service.py "unix:path=$folder/bus"
read -r _ <&"${COPROC[0]}"
seen=$(timeout 60 /usr/bin/python3 client.py "unix:path=$folder/bus")
printf '%s\n' "$seen"
[ "$seen" = 'no reply; next call: answered' ]
