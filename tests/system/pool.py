# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pool: the real storkitd on a bus and in folders of its own, for one test."""

import contextlib
import itertools
import json
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

from gi.repository import Gio, GLib

from session import (
    FACTOR,
    PATIENCE,
    RUNTIME,
    Bus,
    UserManager,
    describe_process,
    ends_with_service,
    is_helper,
    journal,
    processes_of,
    read_waiting_place,
    scope_name,
    wait_until,
)

NAME = "org.storkit.AgentPool"
PATH = "/org/storkit/AgentPool"
STAND_IN = os.environ.get("STAND_IN_PROGRAM", "stand-in")


class PoolError(Exception):
    """An error reply: @name is its D-Bus name, short where it is one of the contract's."""

    def __init__(self, name, message):
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


def pool_error(error):
    name = Gio.DBusError.get_remote_error(error) or error.domain
    message = error.message.removeprefix(f"GDBus.Error:{name}: ")
    return PoolError(name.removeprefix(f"{NAME}.Error."), message)


def option_variant(value):
    """An option of StartWithOptions, in the type that the contract gives it."""
    if isinstance(value, dict):
        return GLib.Variant("a{ss}", value)
    if isinstance(value, bool):
        return GLib.Variant("b", value)
    if isinstance(value, int):
        return GLib.Variant("t", value)
    return GLib.Variant("s", value)


def toml_value(value):
    """Strings, numbers, booleans, lists and tables of them, as TOML."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml_value(v)}" for key, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return json.dumps(value)


class PendingCall:
    """A method call under way: what a client does that does not wait. @nth: its reply's place among
    all that came."""

    _replies = itertools.count()

    def __init__(self, connection, method, parameters):
        self._result = None
        connection.call(
            NAME, PATH, NAME, method, parameters, None, Gio.DBusCallFlags.NO_AUTO_START,
            GLib.MAXINT, None, self._finish,
        )  # fmt: skip

    def _finish(self, connection, result):
        self.nth = next(self._replies)
        try:
            self._result = (connection.call_finish(result), None)
        except GLib.Error as error:
            self._result = (None, pool_error(error))

    def done(self):
        """Whether the reply is here, dispatching what has come in."""
        while GLib.MainContext.default().iteration(False):
            pass
        return self._result is not None

    def result(self, timeout=None):
        """Waits for the reply; its only value, or the error raised."""
        wait_until(lambda: self._result is not None, "a reply", timeout)
        reply, error = self._result
        if error:
            raise error
        values = reply.unpack()
        return values[0] if values else None


class EventStream:
    """The events that come out of a Subscribe's fd: an iterator over dicts, which ends when the
    daemon has closed its side."""

    def __init__(self, fd):
        self.fd = fd
        self._buffer = b""

    def __iter__(self):
        return self

    def __next__(self):
        line = self.read_line()
        if line is None:
            raise StopIteration
        return json.loads(line)

    def read_line(self, timeout=None):
        """The next line's bytes; None at the end."""
        timeout = PATIENCE if timeout is None else timeout * FACTOR
        parts = [self._buffer]
        while b"\n" not in parts[-1]:
            if not select.select([self.fd], [], [], timeout)[0]:
                raise AssertionError(f"no event for {timeout} s")
            part = os.read(self.fd, 65536)
            if not part:
                assert not b"".join(parts), "the stream ended in the middle of a line"
                return None
            parts.append(part)
        line, self._buffer = b"".join(parts).split(b"\n", 1)
        return line

    def close(self):
        if self.fd >= 0:
            os.close(self.fd)
        self.fd = -1

    def __del__(self):
        self.close()


