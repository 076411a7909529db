# SPDX-License-Identifier: LGPL-2.1-or-later
"""Desktop: the real storkit-desktop on a test's bus, and what stands around it there."""

import json
import os
import shutil
import subprocess
from contextlib import contextmanager

from gi.repository import Gio, GLib

from harness import skip, wait_until
from pool import STAND_IN
from session import PATIENCE, connect, processes_of

NAME = "org.storkit.Desktop"
SERVER = "org.freedesktop.Notifications"
CAPABILITIES = ("actions", "body", "body-markup", "persistence", "sound")

SERVER_XML = """<node><interface name='org.freedesktop.Notifications'>
<method name='Notify'><arg type='s' direction='in'/><arg type='u' direction='in'/>
<arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='s' direction='in'/>
<arg type='as' direction='in'/><arg type='a{sv}' direction='in'/><arg type='i' direction='in'/>
<arg type='u' direction='out'/></method>
<method name='CloseNotification'><arg type='u' direction='in'/></method>
<method name='GetCapabilities'><arg type='as' direction='out'/></method>
<method name='GetServerInformation'><arg type='s' direction='out'/><arg type='s' direction='out'/>
<arg type='s' direction='out'/><arg type='s' direction='out'/></method>
<signal name='NotificationClosed'><arg type='u'/><arg type='u'/></signal>
<signal name='ActionInvoked'><arg type='u'/><arg type='s'/></signal>
<signal name='ActivationToken'><arg type='u'/><arg type='s'/></signal>
</interface></node>"""


def own(connection, name, path, xml, handle):
    """Exports an interface of which handle(method, arguments) returns a Variant or None, or raises
    a GLib.Error; and takes the name."""

    def on_call(connection, sender, path, interface, method, parameters, invocation):
        try:
            invocation.return_value(handle(method, parameters.unpack()))
        except PermissionError as error:
            invocation.return_dbus_error("org.freedesktop.DBus.Error.AccessDenied", str(error))

    for interface in Gio.DBusNodeInfo.new_for_xml(xml).interfaces:
        connection.register_object(path, interface, on_call, None, None)
    connection.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
        GLib.Variant("(su)", (name, 4)), None, 0, -1, None,
    )  # fmt: skip


class Shown:
    """A notification as the server got it last."""

    def __init__(self, arguments):
        self.icon, self.title, self.body = arguments[2:5]
        pairs = arguments[5]
        self.actions = dict(zip(pairs[::2], pairs[1::2]))
        self.hints = arguments[6]
        self.expires = arguments[7]

    def __repr__(self):
        return f"{self.title!r} {self.body!r} {self.actions} {self.hints}"


class Server:
    """A notification server that a test can look into and act through."""

    def __init__(self, pool, capabilities=CAPABILITIES):
        self.connection = connect(pool.bus.address)
        self.capabilities = capabilities
        self.shown = {}  # by id: what is on the screen
        self.log = []  # all that ever was
        self.calls = []
        self.last = 0
        own(self.connection, SERVER, "/org/freedesktop/Notifications", SERVER_XML, self._handle)

    def _handle(self, method, arguments):
        self.calls.append(method)
        if method == "GetCapabilities":
            return GLib.Variant("(as)", (self.capabilities,))
        if method == "Notify":
            return self._notify(arguments)
        if method == "CloseNotification":
            self.close(arguments[0], 3)
        return None

    def _notify(self, arguments):
        number = arguments[1]
        if number not in self.shown:
            self.last += 1
            number = self.last
        self.shown[number] = Shown(arguments)
        self.log.append(self.shown[number])
        return GLib.Variant("(u)", (number,))

    def _emit(self, signal, signature, *arguments):
        self.connection.emit_signal(
            None, "/org/freedesktop/Notifications", SERVER, signal,
            GLib.Variant(signature, arguments),
        )  # fmt: skip

    def close(self, number, reason=2):
        if self.shown.pop(number, None):
            self._emit("NotificationClosed", "(uu)", number, reason)

    def act(self, shown, action, token="token-1"):
        """What a click on a button does."""
        number = next(number for number, value in self.shown.items() if value is shown)
        assert action in shown.actions, shown
        self._emit("ActivationToken", "(us)", number, token)
        self._emit("ActionInvoked", "(us)", number, action)

    def wait(self, words):
        """The notification on the screen whose title and body have @words."""
        find = lambda: next(  # noqa: E731
            (shown for shown in self.shown.values() if words in f"{shown.title}\n{shown.body}"),
            None,
        )
        try:
            return wait_until(find, f"a notification with {words!r}")
        except AssertionError:
            print(f"so far: {self.log}")
            raise

    def wait_empty(self):
        wait_until(lambda: not self.shown, "an empty screen")


def is_diff(pid):
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return "diff" in file.read().split("\0")
    except OSError:
        return False  # it has ended


