# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which terminal is opened where the settings name none: xdg-terminal-exec, the application that
implements the terminal intent, one of the usual ones."""

import os
import shutil

from gi.repository import GLib

from desktop import Desktop, Server, agent, own
from harness import main, wait_until
from session import connect

INTENT = "org.freedesktop.Terminal1"
INTENT_XML = f"""<node><interface name='{INTENT}'><method name='LaunchCommand'>
<arg type='aa{{sv}}' direction='in'/><arg type='ay' direction='in'/>
<arg type='a{{sv}}' direction='in'/><arg type='a{{sv}}' direction='in'/>
</method></interface></node>"""
ENTRY = f"""[Desktop Entry]
Type=Application
Name=A terminal
Exec=python3
DBusActivatable=true
Implements={INTENT}
"""


class Machine:
    """A machine of which the test says what terminals are installed."""

    def __init__(self, pool):
        self.bin = f"{pool.folder}/bin"
        self.data = f"{pool.folder}/data"
        os.makedirs(self.bin)
        os.makedirs(f"{self.data}/applications")
        for program in ("git", "python3", "sh", "systemd-run"):
            os.symlink(shutil.which(program), f"{self.bin}/{program}")
        environment = {"PATH": self.bin, "XDG_DATA_HOME": self.data, "XDG_DATA_DIRS": self.data}
        self.root = pool.repository(agents=agent("init; result"))
        self.server = Server(pool)
        self.pool = pool
        self.desktop = Desktop(pool, environment=environment, choose_terminal=False)

    def install(self, name):
        os.symlink(self.desktop.script, f"{self.bin}/{name}")

    def install_intent(self, name):
        with open(f"{self.data}/applications/{name}.desktop", "w") as file:
            file.write(ENTRY)

    def show(self):
        """What a click on Show does."""
        self.pool.start(self.root, "42_login")
        self.server.act(self.server.wait("42_login"), "show", token="token-7")


def test_xdg_terminal_exec_comes_first(pool):
    """xdg-terminal-exec, which knows the user's choice, goes before all others."""
    machine = Machine(pool)
    machine.install("xdg-terminal-exec")
    machine.install("kgx")
    machine.install_intent("org.example.Terminal")
    with machine.desktop as desktop:
        machine.show()
        call = desktop.terminal()
        assert call["argv"][0] == "sh", call
        assert call["argv"][-2:] == ["watch", "42_login/coder"], call
        assert call["token"] == "token-7", call


def test_intent_is_called_over_the_bus(pool):
    """An application that implements the terminal intent is asked over the bus, with the folder and
    the activation token."""
    machine = Machine(pool)
    machine.install("kgx")
    machine.install_intent("org.example.Terminal")
    calls = []
    terminal = connect(pool.bus.address)
    own(terminal, "org.example.Terminal", "/org/example/Terminal", INTENT_XML,
        lambda method, arguments: calls.append(arguments))  # fmt: skip
    with machine.desktop as desktop:
        machine.show()
        (command,), _, _, platform = wait_until(lambda: calls, "the call")[0]
        words = [bytes(word).rstrip(b"\0").decode() for word in command["exec"]]
        assert words[-2:] == ["watch", "42_login/coder"], words
        folder = bytes(command["working_directory"]).rstrip(b"\0").decode()
        assert folder == pool.get(machine.root, "42_login")["worktree_path"], folder
        assert platform["activation-token"] == "token-7", platform
        assert not os.path.exists(desktop.opened)


def test_usual_terminals_get_their_own_option(pool):
    """Of the usual ones the first that is installed is taken, with the words it wants between its
    name and a command."""
    machine = Machine(pool)
    machine.install("xterm")
    machine.install("kgx")
    with machine.desktop as desktop:
        machine.show()
        assert desktop.terminal()["argv"][0] == "--"


def test_without_a_terminal_it_says_what_to_install(pool):
    """Where there is no terminal at all, the notification of that names what to do."""
    machine = Machine(pool)
    with machine.desktop:
        machine.show()
        assert "xdg-terminal-exec" in machine.server.wait("xdg-terminal-exec").body


if __name__ == "__main__":
    main()
