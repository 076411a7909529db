# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitctl -H: the commands of another machine, over a real ssh. The other machine is this one,
with the service of the test."""

import os
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress

from ctl import NOT_FOUND, NO_SERVICE, RUN_FAILED, USAGE, Ctl
from harness import main, skip, wait_until
from session import children_of
from terminal import Terminal
from test_start import argv_of

SSHD = "/usr/sbin/sshd"
UNREACHABLE = 6

SSHD_CONFIG = """
ListenAddress 127.0.0.1:{port}
HostKey {folder}/key
AuthorizedKeysFile {folder}/key.pub
PidFile none
StrictModes no
UsePAM no
SetEnv {environment}
"""

SSH_CONFIG = """
Host far
    HostName 127.0.0.1
    Port {port}
Host *
    IdentityFile {folder}/key
    IdentitiesOnly yes
    UserKnownHostsFile /dev/null
    StrictHostKeyChecking no
    LogLevel ERROR
"""

# What is here need not be there: `before` takes it away in between.
SSH = """#!/bin/sh
[ ! -e {folder}/before ] || sh {folder}/before
exec ssh -F {folder}/config "$@"
"""

WANTED = ("PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME", "DBUS_SESSION_BUS_ADDRESS")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_sshd(pid):
    with suppress(OSError), open(f"/proc/{pid}/comm") as file:
        return file.read() == "sshd\n"
    return False  # it has ended


def connections_of(pid):
    """The processes of sshd below @pid."""
    for child in filter(is_sshd, children_of(pid)):
        yield from connections_of(child)
        yield int(child)


class Far:
    """An sshd, and an ssh that knows it as `far`; used in a `with`. Its commands have the test's
    environment, and the storkitctl of the build on their PATH."""

    def __init__(self, pool):
        if not os.path.exists(SSHD) or not shutil.which("ssh"):
            skip("there is no sshd; `apt-get install openssh-server`")
        self.folder, self.port = f"{pool.folder}/ssh", free_port()
        os.makedirs(f"{self.folder}/bin")
        self.ssh = f"{self.folder}/ssh"
        os.symlink(os.environ["STORKITCTL"], f"{self.folder}/bin/storkitctl")
        self.environment = pool.environment | {"PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        self._key()
        self._write("sshd_config", SSHD_CONFIG)
        self._write("config", SSH_CONFIG)
        self._write("ssh", SSH)
        os.chmod(self.ssh, 0o755)

    def _key(self):
        subprocess.check_call(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/key"]
        )

    def _write(self, name, text):
        known = {name: self.environment[name] for name in WANTED if name in self.environment}
        variables = " ".join(f'{name}="{value}"' for name, value in known.items())
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text.format(folder=self.folder, port=self.port, environment=variables))

    def __enter__(self):
        self.start()
        return self

    def start(self):
        self.process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", f"{self.folder}/sshd_config"],
            stdin=subprocess.DEVNULL, stderr=open(f"{self.folder}/log", "wb"),
        )  # fmt: skip
        wait_until(self._listens, "sshd")

    def take_away(self):
        """Ends sshd and every connection, without a word to the other end."""
        self.process.send_signal(signal.SIGSTOP)  # it takes no new one meanwhile
        for pid in connections_of(self.process.pid):
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()

    def _listens(self):
        assert self.process.poll() is None, open(f"{self.folder}/log").read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def is_connected(self):
        """Whether a connection is left open for the next command."""
        return self._control("check") == 0

    def _control(self, command):
        path = f"{self.environment['XDG_RUNTIME_DIR']}/storkit-ssh-%C"
        return subprocess.call(
            [self.ssh, "-o", f"ControlPath={path}", "-O", command, "far"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def disconnect(self):
        self._control("exit")
        wait_until(lambda: not self.is_connected(), "the end of the connection")

    def __exit__(self, *rest):
        with suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/before")
        self.disconnect()
        self.process.terminate()
        self.process.wait()


@contextmanager
def far_project(pool, scenario="init; text Hello.; wait go; result"):
    """An sshd, and a storkitctl in a project that is below the home of both sides."""
    with Far(pool) as far:
        ctl = Ctl(pool, scenario)
        ctl.environment |= {"STORKIT_SSH": far.ssh}
        yield far, ctl


def test_remote_commands_are_those_of_the_host(pool):
    """start, list, show, watch, wait and stop over ssh, with their words and exit statuses."""
    with far_project(pool, "init; text Hello.; result error it broke; exit 1") as (_, ctl):
        said = ctl("-H", "far", "start", "42_login").err
        assert "42_login/coder is running" in said, said
        assert ctl("wait", "-H", "far", "42", status=RUN_FAILED).out.startswith("42_login/coder")
        [info] = ctl.json("--host=far", "list")
        assert info["status"] == "failed" and info["project_root"] == ctl.root
        assert "Hello." in ctl.out("-H", "far", "watch", "42")
        assert "no run of story" in ctl("-qHfar", "show", "99", status=NOT_FOUND).err
        ctl("-H", "far", "stop", "42")
        assert ctl.json("-H", "far", "list") == []


def test_remote_words_arrive_as_they_are(pool):
    """No shell on the way takes a word apart, or runs it."""
    with far_project(pool, "argv") as (_, ctl):
        trap = f"$(touch {pool.folder}/ran); touch {pool.folder}/ran; '\" \\ *"
        ctl("-H", "far", "start", "42_login", "--prompt", trap)
        assert trap in argv_of(pool, pool.get(ctl.root, "42_login"))
        ctl("-H", "far", "show", trap, status=NOT_FOUND)
        assert not os.path.exists(f"{pool.folder}/ran")


def test_remote_failures_of_ssh_have_a_status(pool):
    """A host that can't be reached, one without storkitctl, or without the project."""
    with far_project(pool) as (far, ctl):
        assert "start takes one host" in ctl("-H", "a,b", "start", "1", status=USAGE).err
        assert "cannot be a host" in ctl("--host=-oProxyCommand=x", "list", status=USAGE).err
        assert ctl("-H", "nowhere.invalid", "list", status=UNREACHABLE).err.count("\n") == 1
        os.unlink(f"{far.folder}/bin/storkitctl")
        assert "far has no storkitctl" in ctl("-H", "far", "list", status=NO_SERVICE).err


