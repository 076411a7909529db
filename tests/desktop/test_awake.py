# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine stays awake while agents are at work: logind's part is mostly a stand-in, since no
test may put the machine to sleep."""

import os

from gi.repository import Gio, GLib

from desktop import Desktop, Server, agent, own
from harness import main, skip, wait_until
from session import connect

LOGIND_XML = """<node><interface name='org.freedesktop.login1.Manager'>
<method name='Inhibit'><arg type='s' direction='in'/><arg type='s' direction='in'/>
<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='h' direction='out'/></method>
<signal name='PrepareForSleep'><arg type='b'/></signal></interface></node>"""
UPOWER_XML = """<node><interface name='org.freedesktop.DBus.Properties'>
<method name='GetAll'><arg type='s' direction='in'/><arg type='a{sv}' direction='out'/></method>
</interface></node>"""


class Logind:
    """Hands out locks, and sees when they are given back. @refused: what it does not lock."""

    def __init__(self, pool, refused=()):
        self.connection = connect(pool.bus.address)
        self.refused = refused
        self.pipes = {}  # (what, mode) to the read end of the lock's pipe
        self.asked = []
        node = Gio.DBusNodeInfo.new_for_xml(LOGIND_XML)
        own(self.connection, "org.freedesktop.login1", "/unused", LOGIND_XML, lambda *_: None)
        self.connection.register_object(
            "/org/freedesktop/login1", node.interfaces[0], self._on_call, None, None
        )

    def _on_call(self, connection, sender, path, interface, method, parameters, invocation):
        what, who, why, mode = parameters.unpack()
        self.asked.append((what, mode))
        if (what, mode) in self.refused:
            invocation.return_dbus_error("org.freedesktop.DBus.Error.AccessDenied", "no seat")
            return
        read, write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        fds = Gio.UnixFDList.new()
        fds.append(write)
        os.close(write)
        self.pipes[what, mode] = read
        invocation.return_value_with_unix_fd_list(GLib.Variant("(h)", (0,)), fds)

    def held(self):
        """The locks that are held now."""
        for key, read in list(self.pipes.items()):
            try:
                if os.read(read, 1) == b"":
                    os.close(self.pipes.pop(key))
            except BlockingIOError:
                pass
        return set(self.pipes)

    def prepare_for_sleep(self, begins):
        self.connection.emit_signal(
            None, "/org/freedesktop/login1", "org.freedesktop.login1.Manager", "PrepareForSleep",
            GLib.Variant("(b)", (begins,)),
        )  # fmt: skip


BLOCK = {("sleep:idle", "block")}
WEAKER = {("idle", "block"), ("sleep", "delay")}


def wait_held(logind, wanted):
    wait_until(lambda: logind.held() == wanted, f"the locks {wanted or 'to go'}")


def test_locks_while_an_agent_works(pool):
    """One lock for all agents at work; none while they are frozen, or have ended."""
    root = pool.repository(agents=agent("init; idle"))
    logind = Logind(pool)
    with Desktop(pool):
        pool.start(root, "1_a")
        wait_held(logind, BLOCK)
        pool.start(root, "2_b")
        pool.freeze(root, "1_a")
        pool.stop(root, "2_b")
        wait_held(logind, set())
        pool.thaw(root, "1_a")
        wait_held(logind, BLOCK)
        pool.stop(root, "1_a")
        wait_held(logind, set())
    assert set(logind.asked) == BLOCK, logind.asked


def test_refused_it_delays_and_says_so(pool):
    """Where sleep can't be blocked it is delayed, for saying what may be lost."""
    root = pool.repository(agents=agent("init; idle"))
    logind, server = Logind(pool, refused=BLOCK), Server(pool)
    with Desktop(pool):
        pool.start(root, "1_a")
        wait_held(logind, WEAKER)
        logind.prepare_for_sleep(True)
        assert "1 agent is at work" in server.wait("is going to sleep").body
        wait_held(logind, {("idle", "block")})
        logind.prepare_for_sleep(False)
        wait_held(logind, WEAKER)
        pool.stop(root, "1_a")
        wait_held(logind, set())


def test_a_setting_turns_it_off(pool):
    """With `when = "never"` nothing is asked of logind."""
    root = pool.repository(agents=agent("init; result"))
    logind, server = Logind(pool), Server(pool)
    with Desktop(pool, '[awake]\nwhen = "never"\n'):
        pool.start(root, "1_a")
        server.wait("1_a")
    assert logind.asked == []


def test_on_mains_only(pool):
    """With `when = "mains"` the lock goes with the mains power, and comes back with it."""
    root = pool.repository(agents=agent("init; idle"))
    logind = Logind(pool)
    power = connect(pool.bus.address)
    own(power, "org.freedesktop.UPower", "/org/freedesktop/UPower", UPOWER_XML,
        lambda *_: GLib.Variant("(a{sv})", ({"OnBattery": GLib.Variant("b", True)},)))  # fmt: skip

    def set_battery(value):
        power.emit_signal(
            None, "/org/freedesktop/UPower", "org.freedesktop.DBus.Properties", "PropertiesChanged",
            GLib.Variant("(sa{sv}as)", ("org.freedesktop.UPower",
                                        {"OnBattery": GLib.Variant("b", value)}, [])),
        )  # fmt: skip

    with Desktop(pool, '[awake]\nwhen = "mains"\n'):
        pool.start(root, "1_a")
        # The lock that was taken before the battery was known of is given back.
        wait_held(logind, set())
        set_battery(False)
        wait_held(logind, BLOCK)
        set_battery(True)
        wait_held(logind, set())


def inhibitors():
    """What the real logind says is locked for storkit."""
    system = Gio.bus_get_sync(Gio.BusType.SYSTEM, None)
    listed = system.call_sync(
        "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
        "ListInhibitors", None, None, 0, -1, None,
    ).unpack()[0]  # fmt: skip
    return {(what, mode) for what, who, why, mode, uid, pid in listed if who == "storkit"}


def test_with_the_real_logind(pool):
    """The real logind of this host grants one lock, or refuses it and grants what its polkit lets a
    user without a seat have; and has none when the agent has ended."""
    if os.environ.get("STORKIT_TEST_HOST") != "1":
        skip("the locks of a machine in use are not this test's")
    root = pool.repository(agents=agent("init; idle"))
    desktop = Desktop(pool)
    del desktop.environment["DBUS_SYSTEM_BUS_ADDRESS"]
    with desktop:
        pool.start(root, "1_a")
        wait_until(lambda: inhibitors() or desktop.log_text().count("refused an inhibitor") == 3,
                   "logind's word")  # fmt: skip
        refused = desktop.log_text().count("refused an inhibitor")
        assert inhibitors() == BLOCK if refused == 0 else inhibitors() <= WEAKER, inhibitors()
        pool.stop(root, "1_a")
        wait_until(lambda: not inhibitors(), "the end of the locks")


if __name__ == "__main__":
    main()
