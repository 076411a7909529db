# SPDX-License-Identifier: LGPL-2.1-or-later
"""What others do to a run behind the service's back: systemctl freezes its scope or its slice,
systemd re-executes itself, others lock its folder or write into it, or use up inotify."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import threading

from follower import all_events, terminal_events
from harness import Pool, main, raises, serial, skip, timeout, wait_until
from session import RUNTIME, journal

SLICE = "app-storkit.slice"


def systemctl(*arguments):
    subprocess.check_call(["systemctl", "--user", *arguments])


def statuses(pool):
    return [event["status"] for event in pool.events if event["type"] == "status"]


@contextlib.contextmanager
def again_and_again(seconds, disturb):
    """Within it, @disturb() is called that often, by another thread."""
    over = threading.Event()

    def nag():
        while not over.wait(seconds):
            disturb()

    nagging = threading.Thread(target=nag)
    nagging.start()
    try:
        yield
    finally:
        over.set()
        nagging.join()


def start_and_stop_some(pool, root):
    """It works, by one and the same service."""
    pid = pool.process.pid
    for number in range(8):
        unit = pool.start(root, f"s{number}")["unit"]
        pool.stop(root, f"s{number}")
        assert not pool.scope_exists(unit)
    assert pool.running() and pool.process.pid == pid


def test_unit_that_systemctl_freezes_is_shown_as_frozen(pool):
    """`systemctl --user freeze` and `thaw` of a run's scope are told as Freeze and Thaw are; Thaw
    and Stop thaw the scope first, whoever froze it."""
    root = pool.repository(agents={"coder": "idle"})
    unit = pool.start(root, "s")["unit"]
    systemctl("freeze", unit)
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be shown as frozen")
    systemctl("thaw", unit)
    wait_until(lambda: not pool.get(root, "s").get("frozen"), "it to be shown as running")
    systemctl("freeze", unit)
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be frozen again")
    pool.thaw(root, "s")
    assert pool.manager.property(unit, "FreezerState") == "running"
    systemctl("freeze", unit)
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be frozen once more")
    pool.stop(root, "s")
    pool.wait_for(lambda event: event.get("status") == "stopped")
    assert not pool.scope_exists(unit)
    assert "killing its processes" not in pool.log_text()
    live = ["frozen", "running", "frozen", "running", "frozen"]
    assert statuses(pool) == ["pending", "running", *live, "stopped"]


def test_unit_that_was_frozen_meanwhile_is_found_frozen(pool):
    """A scope that is frozen while no service runs is shown as frozen by the next, and can be
    stopped."""
    root = pool.repository(agents={"coder": "idle"})
    unit = pool.start(root, "s")["unit"]
    pool.kill_daemon()
    systemctl("freeze", unit)
    pool.start_daemon()
    wait_until(lambda: pool.get(root, "s").get("frozen"), "it to be found frozen")
    pool.stop(root, "s")
    assert not pool.scope_exists(unit)
    assert "killing its processes" not in pool.log_text()


@contextlib.contextmanager
def frozen_slice():
    """All agents of this user stand still meanwhile. Not for a machine that somebody works with."""
    if os.environ.get("STORKIT_TEST_HOST") != "1":
        skip("only the slice of a booted host may be frozen: tests/host/boot")
    systemctl("freeze", SLICE)
    try:
        yield
    finally:
        systemctl("thaw", SLICE)


@serial
def test_start_in_a_frozen_slice_says_so(pool):
    """A Start while app-storkit.slice is frozen fails, names the slice and leaves nothing; Thaw of
    a run in it, which is shown as frozen, says the same."""
    root = pool.repository(agents={"coder": "idle"})
    before = pool.start(root, "before")
    with frozen_slice():
        wait_until(lambda: pool.get(root, "before").get("frozen"), "the run to be shown as frozen")
        # systemd 252 thaws the slice, and no run in it, when a scope of it is stopped: first Thaw.
        for refused in (
            raises("ScopeFailed", pool.thaw, root, "before"),
            raises("ScopeFailed", pool.start, root, "new"),
        ):
            assert f"`systemctl --user thaw {SLICE}`" in refused.message, refused.message
        assert pool.run_folders() == [before["run_id"]]
    wait_until(lambda: not pool.get(root, "before").get("frozen"), "it to go on")
    pool.start(root, "new")


def test_freeze_at_the_moment_of_an_end_is_not_running(pool):
    """A Freeze or Thaw that meets a run which has just ended is NotRunning, whatever of its end the
    service has seen by then."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": f"wait {go}; exit 0"})
    for number, method in enumerate(("Freeze", "Thaw")):
        unit = pool.start(root, f"s{number}")["unit"]
        os.kill(pool.process.pid, signal.SIGSTOP)
        open(go, "w").close()
        wait_until(lambda: not pool.scope_exists(unit), "the end of the scope")
        call = pool.begin(method, "(sss)", root, f"s{number}", "coder")
        os.kill(pool.process.pid, signal.SIGCONT)
        raises("NotRunning", call.result)
        os.unlink(go)


