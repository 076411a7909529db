# SPDX-License-Identifier: LGPL-2.1-or-later
"""What SECURITY.md says of the service's surface."""

import os
import socket
import stat
import struct

from gi.repository import GLib

from harness import Pool, main, raises, wait_until
from session import RUNTIME

MIB = 1024 * 1024


def authenticate(pool, uid):
    """What the bus says to a client that claims to be @uid."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{pool.folder}/bus")
        client.sendall(b"\0AUTH EXTERNAL " + str(uid).encode().hex().encode() + b"\r\n")
        return client.recv(1024).split()[0]


def check_other_user_is_refused(pool):
    assert authenticate(pool, os.getuid()) == b"OK"
    for uid in (os.getuid() + 1, 0):
        assert authenticate(pool, uid) == b"REJECTED", uid


def test_other_user_is_refused_by_dbus_daemon():
    """dbus-daemon lets in whom the kernel says that the client is, and only the bus's own user."""
    with Pool(daemon=False) as pool:
        check_other_user_is_refused(pool)


def test_other_user_is_refused_by_dbus_broker():
    """dbus-broker lets in whom the kernel says that the client is, and only the bus's own user."""
    with Pool(daemon=False, broker=True) as pool:
        check_other_user_is_refused(pool)


def test_session_bus_is_in_a_folder_of_its_user():
    """Only the user can enter the folder of the session bus's socket."""
    status = os.stat(RUNTIME)
    assert status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o700, oct(
        status.st_mode
    )


def test_folders_of_runs_are_private(pool):
    """Others can read neither a run's folder nor a file in it, however open the umask is."""
    before = os.umask(0)
    try:
        pool.restart_daemon()
    finally:
        os.umask(before)
    root = pool.repository(agents={"coder": "init; text hi; result"})
    run = pool.start(root, "42_login", prompt="secret", env={"TOKEN": "secret"})["run_id"]
    pool.wait(root, "42_login")
    folder = pool.run_folder(run)
    paths = [folder, os.path.dirname(folder)] + [f"{folder}/{name}" for name in os.listdir(folder)]
    assert len(paths) > 6, paths
    for path in paths:
        assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, path


def test_oversized_arguments_are_refused(pool):
    """An argument that is too long is InvalidArgument, with a message of a few words."""
    root = pool.repository()
    for call in (
        lambda: pool.start("/" + "x" * 5000, "s"),
        lambda: pool.start("/" + "x" * MIB, "s"),
        lambda: pool.get_config("/" + "x" * MIB),
        lambda: pool.start(root, "x" * MIB),
        lambda: pool.start(root, "s", "x" * MIB),
        lambda: pool.get(root, "☃" * MIB),
        lambda: pool.subscribe_run("x" * MIB),
        lambda: pool.start(root, "s", prompt="x" * (4 * MIB + 1)),
        lambda: pool.start(root, "s", resume="x" * MIB),
        lambda: pool.start(root, "s", base_branch="x" * MIB),
        lambda: pool.start(root, "s", memory_max="9" * MIB),
        lambda: pool.start(root, "s", env={"A": "x" * MIB}),
        lambda: pool.start(root, "s", **{"x" * MIB: ""}),
        lambda: pool.set_property("ProjectRoot", GLib.Variant("s", "/" + "x" * MIB)),
    ):
        error = raises("InvalidArgument", call)
        assert len(error.message) < 1000, error.message[:1000]
    assert pool.list() == []


def start_with(pool, root, options):
    return pool.call("StartWithOptions", "(sssa{sv})", root, "s", "", options)


def test_options_of_any_type_are_refused(pool):
    """Options of every type that D-Bus has get an answer, InvalidArgument."""
    root = pool.repository()
    for signature, value in (
        ("y", 1), ("b", True), ("d", 1.5), ("o", "/a"), ("g", "s"), ("as", ["a"]), ("v", GLib.Variant("s", "a")),
        ("(sv)", ("a", GLib.Variant("i", 1))), ("a{sv}", {}), ("a{ys}", {1: "a"}), ("aaaaas", []),
    ):  # fmt: skip
        for key in ("prompt", "env"):
            options = {key: GLib.Variant(signature, value)}
            raises("InvalidArgument", start_with, pool, root, options)
    assert pool.list() == []