class Desktop:
    """storkit-desktop on @pool's bus; used in a `with`. Its terminal is a script that writes down
    what it was called with: by its settings, or without @choose_terminal where the test puts it."""

    def __init__(self, pool, settings="", environment=None, choose_terminal=True):
        self.pool = pool
        self.folder = f"{pool.folder}/desktop"
        os.makedirs(self.folder)
        self.log = f"{self.folder}/log"
        self.opened = f"{self.folder}/opened"
        self.environment = pool.environment | {
            "LC_ALL": "C.UTF-8",
            "G_MESSAGES_DEBUG": "all",
            "STORKITCTL": os.environ["STORKITCTL"],
            "DBUS_SYSTEM_BUS_ADDRESS": pool.bus.address,
        }
        self.environment |= environment or {}
        terminal = self._make_terminal()
        self.script = terminal
        if choose_terminal and "[terminal]" not in settings:
            settings += f'\n[terminal]\ncommand = ["{terminal}", "-e"]\n'
        self.settings = f"{pool.environment['XDG_CONFIG_HOME']}/storkit/desktop.toml"
        os.makedirs(os.path.dirname(self.settings), exist_ok=True)
        with open(self.settings, "w") as file:
            file.write(settings)

    def _make_terminal(self):
        path = f"{self.folder}/terminal"
        with open(path, "w") as file:
            file.write(
                f"#!/usr/bin/python3\nimport json, os, sys\n"
                f"call = dict(argv=sys.argv[1:], cwd=os.getcwd(),"
                f" token=os.environ.get('XDG_ACTIVATION_TOKEN'))\n"
                f"open('{self.opened}.new', 'w').write(json.dumps(call))\n"
                f"os.rename('{self.opened}.new', '{self.opened}')\n"
            )
        os.chmod(path, 0o755)
        return path

    def __enter__(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.environ["STORKIT_DESKTOP"]], env=self.environment, stdin=subprocess.DEVNULL,
                stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(
            lambda: self.pool.bus.owner_pid(NAME) == self.process.pid or self.ended(),
            f"it to own {NAME}",
        )
        assert not self.ended(), self.log_text()
        return self

    def __exit__(self, kind, error, traceback):
        if not self.ended():
            self.process.terminate()
        status = self.process.wait(PATIENCE)
        # It does not wait for the git that it asked for a run's changes.
        wait_until(lambda: not self._counting(), "the end of its diffs")
        text = self.log_text()
        if kind:
            print(f"--- storkit-desktop's log\n{text}---")
        else:
            assert status == 0, f"storkit-desktop ended with {status}: {text}"
        assert "Sanitizer" not in text and "runtime error" not in text, text
        assert "CRITICAL" not in text, text

    def _counting(self):
        return list(filter(is_diff, processes_of(self.pool.marker)))

    def ended(self):
        return self.process.poll() is not None

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def terminal(self):
        """What the terminal was opened with: argv, cwd, token."""
        wait_until(lambda: os.path.exists(self.opened), "a terminal")
        with open(self.opened) as file:
            call = json.load(file)
        os.remove(self.opened)
        return call

    def call(self, path, interface, method, signature="()", *arguments):
        """Calls @method of it; the reply comes while this test serves what it asks for."""
        replies = []

        def on_reply(connection, result):
            try:
                replies.append(connection.call_finish(result).unpack())
            except GLib.Error as error:
                replies.append(error)

        self.pool.bus.connection.call(
            NAME, path, interface, method, GLib.Variant(signature, arguments), None, 0, -1, None,
            on_reply,
        )  # fmt: skip
        reply = wait_until(lambda: replies, f"a reply to {method}")[0]
        if isinstance(reply, GLib.Error):
            raise reply
        return reply


@contextmanager
def followed(pool, name):
    """Somebody follows what the bus name stands for."""
    connection = connect(pool.bus.address)
    connection.call_sync(
        "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
        GLib.Variant("(su)", (name, 4)), None, 0, -1, None,
    )  # fmt: skip
    yield
    connection.close_sync(None)


class Screen:
    """An X server without a screen; used in a `with`."""

    def __init__(self, pool, size="1280x800x24"):
        if not shutil.which("Xvfb"):
            skip("there is no Xvfb; `apt-get install xvfb`")
        self.pool = pool
        self.size = size

    def __enter__(self):
        read, write = os.pipe()
        self.process = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", self.size, "-nolisten", "tcp",
             "-noreset"],
            env=self.pool.environment, pass_fds=[write], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        self.environment = {"DISPLAY": f":{number}"}
        return self

    def __exit__(self, *rest):
        self.process.terminate()
        self.process.wait()


class Dunst:
    """A real notification server, on a Screen; used in a `with`. What comes to it over the bus is
    seen by a monitor."""

    def __init__(self, pool, screen, config=""):
        if not shutil.which("dunst"):
            skip("there is no dunst; `apt-get install dunst`")
        self.pool = pool
        self.environment = pool.environment | screen.environment
        self.config = f"{pool.folder}/dunstrc"
        with open(self.config, "w") as file:
            file.write(config or "[global]\n")

    def __enter__(self):
        self.process = subprocess.Popen(
            ["dunst", "-conf", self.config], env=self.environment, stdin=subprocess.DEVNULL,
            stdout=open(f"{self.pool.folder}/dunst.log", "wb"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_until(
            lambda: self.pool.bus.owner_pid(SERVER) == self.process.pid
            or self.process.poll() is not None,
            "dunst on the bus",
        )
        assert self.process.poll() is None, open(f"{self.pool.folder}/dunst.log").read()
        return self

    def __exit__(self, *rest):
        self.process.terminate()
        self.process.wait()

    def ctl(self, *arguments):
        return subprocess.run(
            ["dunstctl", *arguments], env=self.environment, stdout=subprocess.PIPE, text=True,
            check=True,
        ).stdout  # fmt: skip

    def displayed(self):
        return int(self.ctl("count", "displayed"))

    def history(self):
        """What has left the screen, newest first: dicts of the plain values."""
        entries = json.loads(self.ctl("history"))["data"][0]
        return [{key: value["data"] for key, value in entry.items()} for entry in entries]


def agent(scenario, **keys):
    return {"coder": {"scenario": scenario, "command": STAND_IN} | keys}