def test_remote_folder_is_asked_for(pool):
    """The project is looked for where it is here; -C says another place."""
    with far_project(pool) as (far, ctl):
        assert ctl.json("-H", "far", "-C", ctl.root, "list", cwd="/") == []
        other = f"{pool.folder}/other"
        os.makedirs(f"{other}/.git")
        with open(f"{far.folder}/before", "w") as file:
            file.write(f"rm -r {other}")
        said = ctl("-H", "far", "list", cwd=other, status=NOT_FOUND).err
        assert f"far has no folder {other}" in said and "git clone" in said, said


def test_remote_terminal_is_a_terminal(pool):
    """attach over ssh: what is typed arrives, Ctrl-] detaches, and the run goes on."""
    with far_project(pool, "init; read") as (_, ctl):
        ctl("start", "42_login")
        command = [*ctl.command, "-H", "far", "attach", "42"]
        with Terminal(pool.folder, ctl.environment, command, cwd=ctl.root) as terminal:
            terminal.wait_for("Attached to 42_login")
            terminal.type("typed far away")
            terminal.press("Enter")
            terminal.wait_for("typed far away")
            terminal.press("C-]")
            terminal.wait_for("Detached")
            assert terminal.wait_for_end() == 0
        assert pool.get(ctl.root, "42_login")["status"] == "running"


def test_remote_connection_is_shared_and_completes(pool):
    """The second command uses the first one's connection; Tab asks over it, and opens none."""
    with far_project(pool) as (far, ctl):
        words = ["_complete", "-H", "far", "stop", ""]
        assert ctl.out(*words) == "" and not far.is_connected()
        ctl("-H", "far", "start", "42_login")
        assert far.is_connected()
        assert ctl.out(*words).split() == ["42_login"]
        assert "stop" in ctl.out("_complete", "-H", "far", "sto")
        far.disconnect()
        assert ctl.out(*words) == "" and not far.is_connected()
        pool.stop(ctl.root, "42_login")


if __name__ == "__main__":
    main()