def peak_memory(pool):
    """The most that storkitd ever had, in KiB."""
    with open(f"/proc/{pool.process.pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def test_millions_of_values_are_refused(pool):
    """A message of many millions of values is refused before it takes the memory that it would."""
    root = pool.repository()
    before = peak_memory(pool)
    huge = GLib.Variant.new_from_bytes(GLib.VariantType("ay"), GLib.Bytes.new(bytes(8 * MIB)), True)
    raises("InvalidArgument", start_with, pool, root, {"prompt": huge})
    grown = peak_memory(pool) - before
    assert pool.list() == []
    # As variants they would take 1.3 GiB. A sanitizer keeps a quarter of one of what was freed.
    assert grown < 600 * 1024, f"{grown} KiB"


def test_printed_fields_are_not_the_services_own(pool):
    """What an agent prints cannot pass for the fields that the service gives an event."""
    lie = '{"type":"status","status":"stopped","run_id":"forged","story_id":"forged","cursor":1}'
    root = pool.repository(
        agents={"coder": f"init; json {lie}; text a\\nSTORKIT_STORY=forged; result"}
    )
    run = pool.start(root, "42_login")["run_id"]
    events = list(pool.subscribe(root, "42_login"))
    assert {event["run_id"] for event in events} == {run}
    assert {event["story_id"] for event in events} == {"42_login"}
    cursors = [event["cursor"] for event in events]
    assert cursors == sorted(set(cursors))
    assert [e["status"] for e in events if e["type"] == "status"] == ["pending", "running"]
    entries = wait_until(
        lambda: (e := pool.journal(run)) and e[-1]["STORKIT_EVENT"] == "done" and e, "the journal"
    )
    assert {entry["STORKIT_STORY"] for entry in entries} == {"42_login"}
    assert any("\nSTORKIT_STORY=forged" in entry["MESSAGE"] for entry in entries)


def test_printed_result_does_not_end_a_run(pool):
    """A run whose agent, or a tool of its, prints a result goes on for as long as it does."""
    root = pool.repository(agents={"coder": "init; result; text more; idle"})
    info = pool.start(root, "42_login")
    pool.wait_for(lambda event: event.get("text") == "more")
    assert pool.get(root, "42_login")["status"] == "running"
    assert pool.scope_exists(info["unit"])
    pool.stop(root, "42_login")


def cut_short(path):
    open(path, "wb").close()


def make_fifo(path):
    remove(path)
    os.mkfifo(path)


def fill_with_garbage(path):
    with open(path, "wb") as file:
        file.write(b"\x5a" * 4096)


def fill_with_places_that_are_none(path):
    with open(path, "wb") as file:
        file.write(struct.pack("=4Q", 1, 2**63 + 5, 2**63 + 5, 2**63 + 5))


def make_folder(path):
    remove(path)
    os.mkdir(path)


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


# The last three are not there yet when the harm is done.
FILES = ("cursors", "times", "transcript", "started", "run.json", "exit", "summary.json")
FILES += ("summary.json.new",)


def answers(call, *args):
    """Whatever it says, it says something before the harness's time is up."""
    try:
        call(*args)
    except GLib.Error as error:
        assert "org.storkit" in str(error), error


def check_harm(pool, harm, files=FILES):
    """The agent of one run harms its own folder; that run and others are served on."""
    go = f"{pool.folder}/go"
    agents = {
        "harmed": f"init; text one; wait {go}; text two; result; exit 0",
        "other": "init; text hi; result; exit 0",
    }
    root = pool.repository(agents=agents)
    runs = {}
    for name in files:
        runs[name] = pool.start(root, name, "harmed")["run_id"]
        wait_until(lambda: len(pool.drain(root, name, "harmed")) > 0, f"events of {name}")
        harm(f"{pool.run_folder(runs[name])}/{name}")
    process = pool.process.pid
    open(go, "w").close()
    for name in files:
        answers(pool.drain, root, name, "harmed")
        answers(pool.call, "SubscribeRun", "(st)", runs[name], 0)
        answers(pool.stop, root, name, "harmed")
    assert pool.process.poll() is None and pool.process.pid == process
    for _ in range(2):
        pool.start(root, "other", "other")
        assert pool.wait(root, "other", "other")["status"] == "completed"
        pool.restart_daemon()  # it comes back, whatever it finds


def test_files_of_a_run_that_are_cut_short_harm_nobody_else(pool):
    """An agent that empties a file of its run's folder does not end or delay the service."""
    check_harm(pool, cut_short)


def test_files_of_a_run_that_become_fifos_harm_nobody_else(pool):
    """A FIFO in the place of a file of a run's folder, which nobody writes to, delays nobody."""
    check_harm(pool, make_fifo)


def test_garbage_in_files_of_a_run_harms_nobody_else(pool):
    """Nor does garbage in such a file."""
    check_harm(pool, fill_with_garbage)


def test_folders_for_files_of_a_run_harm_nobody_else(pool):
    """Nor does a folder in its place."""
    check_harm(pool, make_folder)


def test_files_of_a_run_that_are_gone_harm_nobody_else(pool):
    """Nor does one that is gone."""
    check_harm(pool, remove)


def test_kept_places_that_are_none_begin_anew(pool):
    """Places in `cursors` that are no event's: Drain gives all events, and no error."""
    root = pool.repository(agents={"coder": "init; text hi; result; exit 0"})
    run = pool.start(root, "s")["run_id"]
    pool.wait(root, "s")
    pool.kill_daemon()
    fill_with_places_that_are_none(f"{pool.run_folder(run)}/cursors")
    pool.start_daemon()
    assert [event["cursor"] for event in pool.drain(root, "s")]


if __name__ == "__main__":
    main()