@timeout(120)
@serial
def test_systemd_may_be_reexecuted_in_the_middle_of_a_start(pool):
    """`systemctl --user daemon-reexec`, as an upgrade of systemd calls it, fails no Start and no
    Stop, and the service goes on."""
    if os.environ.get("STORKIT_TEST_HOST") != "1":
        skip("only the systemd of a booted host is re-executed: tests/host/boot")
    root = pool.repository(agents={"coder": "idle"})
    reexecute = ["systemctl", "--user", "daemon-reexec"]
    with again_and_again(0.2, lambda: subprocess.call(reexecute, stderr=subprocess.DEVNULL)):
        start_and_stop_some(pool, root)


class Relay:
    """A bus's socket in a folder of its own, all connections to which can be cut at once."""

    def __init__(self, folder, bus):
        self.bus = bus
        self.sockets = []
        self.accepted = 0
        os.mkdir(folder)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{folder}/bus")
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            bus = socket.socket(socket.AF_UNIX)
            bus.connect(self.bus)
            self.sockets += [client, bus]
            for source, sink in ((client, bus), (bus, client)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()
            self.accepted += 1

    @staticmethod
    def _copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                sink.sendall(data)

    def cut(self):
        for end in self.sockets:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        with contextlib.suppress(OSError):  # it is closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.cut()


@contextlib.contextmanager
def pool_with_relay():
    """A pool whose service reaches the user manager over a relay."""
    with Pool(daemon=False) as pool:
        runtime = f"{pool.folder}/relayed"
        relay = Relay(runtime, f"{RUNTIME}/bus")
        pool.environment |= {"XDG_RUNTIME_DIR": runtime, "STORKIT_MANAGER_STEP_MSEC": "1"}
        pool.start_daemon()
        try:
            yield pool, relay
        finally:
            pool.stop_daemon()
            relay.close()


def test_connection_to_the_manager_may_be_lost():
    """Wherever the connection to the user manager is cut, the service makes another and goes on:
    Starts and Stops succeed, and the end of what ran meanwhile is told."""
    with pool_with_relay() as (pool, relay):
        root = pool.repository(agents={"coder": "idle"})
        idle = pool.start(root, "idle")["unit"]
        with again_and_again(0.15, relay.cut):
            start_and_stop_some(pool, root)
        pool.manager.kill(idle)
        assert pool.wait(root, "idle")["status"] == "failed"
        assert pool.running()
        assert relay.accepted > 8


def test_manager_that_is_gone_for_good_is_no_failure():
    """Where the user manager cannot be reached any more the service ends with status 0, its runs go
    on, and the next service has them."""
    with pool_with_relay() as (pool, relay):
        root = pool.repository(agents={"coder": "idle"})
        run = pool.start(root, "42_login")["run_id"]
        relay.close()
        wait_until(lambda: not pool.running(), "the end of storkitd")
        assert pool.process.returncode == 0
        assert "cannot reach the user manager" in pool.log_text()
        pool.environment["XDG_RUNTIME_DIR"] = RUNTIME
        pool.start_daemon()
        assert [info["run_id"] for info in pool.list()] == [run]
        assert pool.get(root, "42_login")["status"] == "running"


def test_cursor_of_a_last_line_outlives_the_service(pool):
    """The cursor of a last line without a newline, which a service gave out that died before it had
    kept the result, is taken by the next; and the journal does not get the run a second time."""
    raw = {"kind": "raw", "command": "sh", "args": ["-c", "echo one; printf two"]}
    root = pool.repository(agents={"coder": raw})
    run = pool.start(root, "s")["run_id"]
    pool.wait(root, "s")
    events = all_events(pool, run)
    wait_until(lambda: len(journal(run)) == len(events), "the journal")
    pool.kill_daemon()
    os.unlink(f"{pool.run_folder(run)}/summary.json")
    pool.start_daemon()
    (line,) = [event for event in events if event.get("text") == "two"]
    rest = list(pool.subscribe_run(run, line["cursor"]))
    assert rest == terminal_events(events), rest
    wait_until(lambda: os.path.exists(f"{pool.run_folder(run)}/summary.json"), "the result")
    pool.restart_daemon()
    # The one in flight at the kill may have come twice.
    cursors = [entry["STORKIT_CURSOR"] for entry in journal(run)]
    assert len(cursors) - len(set(cursors)) <= 1, cursors


def test_run_with_a_foreign_result_is_live(pool):
    """A summary.json that an agent writes ends nothing: as long as its shim lives the run is live,
    and can be stopped."""
    root = pool.repository(agents={"coder": "idle"})
    ended = pool.start(root, "ended")["run_id"]
    pool.stop(root, "ended")
    info = pool.start(root, "s")
    result = f"{pool.run_folder(info['run_id'])}/summary.json"
    shutil.copy(f"{pool.run_folder(ended)}/summary.json", result)
    pool.restart_daemon()
    assert pool.get(root, "s", "coder")["status"] == "running"
    pool.stop(root, "s", "coder")
    assert not pool.scope_exists(info["unit"])
    assert [event["status"] for event in terminal_events(all_events(pool, info["run_id"]))] == [
        "stopped"
    ]


@contextlib.contextmanager
def waiting_for_lock(path):
    """Another process waits for the lock of @path, and keeps it when it has it."""
    process = subprocess.Popen(["flock", path, "sleep", "1000"], start_new_session=True)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_foreign_lock_keeps_nothing_from_ending(pool):
    """Somebody who takes the lock of a run's folder when its shim lets go of it keeps neither Stop
    from answering, nor the next service from knowing how the run ended."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents={"coder": "idle", "other": f"wait {go}; exit 0"})
    runs = [pool.start(root, "s", agent) for agent in ("coder", "other")]
    folders = [pool.run_folder(info["run_id"]) for info in runs]
    with waiting_for_lock(folders[0]), waiting_for_lock(folders[1]):
        pool.stop(root, "s", "coder")
        assert not pool.scope_exists(runs[0]["unit"])
        pool.kill_daemon()
        open(go, "w").close()
        wait_until(lambda: not pool.scope_exists(runs[1]["unit"]), "the end of the other")
        pool.start_daemon()
        assert pool.wait(root, "s", "other")["status"] == "completed"
        pool.stop(root, "s", "other")
        assert pool.list() == []


@contextlib.contextmanager
def inotify_used_up():
    """This user has no inotify instance left meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    taken = []
    while (fd := libc.inotify_init1(os.O_CLOEXEC)) >= 0:
        taken.append(fd)
    try:
        yield
    finally:
        for fd in taken:
            os.close(fd)


@serial
def test_service_does_without_inotify():
    """Where the user's inotify instances are used up the service starts, says so, and sees all that
    happens to its runs."""
    if os.environ.get("STORKIT_TEST_HOST") != "1":
        skip("only the user of a booted host may be left without inotify: tests/host/boot")
    with Pool(daemon=False) as pool:
        raw = {"kind": "raw", "command": "sh", "args": ["-c", "echo hello; read x; echo bye"]}
        root = pool.repository(agents={"coder": raw})
        with inotify_used_up():
            pool.start_daemon()
            run = pool.start(root, "s")["run_id"]
            pool.wait_for(lambda event: event.get("text") == "hello")
            assert "twice a second" in pool.log_text()
            pool.send_input(root, "s", b"x\n")
            assert pool.wait(root, "s")["status"] == "completed"
        assert [e["text"] for e in all_events(pool, run) if e["type"] == "output"] == [
            "hello",
            "bye",
        ]


if __name__ == "__main__":
    main()
