# SPDX-License-Identifier: LGPL-2.1-or-later
"""State that belongs to a machine: two services of two machines share one state folder, as hosts
with one home do. Here both have one kernel, so that locks and FIFOs cross from one to the other."""

import json
import os
import socket
import subprocess

from gi.repository import GLib

from ctl import Ctl
from harness import Pool, main, raises, wait_until
from test_faults import contents
from test_upkeep import configure

HOST = socket.gethostname()


def another_machine(pool, name="beta", **more):
    """The pool of a machine that shares @pool's home and its projects."""
    shared = {"XDG_STATE_HOME": pool.environment["XDG_STATE_HOME"], "STORKIT_MACHINE": name}
    return Pool(environment=shared | more)


def waiting_agent(pool, name="go"):
    return f"init; text one; wait {pool.folder}/{name}; text two; result; exit 0"


def go(pool, name="go"):
    with open(f"{pool.folder}/{name}", "w"):
        pass


def files_of(pool, run_id):
    folder = pool.run_folder(run_id)
    names = [name for name in os.listdir(folder) if os.path.isfile(f"{folder}/{name}")]
    return {name: contents(f"{folder}/{name}") for name in names}


def claim_path(root, story):
    return f"{root}/.git/worktrees/{story}/storkit-claim"


def claimant(root, story):
    """The run that the claim of the worktree names; None without a claim."""
    try:
        with open(claim_path(root, story)) as file:
            return json.load(file)["run_id"]
    except FileNotFoundError:
        return None


def the_one(pool, run_id):
    return [info for info in pool.list() if info["run_id"] == run_id][0]


def check_left_alone(other, root, info):
    """@other lists the run as on its host, and can do nothing else with it."""
    run_id = info["run_id"]
    for found in (
        the_one(other, run_id),
        other.get(root, "s", "coder"),
        other.call("GetRun", "(s)", run_id)[0],
    ):
        assert (found["run_id"], found["status"], found["host"]) == (run_id, "running", HOST)
        assert not {"object_path", "pid"} & set(found), found
    assert other.get_property("Running") == 0
    refused = (
        ("Stop", "(sss)"),
        ("Wait", "(sss)"),
        ("Freeze", "(sss)"),
        ("CloseInput", "(sss)"),
        ("Attach", "(sss)"),
    )
    for method, signature in refused:
        error = raises("OnOtherHost", other.call, method, signature, root, "s", "coder")
        assert f"storkitctl -H {HOST} stop s/coder" in error.message, error
    raises("OnOtherHost", other.call, "SubscribeRun", "(st)", run_id, 0)
    # Every run is every one of this machine.
    command = [os.environ["STORKITCTL"], "-C", root, "stop", "--all"]
    assert subprocess.run(command, env=other.environment, check=False).returncode == 0


def test_run_of_another_machine_is_left_alone(pool):
    """It is listed as on its host; nobody else stops, decides or follows it, alive or not."""
    root = pool.repository(agents={"coder": waiting_agent(pool)})
    info = pool.start(root, "s")
    pool.wait_for("agent_json")
    with another_machine(pool) as other:
        before = files_of(pool, info["run_id"])
        check_left_alone(other, root, info)
        error = raises("AlreadyRunning", other.start, root, "s")
        assert HOST in error.message and claim_path(root, "s") in error.message, error
        assert files_of(pool, info["run_id"]) == before

        # Nobody is there to look after it, and it is still that machine's.
        pool.kill_daemon()
        other.restart_daemon()
        check_left_alone(other, root, info)
        assert files_of(pool, info["run_id"]) == before

        pool.start_daemon()
        go(pool)
        assert pool.wait(root, "s")["status"] == "completed"
        ended = the_one(other, info["run_id"])
        assert (ended["status"], ended["host"]) == ("completed", HOST), ended
        wait_until(lambda: claimant(root, "s") is None, "the claim to go")
        assert other.start(root, "s")["run_id"] != info["run_id"]
        assert "host" not in other.get(root, "s")
        assert other.wait(root, "s")["status"] == "completed"


