# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs as objects, as a desktop sees them: through GLib's client of ObjectManager."""

import os

from gi.repository import Gio, GLib

from harness import NAME, PATH, EventStream, main, raises, wait_until
from pool import pool_error

RUN = "org.storkit.Run"
FIGURES = {"Cursor", "Memory", "MemoryPeak", "CpuUsec", "Processes"}


def camel_case(key):
    return "".join(map(str.capitalize, key.split("_")))


class Objects:
    """The runs' objects as GLib's client keeps them, and what it was told."""

    def __init__(self, pool):
        self.changes = []
        self.manager = Gio.DBusObjectManagerClient.new_sync(
            pool.bus.connection, Gio.DBusObjectManagerClientFlags.DO_NOT_AUTO_START, NAME, PATH,
            None, None, None,
        )  # fmt: skip
        self.manager.connect("interface-proxy-properties-changed", self._on_changed)

    def _on_changed(self, manager, node, proxy, changed, invalidated):
        assert not invalidated, f"invalidated, and not sent: {invalidated}"
        self.changes.append(changed.unpack())

    def ids(self):
        return [self.property(proxy, "RunId") for proxy in self.proxies()]

    def proxies(self):
        return [node.get_interface(RUN) for node in self.manager.get_objects() if node.get_interface(RUN)]

    def proxy(self, run_id):
        def find():
            return next((p for p in self.proxies() if self.property(p, "RunId") == run_id), None)

        return wait_until(find, f"the object of {run_id}")

    def property(self, proxy, name):
        """As the client has it, without asking the service."""
        value = proxy.get_cached_property(name)
        return None if value is None else value.unpack()

    def wait_for(self, proxy, name, value):
        wait_until(
            lambda: self.property(proxy, name) == value,
            f"{name} to become {value!r}; it is {self.property(proxy, name)!r}",
        )


def call(proxy, method, signature=None, *arguments):
    variant = GLib.Variant(signature, arguments) if signature else None
    try:
        reply = proxy.call_sync(method, variant, Gio.DBusCallFlags.NONE, 30000, None)
    except GLib.Error as error:
        raise pool_error(error) from None
    return reply.unpack()[0] if reply.n_children() else None


def call_fd(proxy, method, signature=None, *arguments):
    variant = GLib.Variant(signature, arguments) if signature else None
    reply, fds = proxy.call_with_unix_fd_list_sync(
        method, variant, Gio.DBusCallFlags.NONE, 30000, None, None
    )
    return fds.get(reply.unpack()[0])


def all_properties(proxy):
    connection = proxy.get_connection()
    return connection.call_sync(
        NAME, proxy.get_object_path(), "org.freedesktop.DBus.Properties", "GetAll",
        GLib.Variant("(s)", (RUN,)), None, Gio.DBusCallFlags.NONE, -1, None,
    ).unpack()[0]  # fmt: skip


def check_properties(proxy, info):
    """The object says what Get does; what is absent there is empty here."""
    found = all_properties(proxy)
    wanted = {camel_case(key): value for key, value in info.items() if key != "object_path"}
    assert info["object_path"] == proxy.get_object_path()
    for name, value in found.items():
        if name in wanted and name not in FIGURES:
            assert value == wanted[name], f"{name} is {value!r}, not {wanted[name]!r}"
        elif name not in wanted:
            assert not value, f"{name} is {value!r}, and Get has none"
    assert wanted.keys() <= found.keys(), wanted.keys() - found.keys()


def test_a_run_comes_changes_and_goes_as_an_object(pool):
    """A client that only listens sees a run from its start to its being taken off the list."""
    objects = Objects(pool)
    assert objects.proxies() == []
    root = pool.repository(agents={"coder": "init; wait go; text hello; result; idle"})
    info = pool.start(root, "s")
    proxy = objects.proxy(info["run_id"])
    objects.wait_for(proxy, "Status", "running")
    objects.wait_for(proxy, "Pid", info["pid"])
    wait_until(lambda: objects.property(proxy, "SessionId"), "the session's id")
    assert objects.property(proxy, "Turns") == 0
    with open(f"{info['worktree_path']}/go", "w"):
        pass
    objects.wait_for(proxy, "Turns", 1)
    check_properties(proxy, pool.get(root, "s"))
    pool.stop(root, "s")
    wait_until(lambda: objects.proxies() == [], "the object to go")
    assert not any(FIGURES & changed.keys() for changed in objects.changes), "figures were sent"


