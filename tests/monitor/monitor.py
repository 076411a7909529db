# SPDX-License-Identifier: LGPL-2.1-or-later
"""Monitor: the real storkit-monitor on a screen of Xvfb's, seen and used as a screen reader does:
by AT-SPI."""

import os
import subprocess

import gi

from desktop import Screen  # noqa: F401
from harness import skip, wait_until
from keys import Keyboard
from session import PATIENCE

try:
    gi.require_version("Atspi", "2.0")
    from gi.repository import Atspi
except (ImportError, ValueError):
    Atspi = None

NAME = "org.storkit.Monitor"
ACCESSIBILITY = "/usr/share/defaults/at-spi2/accessibility.conf"
APPLICATION = "/org/storkit/Monitor"


class Monitor:
    """The window on @pool's bus and on @screen; used in a `with`."""

    def __init__(self, pool, screen, arguments=(), environment=None):
        if not Atspi or not os.path.exists(ACCESSIBILITY):
            skip("there is no AT-SPI for Python; `apt-get install gir1.2-atspi-2.0 at-spi2-core`")
        self.pool = pool
        self.arguments = arguments
        self.log = f"{pool.folder}/monitor.log"
        self.environment = pool.environment | screen.environment | {
            "LC_ALL": "C.UTF-8",
            "GDK_BACKEND": "x11",
            "GSK_RENDERER": "cairo",
            "GTK_A11Y": "atspi",
            "AT_SPI_BUS_ADDRESS": f"unix:path={pool.folder}/accessibility",
            "GSETTINGS_BACKEND": "memory",
            "GSETTINGS_SCHEMA_DIR": os.environ["MONITOR_SCHEMAS"],
            "NO_AT_BRIDGE": "1",
            "STORKITCTL": os.environ["STORKITCTL"],
            "DBUS_SYSTEM_BUS_ADDRESS": pool.bus.address,
        }  # fmt: skip
        self.environment |= environment or {}

    def __enter__(self):
        self._start_accessibility()
        self.start()
        os.environ.update(
            {name: self.environment[name] for name in ("AT_SPI_BUS_ADDRESS", "DISPLAY")}
        )
        self.keyboard = Keyboard()
        Atspi.init()
        Atspi.set_timeout(int(1000 * PATIENCE), -1)
        return self

    def _start_accessibility(self):
        """The bus of screen readers. Its own launcher would take a dbus-broker, which needs the
        user's systemd to start the registry."""
        self.accessibility = subprocess.Popen(
            ["dbus-daemon", f"--config-file={ACCESSIBILITY}", "--nofork", "--nopidfile",
             f"--address={self.environment['AT_SPI_BUS_ADDRESS']}"],
            env=self.environment, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: os.path.exists(f"{self.pool.folder}/accessibility"), "its bus")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [os.environ["STORKIT_MONITOR"], *self.arguments], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(
            lambda: self.pool.bus.owner_pid(NAME) == self.process.pid or self.ended(),
            f"it to own {NAME}",
        )
        assert not self.ended(), self.log_text()

    def __exit__(self, kind, error, traceback):
        if kind:
            try:
                print("--- the window", *self.lines(), sep="\n")
            except Exception as problem:
                print(f"--- no window: {problem!r}")
        if not self.ended():
            self.process.terminate()
        self.process.wait(PATIENCE)
        self.accessibility.terminate()
        self.accessibility.wait(PATIENCE)
        text = self.log_text()
        if kind:
            print(f"--- storkit-monitor's log\n{text}---")
            return
        assert "CRITICAL" not in text, text

    def ended(self):
        return self.process.poll() is not None

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    # What a screen reader sees

    def application(self):
        desktop = Atspi.get_desktop(0)
        for index in range(desktop.get_child_count()):
            child = desktop.get_child_at_index(index)
            if child and child.get_process_id() == self.process.pid:
                return child
        return None

    def nodes(self, node=None):
        """All that is showing, from the top."""
        node = node or self.application()
        if not node:
            return
        yield node
        for index in range(node.get_child_count()):
            child = node.get_child_at_index(index)
            if child and child.get_state_set().contains(Atspi.StateType.VISIBLE):
                yield from self.nodes(child)

    def lines(self):
        return [f"{node.get_role_name()}: {node.get_name()!r}" for node in self.nodes()]

    def find(self, words, role=None, whole=False):
        """The first that is showing whose name has @words, of the role @role; None: not there.
        @whole: whose name they are. GTK 4.8 says a label with a mnemonic twice."""
        try:
            for node in self.nodes():
                name = node.get_name() or ""
                twice = name.replace("_", "") == f"{words} {words}"
                fits = name == words or twice if whole else words in name
                if fits and role in (None, node.get_role_name()):
                    if node.get_state_set().contains(Atspi.StateType.VISIBLE):
                        return node
        except gi.repository.GLib.Error:
            pass  # it has changed meanwhile
        return None

    def wait(self, words, role=None):
        return wait_until(lambda: self.find(words, role), f"{role or 'something'} named {words!r}")

    def wait_gone(self, words, role=None):
        wait_until(lambda: not self.find(words, role), f"{words!r} to go")

    def wait_focused(self, words, role):
        node, focused = self.wait(words, role), Atspi.StateType.FOCUSED
        wait_until(lambda: node.get_state_set().contains(focused), f"{words!r} to have the focus")

    # What a person does

    def press(self, name, role="push button"):
        """Presses the button of that name, once it can be pressed."""
        node = wait_until(lambda: self.find(name, role, whole=True), f"the {role} {name!r}")
        wait_until(lambda: node.get_state_set().contains(Atspi.StateType.SENSITIVE), name)
        assert node.get_action_iface().do_action(0)

    def keys(self, *keys):
        """Presses keys, each as GTK writes it: "<Control>f", "Return"."""
        for key in keys:
            self.keyboard.press(key)

    def write(self, words, text):
        """Writes into the field that is called so."""
        self.wait(words, "text").get_editable_text_iface().set_text_contents(text)

    def text_of(self, words):
        """What is in the field that is called so."""
        node = self.find(words, "text")
        text = node.get_text_iface() if node else None
        return text.get_text(0, -1) if text else ""