class Pool:
    """Used in a `with`. @daemon False: the environment alone. @broker: dbus-broker for a bus.
    @environment: more variables for the daemon."""

    def __init__(self, daemon=True, broker=False, environment=None):
        self.folder = tempfile.mkdtemp(prefix="storkit-test.")
        self.marker = f"STORKIT_TEST_POOL={os.path.basename(self.folder)}"
        self.environment = self._make_environment(environment or {})
        self.log = f"{self.folder}/storkitd.log"
        self.events = []
        self.process = None
        self.daemon_wrapper = []  # a command line that executes it
        self.units = set()
        self._wants_daemon = daemon
        self._broker = broker

    def _make_environment(self, more):
        kept = ("PATH", "LC_ALL", "LANG", "USER", "LOGNAME", "SHELL")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        for name in os.environ:
            programs = ("STORKIT_SHIM", "STORKIT_GIT", "STORKITCTL", "STORKIT_TEST_HOST")
            if name.endswith("SAN_OPTIONS") or name in programs:
                environment[name] = os.environ[name]
        for name, folder in (
            ("HOME", "home"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_DATA_HOME", "data"),
            ("XDG_CACHE_HOME", "cache"),
        ):
            environment[name] = f"{self.folder}/{folder}"
            os.mkdir(environment[name])
        name, _, value = self.marker.partition("=")
        environment |= {
            name: value,
            "XDG_RUNTIME_DIR": RUNTIME,
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.folder}/bus",
            "G_DEBUG": "fatal-criticals",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        return environment | more

    # Life and end

    def __enter__(self):
        self.manager = UserManager()
        self.bus = Bus(self.folder, self.environment, self._broker)
        self.bus.connection.signal_subscribe(
            None, NAME, "AgentEvent", PATH, None, Gio.DBusSignalFlags.NONE, self._on_event
        )
        if self._wants_daemon:
            self.start_daemon()
        return self

    def __exit__(self, kind, error, traceback):
        signal.setitimer(signal.ITIMER_REAL, 0)  # however late it is, this is still done
        problems = []
        if kind:
            with contextlib.suppress(Exception):  # the end comes, whatever this finds
                self.print_state()
        try:
            problems = self._end()
        finally:
            if kind or problems:
                self.print_log()
            shutil.rmtree(self.folder, ignore_errors=True)
        if problems and not kind:
            raise AssertionError("; ".join(problems))
        for problem in problems:
            print(f"and: {problem}")

    def _end(self):
        """Ends all that the test began; returns what ought not to have been there."""
        problems = self._scopes_of_ended_runs()
        for unit in self.units | {scope_name(run) for run in self.run_folders()}:
            if self.scope_exists(unit):
                self.manager.kill(unit)
        problems += self._end_daemon()
        self.bus.close()
        for pid in self._wait_for_helpers():
            problems.append(f"left behind: process {describe_process(pid)}")
            os.kill(pid, signal.SIGKILL)
        return problems

    def _wait_for_helpers(self):
        """git's helpers end when they see that the service has: a moment after it. Returns the
        processes that are left. Twice: one that just executes its program is not found."""
        for _ in range(2):
            with contextlib.suppress(AssertionError):
                wait_until(
                    lambda: not any(map(ends_with_service, processes_of(self.marker))),
                    "git's helpers to end",
                )
        return processes_of(self.marker)

    def _scopes_of_ended_runs(self):
        if not self.running():
            return []
        try:
            infos = self.call("List", timeout=10)[0]
        except PoolError as error:
            return [f"storkitd does not answer at the end: {error}"]
        ended = [info for info in infos if info["status"] in ("completed", "failed")]
        return [
            f"left behind: {info['unit']} of a run that is {info['status']}"
            for info in ended
            if "unit" in info and self.scope_exists(info["unit"])
        ]

    def _end_daemon(self):
        problems = []
        if self.running() and self.stop_daemon() != 0:
            problems.append(f"storkitd ended with {self.process.returncode} on SIGTERM")
        if re.search(r"(Address|Leak|UndefinedBehavior)Sanitizer|runtime error:", self.log_text()):
            problems.append("a sanitizer has reported something; see the log")
        return problems

    # The daemon's process

    def running(self):
        return self.process is not None and self.process.poll() is None

    def start_daemon(self):
        """Starts storkitd and waits until it owns its name."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*self.daemon_wrapper, os.environ["STORKITD"]],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        pid = self.process.pid
        wait_until(
            lambda: self.bus.owner_pid(NAME) == pid or not self.running(), f"it to own {NAME}"
        )
        assert self.running(), f"storkitd ended at once, with status {self.process.returncode}"

    def stop_daemon(self, signal_number=signal.SIGTERM, patience=PATIENCE):
        """Ends storkitd; returns its exit status, as subprocess gives it: that of SIGKILL where
        it did not end by itself within @patience seconds."""
        self.process.send_signal(signal_number)
        try:
            return self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()

    def kill_daemon(self):
        self.stop_daemon(signal.SIGKILL)

    def restart_daemon(self):
        assert self.stop_daemon() == 0, f"storkitd ended with {self.process.returncode} on SIGTERM"
        self.start_daemon()

    def log_text(self):
        """All that storkitd and the shims have said so far."""
        try:
            with open(self.log, errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def print_state(self):
        """What there is now: of a test that has waited in vain, it tells on whom."""
        for run in self.run_folders()[:10]:
            with os.scandir(self.run_folder(run)) as files:
                print(f"--- {run}: {({file.name: file.stat().st_size for file in files})}")
        for pid in processes_of(self.marker):
            print(f"--- {describe_process(pid)} is at {read_waiting_place(pid)}")
        for info in self.call("List", timeout=10)[0][:10] if self.running() else []:
            known = {key: info.get(key) for key in ("run_id", "status", "cursor", "waiting")}
            print(f"--- {known}")

    def print_log(self):
        print(f"--- storkitd's log\n{self.log_text()}---", flush=True)

    # Projects

    def repository(self, name="project", agents=None, config=None):
        """A git repository with one commit on `main`; returns its path. @agents: by name, each a
        scenario of the stand-in or a dict of keys of an [[agent]] (`scenario` among them); the
        default is one `coder` that runs the stand-in's default scenario. @config: the text of
        project.toml instead, or "" for none."""
        root = f"{self.folder}/{name}"
        os.mkdir(root)
        self.git(root, "init", "--quiet", "--initial-branch=main")
        with open(f"{root}/README", "w") as file:
            file.write(f"This is {name}.\n")
        if config is None:
            config = self.roster(agents or {"coder": {}})
        if config:
            self.write_config(root, config)
        self.git(root, "add", "--all")
        self.git(root, "commit", "--quiet", "--message", "the beginning")
        return root

    def roster(self, agents):
        """The text of a project.toml with these agents; see repository()."""
        text = ""
        for name, agent in agents.items():
            keys = {"scenario": agent} if isinstance(agent, str) else dict(agent)
            scenario = keys.pop("scenario", None)
            if scenario is not None:
                keys["env"] = {"STAND_IN": scenario} | keys.get("env", {})
            text += "[[agent]]\n"
            for key, value in ({"name": name, "command": STAND_IN} | keys).items():
                text += f"{key} = {toml_value(value)}\n"
        return text

    def write_config(self, root, text):
        os.makedirs(f"{root}/.storkit", exist_ok=True)
        with open(f"{root}/.storkit/project.toml", "w") as file:
            file.write(text)

    def git(self, root, *arguments):
        """Runs git in @root; returns its output without the last newline."""
        identity = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        return subprocess.run(
            ["git", *identity, *arguments],
            cwd=root,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            text=True,
        ).stdout.rstrip("\n")

    def run_folders(self):
        """The ids of the runs that have a folder, oldest first."""
        try:
            return sorted(os.listdir(self.run_folder("")), key=lambda run: run[-10:])
        except FileNotFoundError:
            return []

    def run_folder(self, run_id):
        return f"{self.environment['XDG_STATE_HOME']}/storkit/runs/{run_id}"

    # The interface, call by call. What is an a{sv} there is a dict here.

    def call(self, method, signature="()", *arguments, timeout=None):
        """Calls @method and returns the values of its reply; raises PoolError."""
        return self._call_with_fds(method, signature, arguments, timeout)[0]

    def _call_with_fds(self, method, signature, arguments, timeout=None):
        try:
            reply, fds = self.bus.connection.call_with_unix_fd_list_sync(
                NAME,
                PATH,
                NAME,
                method,
                GLib.Variant(signature, arguments),
                None,
                Gio.DBusCallFlags.NO_AUTO_START,
                int(1000 * FACTOR * (timeout or 30)),
                None,
                None,
            )
        except GLib.Error as error:
            raise pool_error(error) from None
        return reply.unpack(), fds

    def begin(self, method, signature, *arguments):
        """Calls @method without waiting for its reply: a PendingCall."""
        return PendingCall(self.bus.connection, method, GLib.Variant(signature, arguments))

    def _fd_call(self, method, signature, *arguments):
        reply, fds = self._call_with_fds(method, signature, arguments)
        return fds.get(reply[0])

    def start(self, root, story, agent="", **options):
        if options:
            variants = {key: option_variant(value) for key, value in options.items()}
            info = self.call("StartWithOptions", "(sssa{sv})", root, story, agent, variants)[0]
        else:
            info = self.call("Start", "(sss)", root, story, agent)[0]
        if "unit" in info:
            self.units.add(info["unit"])
        return info

    def stop(self, root, story, agent=""):
        self.call("Stop", "(sss)", root, story, agent, timeout=60)

    def list(self):
        return self.call("List")[0]

    def get(self, root, story, agent=""):
        return self.call("Get", "(sss)", root, story, agent)[0]

    def wait(self, root, story, agent="", timeout=30):
        return self.call("Wait", "(sss)", root, story, agent, timeout=timeout)[0]

    def subscribe(self, root, story, agent="", cursor=0):
        return EventStream(self._fd_call("Subscribe", "(ssst)", root, story, agent, cursor))

    def subscribe_run(self, run_id, cursor=0):
        return EventStream(self._fd_call("SubscribeRun", "(st)", run_id, cursor))

    def drain(self, root, story, agent=""):
        events = self.call("Drain", "(sss)", root, story, agent)[0]
        return [json.loads(event) for event in events]

    def send_input(self, root, story, data, agent=""):
        self.call("SendInput", "(sssay)", root, story, agent, data)

    def send_message(self, root, story, text, agent=""):
        self.call("SendMessage", "(ssss)", root, story, agent, text)

    def close_input(self, root, story, agent=""):
        self.call("CloseInput", "(sss)", root, story, agent)

    def resize(self, root, story, rows, columns, agent=""):
        self.call("Resize", "(sssqq)", root, story, agent, rows, columns)

    def attach(self, root, story, agent=""):
        """The fd of the terminal; the caller closes it."""
        return self._fd_call("Attach", "(sss)", root, story, agent)

    def freeze(self, root, story, agent=""):
        self.call("Freeze", "(sss)", root, story, agent)

    def thaw(self, root, story, agent=""):
        self.call("Thaw", "(sss)", root, story, agent)

    def list_worktrees(self, root):
        return self.call("ListWorktrees", "(s)", root)[0]

    def remove_worktree(self, root, story, force=False):
        self.call("RemoveWorktree", "(ssb)", root, story, force)

    def get_run(self, run_id):
        return self.call("GetRun", "(s)", run_id)[0]

    def get_config(self, root):
        return self.call("GetConfig", "(s)", root)[0]

    def _property_call(self, method, signature, *arguments):
        try:
            return self.bus.connection.call_sync(
                NAME, PATH, "org.freedesktop.DBus.Properties", method,
                GLib.Variant(signature, (NAME, *arguments)), None,
                Gio.DBusCallFlags.NO_AUTO_START, -1, None,
            ).unpack()  # fmt: skip
        except GLib.Error as error:
            raise pool_error(error) from None

    def get_property(self, name):
        return self._property_call("Get", "(ss)", name)[0]

    def set_property(self, name, variant):
        self._property_call("Set", "(ssv)", name, variant)

    # What came in

    def _on_event(self, connection, sender, path, interface, member, parameters):
        story, agent, kind, data = parameters.unpack()
        self.events.append({"story_id": story, "agent_name": agent, "type": kind, **data})

    def wait_for(self, predicate, timeout=None, what="an AgentEvent"):
        """The first AgentEvent so far or to come of which @predicate is true. With a string: the
        first of that type."""
        wanted = predicate
        if isinstance(predicate, str):
            wanted = lambda event: event["type"] == predicate  # noqa: E731
        try:
            return wait_until(lambda: next(filter(wanted, self.events), None), what, timeout)
        except AssertionError:
            print(f"AgentEvents so far: {json.dumps(self.events[-50:], indent=1)}")
            raise

    def scope_exists(self, unit):
        return self.manager.unit_path(unit) is not None

    def cgroup_procs(self, unit):
        return self.manager.cgroup_procs(unit)

    def journal(self, run_id):
        return journal(run_id)

    def processes(self):
        """The pids of everything this pool began, directly or not, the bus and storkitd among
        them, git's helpers not."""
        return [pid for pid in processes_of(self.marker) if not is_helper(pid)]