def test_a_question_without_a_newline_is_shown(pool):
    """A line that the agent leaves unfinished is in the info and told of, once the agent is quiet,
    as a terminal would show it; it is no event, and gone when the line goes on."""
    objects = Objects(pool)
    scenario = "init; bytes 12%\\r99%\\rProceed? [y/N] ; wait go; print yes; wait on; result"
    root = pool.repository(agents={"coder": scenario})
    info = pool.start(root, "s")
    proxy = objects.proxy(info["run_id"])
    objects.wait_for(proxy, "UnfinishedLine", "Proceed? [y/N]")
    assert pool.get(root, "s")["unfinished_line"] == "Proceed? [y/N]"
    open(f"{info['worktree_path']}/go", "w").close()
    objects.wait_for(proxy, "UnfinishedLine", "")
    assert "unfinished_line" not in pool.get(root, "s")
    open(f"{info['worktree_path']}/on", "w").close()
    pool.wait(root, "s")
    texts = [e["text"] for e in pool.subscribe_run(info["run_id"]) if e["type"] == "output"]
    assert len(texts) == 1 and texts[0].endswith("yes"), texts


def test_limits_are_in_the_info(pool):
    """The limits that are set, the roster's and the call's, are in the info, in plain numbers."""
    root = pool.repository(agents={"coder": {"scenario": "idle", "tasks_max": 100}})
    info = pool.start(root, "s", runtime_max="1h")
    assert info["limits"] == {"tasks_max": 100, "runtime_max_usec": 3600 * 1000000}
    pool.stop(root, "s")
    assert "limits" not in pool.start(pool.repository("other", agents={"coder": "idle"}), "s")


def test_get_run_finds_what_list_does_not_show(pool):
    """GetRun answers by the run's id: for a live run as Get does, for one that was taken off the
    list as long as its folder is there."""
    root = pool.repository(agents={"coder": "init; idle"})
    info = pool.start(root, "s")
    found = pool.call("GetRun", "(s)", info["run_id"])[0]
    assert found["run_id"] == info["run_id"] and found["status"] == "running"
    pool.stop(root, "s")
    raises("NoSuchRun", pool.get, root, "s")
    ended = pool.call("GetRun", "(s)", info["run_id"])[0]
    assert (ended["status"], ended["error"]) == ("failed", "stopped")
    raises("InvalidArgument", pool.call, "GetRun", "(s)", "no/id")
    raises("NoSuchRun", pool.call, "GetRun", "(s)", "s.coder.0000000000")
    with open(f"{pool.run_folder(info['run_id'])}/run.json", "w") as file:
        file.write("{")
    error = raises("org.freedesktop.DBus.Error.Failed", pool.call, "GetRun", "(s)", info["run_id"])
    assert f"run {info['run_id']} can't be read: run.json" in error.message, error


def test_an_ended_run_stays_an_object(pool):
    """An ended run keeps its object, with how it ended, until a new one of its key replaces it."""
    objects = Objects(pool)
    root = pool.repository(agents={"coder": "init; exit 3"})
    first = pool.start(root, "s")
    info = pool.wait(root, "s")
    proxy = objects.proxy(first["run_id"])
    objects.wait_for(proxy, "Status", "failed")
    objects.wait_for(proxy, "ExitCode", 3)
    assert objects.property(proxy, "Error") == info["error"]
    assert objects.property(proxy, "Ended") == info["ended"]
    check_properties(proxy, info)
    second = pool.start(root, "s")
    pool.wait(root, "s")
    wait_until(lambda: objects.ids() == [second["run_id"]], "the second object alone")
    call(objects.proxy(second["run_id"]), "Stop")
    wait_until(lambda: objects.proxies() == [], "the object to go")
    raises("NoSuchRun", pool.get, root, "s")