def test_queued_run_of_another_machine_is_left_alone(pool):
    """A service that comes does not take the queue of another machine for its own."""
    root = pool.repository(agents={"coder": waiting_agent(pool)})
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    pool.start(root, "a")
    queued = pool.start(root, "b")
    assert queued["status"] == "pending"
    with another_machine(pool) as other:
        found = the_one(other, queued["run_id"])
        assert (found["status"], found["host"]) == ("pending", HOST), found
        assert other.get_property("Queued") == 0
        go(pool)
        assert pool.wait(root, "b")["status"] == "completed"


def test_worktree_of_another_machine_is_kept(pool):
    """It says whose it is, and is not removed, by force neither."""
    root = pool.repository(agents={"coder": waiting_agent(pool)})
    pool.start(root, "s")
    with another_machine(pool) as other:
        worktree = other.call("ListWorktrees", "(s)", root)[0][0]
        assert worktree["host"] == HOST, worktree
        for force in (False, True):
            raises("WorktreeBusy", other.call, "RemoveWorktree", "(ssb)", root, "s", force)
    assert os.path.exists(f"{root}/.storkit/worktrees/s/README")
    assert "host" not in pool.call("ListWorktrees", "(s)", root)[0][0]
    go(pool)
    pool.wait(root, "s")


def test_claim_is_shared_by_one_machines_agents(pool):
    """It is there as long as one of them works in the worktree."""
    root = pool.repository(
        agents={"one": waiting_agent(pool, "one"), "two": waiting_agent(pool, "two")}
    )
    pool.start(root, "s", "one")
    two = pool.start(root, "s", "two")
    go(pool, "one")
    pool.wait(root, "s", "one")
    wait_until(lambda: claimant(root, "s") == two["run_id"], "the claim to be the other's")
    go(pool, "two")
    pool.wait(root, "s", "two")
    wait_until(lambda: claimant(root, "s") is None, "the claim to go")


def test_claim_of_a_run_that_is_gone(pool):
    """A machine's own is replaced without a word; a person takes over another's by its file."""
    root = pool.repository()
    pool.start(root, "s")
    pool.wait(root, "s")
    wait_until(lambda: claimant(root, "s") is None, "the claim to go")
    run = json.loads(files_of(pool, pool.run_folders()[0])["run.json"])
    claim = {"run_id": "s.coder.0000000000", "machine": run["machine"]}

    def write(machine):
        with open(claim_path(root, "s"), "w") as file:
            json.dump(claim | {"machine": claim["machine"] | machine}, file)

    for own in ({}, {"boot": "another"}, {"host": "renamed"}):
        write(own)
        pool.start(root, "s")
        pool.wait(root, "s")
        wait_until(lambda: claimant(root, "s") is None, "the claim to go")

    # A clone: the same machine id, another host, another kernel or namespace.
    for foreign in (
        {"id": "f00"},
        {"host": "clone", "boot": "another"},
        {"host": "container", "pid_namespace": 1},
    ):
        write(foreign)
        error = raises("AlreadyRunning", pool.start, root, "s")
        assert foreign.get("host", HOST) in error.message
        os.unlink(claim_path(root, "s"))
    pool.start(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"


def test_retention_keeps_to_its_machine(pool):
    """Ended runs of another machine are its own to remove."""
    root = pool.repository()
    old = pool.start(root, "s")["run_id"]
    pool.wait(root, "s")
    with another_machine(pool) as other:
        configure(other, "[Retention]\nKeepFor=1ms\n")
        own = other.start(root, "a")["run_id"]
        other.wait(root, "a")
        wait_until(lambda: not os.path.exists(pool.run_folder(own)), "its own to go")
        assert os.path.exists(pool.run_folder(old))


def test_state_on_a_network_is_warned_of():
    """By the journal, by config, and once a login by start; a local one is not."""
    with Pool() as local:
        root = local.repository()
        assert "state_file_system" not in local.get_config(root)
    with Pool(environment={"STORKIT_STATE_FILE_SYSTEM": "nfs4"}) as pool:
        ctl = Ctl(pool, "init; result")
        ctl.environment["XDG_RUNTIME_DIR"] = pool.folder
        warning = "runs are kept on a network file system (nfs4)"
        assert warning in pool.log_text()
        assert warning in ctl("config").err
        assert ctl.json("config")["state_file_system"] == "nfs4"
        assert warning in ctl("start", "1").err
        assert warning not in ctl("start", "2").err


if __name__ == "__main__":
    main()