def test_clients_that_come_in_between_see_the_same(pool):
    """Whenever a client asks for all objects, that reply and the signals after it add up: runs that
    come, change and go meanwhile are as in List in the end."""
    root = pool.repository(agents={"coder": "init; result", "idler": "init; idle"})
    clients = []
    for i in range(4):
        start = pool.begin("Start", "(sss)", root, f"s{i}", "idler")
        clients.append(Objects(pool))
        pool.start(root, f"s{i}")
        clients.append(Objects(pool))
        start.result()
        stop = pool.begin("Stop", "(sss)", root, f"s{i}", "idler")
        clients.append(Objects(pool))
        stop.result()
    ended = {pool.wait(root, f"s{i}")["run_id"] for i in range(4)}
    for objects in clients:
        wait_until(lambda: set(objects.ids()) == ended, "the ended runs' objects alone")
        for run_id in ended:
            objects.wait_for(objects.proxy(run_id), "Status", "completed")


def test_a_queued_run_shows_its_place(pool):
    """QueuePosition follows the queue."""
    objects = Objects(pool)
    root = pool.repository(agents={"coder": "idle"})
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    pool.start(root, "a")
    second = objects.proxy(pool.start(root, "b")["run_id"])
    third = objects.proxy(pool.start(root, "c")["run_id"])
    objects.wait_for(second, "QueuePosition", 1)
    objects.wait_for(third, "QueuePosition", 2)
    pool.stop(root, "a")
    objects.wait_for(second, "Status", "running")
    objects.wait_for(second, "QueuePosition", 0)
    objects.wait_for(third, "QueuePosition", 1)
    pool.stop(root, "c")
    pool.stop(root, "b")
    wait_until(lambda: objects.proxies() == [], "the objects to go")


def test_an_object_steers_its_run(pool):
    """The object's methods do what the pool's do: messages, size, freezing, the end."""
    root = pool.repository(
        agents={"coder": {"scenario": "size; init; text ready; read", "interactive": True}}
    )
    info = pool.start(root, "s")
    objects = Objects(pool)
    proxy = objects.proxy(info["run_id"])
    terminal = call_fd(proxy, "Attach")
    events = EventStream(call_fd(proxy, "Subscribe", "(t)", 0))
    assert next(events)["status"] == "pending"
    pool.wait_for(lambda event: event.get("text") == "ready")  # for its handler of SIGWINCH
    call(proxy, "Resize", "(qq)", 33, 77)
    call(proxy, "SendInput", "(ay)", b"typed")
    call(proxy, "SendMessage", "(s)", "Go on.")
    pool.wait_for(lambda event: event.get("text") == "answer 2")
    pool.wait_for(lambda event: event.get("text") == "size 33 77")
    call(proxy, "Freeze")
    objects.wait_for(proxy, "Frozen", True)
    call(proxy, "Thaw")
    objects.wait_for(proxy, "Frozen", False)
    raises("InvalidArgument", call, proxy, "Resize", "(qq)", 0, 0)
    call(proxy, "CloseInput")
    assert call(proxy, "Wait")["status"] == "completed"
    raises("NotRunning", call, proxy, "SendMessage", "(s)", "Too late.")
    assert [event["type"] for event in events][-1] == "done"
    with os.fdopen(terminal, "rb") as file:
        assert b"answer 2" in file.read()


def test_a_new_daemon_has_the_objects_of_old_runs(pool):
    """After a restart of the service the live run and the ended one are objects as before."""
    root = pool.repository(agents={"coder": "init; idle", "quick": "init; result"})
    live = pool.start(root, "s")
    pool.start(root, "s", "quick")
    ended = pool.wait(root, "s", "quick")
    objects = Objects(pool)
    pool.restart_daemon()
    wait_until(
        lambda: sorted(objects.ids()) == sorted([live["run_id"], ended["run_id"]]), "both objects"
    )
    objects.wait_for(objects.proxy(live["run_id"]), "Status", "running")
    check_properties(objects.proxy(ended["run_id"]), ended)
    pool.stop(root, "s")
    wait_until(lambda: objects.ids() == [ended["run_id"]], "the live run's object to go")


def test_what_is_no_run_is_no_object(pool):
    """A path below the runs' that is none of theirs answers that there is no such object."""
    for path in (f"{PATH}/run/nobody", f"{PATH}/run/_zz", f"{PATH}/run/a/b"):
        try:
            pool.bus.connection.call_sync(
                NAME, path, RUN, "Stop", None, None, Gio.DBusCallFlags.NONE, -1, None
            )
        except GLib.Error as error:
            assert Gio.DBusError.get_remote_error(error).endswith("UnknownObject"), error
        else:
            raise AssertionError(f"{path} took a Stop")


if __name__ == "__main__":
    main()
