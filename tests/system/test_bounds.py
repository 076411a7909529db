# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits: they reach the scope, and what goes over one of them is bounded, told, and hurts nobody
else. Where this machine has no memory or pids controller, tests/vm/run has."""

import os
import subprocess

from ctl import Ctl
from harness import main, raises, serial, skip, timeout, wait_until
from leftovers import assert_nothing_runs
from session import RUNTIME
from test_worktrees_removal import add_filter, worktree
from traces import read_text, touch

INFINITY = 2**64 - 1

LIMITS = {
    "memory_max": "512M",
    "memory_high": "256M",
    "cpu_weight": 50,
    "cpu_quota": "150%",
    "io_weight": 70,
    "tasks_max": 300,
}

PROPERTIES = {
    "MemoryMax": 512 << 20,
    "MemoryHigh": 256 << 20,
    "CPUWeight": 50,
    "CPUQuotaPerSecUSec": 1500000,
    "IOWeight": 70,
    "TasksMax": 300,
}

CONTROLLERS = {
    "memory_max": "memory",
    "memory_high": "memory",
    "cpu_weight": "cpu",
    "cpu_quota": "cpu",
    "io_weight": "io",
    "tasks_max": "pids",
}


def properties(pool, info):
    return {name: pool.manager.property(info["unit"], name, "Scope") for name in PROPERTIES}


def controllers(pool, info):
    """The controllers that the scope's cgroup has."""
    return read_text(f"{pool.manager.cgroup(info['unit'])}/cgroup.controllers").split()


def test_limits_of_the_roster_reach_the_scope(pool):
    """Each limit of the roster is a property of the scope."""
    root = pool.repository(agents={"coder": {"scenario": "idle"} | LIMITS})
    assert properties(pool, pool.start(root, "42_login")) == PROPERTIES


def test_limits_of_the_call_go_over_the_rosters(pool):
    """A limit of StartWithOptions replaces that of the roster, and "infinity" lifts it; the others
    stay."""
    root = pool.repository(agents={"coder": {"scenario": "idle"} | LIMITS})
    more = {"memory_max": "1G", "memory_high": "infinity", "cpu_quota": "50%", "io_weight": "20"}
    expected = PROPERTIES | {"MemoryMax": 1 << 30, "MemoryHigh": INFINITY, "IOWeight": 20}
    expected["CPUQuotaPerSecUSec"] = 500000
    assert properties(pool, pool.start(root, "42_login", **more)) == expected


def test_limit_that_means_nothing_is_refused(pool):
    """A limit of StartWithOptions that means nothing is InvalidArgument, and the message says which
    and what it takes."""
    root = pool.repository(agents={"coder": "idle"})
    for key, text in (("memory_max", "lots"), ("cpu_quota", "-5%"), ("runtime_max", "soon")):
        error = raises("InvalidArgument", pool.start, root, "42_login", **{key: text})
        assert key in error.message and text in error.message, error


def test_limits_that_nobody_enforces_are_told(pool):
    """`unenforced` lists the limits for which the scope has no controller, and no others."""
    root = pool.repository(agents={"coder": {"scenario": "idle"} | LIMITS})
    info = pool.start(root, "42_login")
    there = controllers(pool, info)
    missing = {limit for limit, controller in CONTROLLERS.items() if controller not in there}
    assert set(info.get("unenforced", [])) == missing
    assert set(pool.get(root, "42_login").get("unenforced", [])) == missing


def test_run_without_limits_has_nothing_unenforced(pool):
    """A run that has no limits has no `unenforced`, whatever the machine delegates."""
    root = pool.repository(agents={"coder": "idle"})
    assert "unenforced" not in pool.start(root, "42_login")


def test_list_has_the_figures_of_each_run(pool):
    """List gives CPU time and processes of each run, and memory now and at its peak where the
    machine counts that."""
    scenario = "children 3 setsid; cpu 200; print spent; idle"
    root = pool.repository(agents={"coder": scenario, "reviewer": "idle"})
    info = pool.start(root, "42_login", "coder")
    pool.start(root, "42_login", "reviewer")
    pool.wait_for(lambda event: event.get("text") == "spent")
    figures = {run["agent_name"]: run for run in pool.list()}
    # The shim and the agent, and its children.
    assert (figures["coder"]["processes"], figures["reviewer"]["processes"]) == (5, 2)
    assert figures["coder"]["cpu_usec"] >= 200000 > figures["reviewer"]["cpu_usec"]
    if "memory" in controllers(pool, info):
        assert 0 < figures["coder"]["memory"] <= figures["coder"]["memory_peak"]


# Time



def bounded_repository(pool):
    agents = {
        "runtime": {"scenario": "init; on INT exit 0; repeat 1000 sleep 100", "runtime_max": "1s"},
        "silent": {"scenario": "init; text hm; children 2 daemon; idle", "idle_timeout": "1s"},
        "closed": {"scenario": "init; text hi; children 2 daemon; result; idle", "result_grace": "1s"},
    }
    common = {"stop_grace": "2s"}
    return pool.repository(agents={name: agent | common for name, agent in agents.items()})


def assert_bounded(pool, root):
    """That the three have ended, each with its own reason."""
    ended = {name: pool.wait(root, "42_login", name) for name in ("runtime", "silent", "closed")}
    assert {name: info["status"] for name, info in ended.items()} == {
        "runtime": "failed",
        "silent": "failed",
        "closed": "completed",
    }
    assert ended["runtime"]["error"] == "ran longer than its runtime_max of 1 s"
    assert ended["silent"]["error"] == "printed nothing for its idle_timeout of 1 s"
    assert "error" not in ended["closed"]
    assert_nothing_runs(pool, *ended.values())


def test_stuck_agents_are_ended(pool):
    """An agent that runs too long or prints nothing is ended as failed, with the reason; one that
    does not exit after its result is ended and has completed. None leaves a process."""
    root = bounded_repository(pool)
    for agent in ("runtime", "silent", "closed"):
        pool.start(root, "42_login", agent)
    assert_bounded(pool, root)


def test_stuck_agents_are_ended_without_the_daemon(pool):
    """The same while the daemon is down."""
    root = bounded_repository(pool)
    infos = [pool.start(root, "42_login", agent) for agent in ("runtime", "silent", "closed")]
    pool.kill_daemon()
    for info in infos:
        wait_until(lambda: not pool.scope_exists(info["unit"]), f"the end of {info['unit']}")
    pool.start_daemon()
    assert_bounded(pool, root)


def test_result_grace_begins_anew_with_output(pool):
    """Output after a result puts the end off: the next result is waited for."""
    scenario = "init; result; sleep 600; text more; sleep 600; text yet more; result; idle"
    root = pool.repository(agents={"coder": {"scenario": scenario, "result_grace": "1s"}})
    info = pool.start(root, "42_login")
    assert pool.wait(root, "42_login")["status"] == "completed"
    events = pool.subscribe_run(info["run_id"])
    assert [event["text"] for event in events if event["type"] == "output"] == ["more", "yet more"]


def test_idle_timeout_begins_anew_with_output(pool):
    """An agent that prints something now and then is not idle."""
    scenario = "init; sleep 700; print a; sleep 700; print b; sleep 700; print c; result"
    root = pool.repository(agents={"coder": {"scenario": scenario, "idle_timeout": "1s"}})
    pool.start(root, "42_login")
    assert pool.wait(root, "42_login")["status"] == "completed"


# The slice


@serial
def test_slice_takes_the_users_drop_ins(pool):
    """All runs are in app-storkit.slice, and a drop-in of the user bounds them together."""
    root = pool.repository(agents={"coder": "idle"})
    info = pool.start(root, "42_login")
    assert pool.manager.property(info["unit"], "Slice", "Scope") == "app-storkit.slice"
    folder = f"{RUNTIME}/systemd/user/app-storkit.slice.d"
    path = f"{folder}/{os.path.basename(pool.folder)}.conf"
    os.makedirs(folder, exist_ok=True)
    try:
        with open(path, "w") as file:
            file.write("[Slice]\nTasksMax=54321\n")
        subprocess.run(["systemctl", "--user", "daemon-reload"], check=True)
        assert pool.manager.property("app-storkit.slice", "TasksMax", "Slice") == 54321
        assert pool.get(root, "42_login")["status"] == "running"
    finally:
        os.remove(path)
        subprocess.run(["systemctl", "--user", "daemon-reload"], check=True)


# Enforced: where the controllers are real


def start_neighbour(pool, root):
    return pool.start(root, "neighbour", "neighbour")


def assert_unharmed(pool, root, neighbour):
    """That the neighbour is the same process as before, and answers."""
    info = pool.get(root, "neighbour", "neighbour")
    assert (info["status"], info["pid"]) == ("running", neighbour["pid"])
    assert info.get("oom_kills", 0) == 0
    pool.send_input(root, "neighbour", b"hello\n", "neighbour")
    pool.wait_for(
        lambda event: event["type"] == "agent_json" and "hello" in event["data"],
        what="the neighbour's answer",
    )


def need_controller(pool, info, name):
    if name not in controllers(pool, info):
        skip(f"the {name} controller is not delegated here; tests/vm/run runs this in a machine "
             "where it is")  # fmt: skip


@timeout(180)
def test_fork_bomb_is_bounded(pool):
    """A fork bomb gets no further than tasks_max: it can be stopped, and its neighbour lives."""
    bomb = {"kind": "raw", "command": "sh", "args": ["-c", "f() { f & f & }; f; while :; do f; done"]}
    root = pool.repository(
        agents={
            "neighbour": {"scenario": "read"},
            "bomb": bomb | {"tasks_max": 40, "stop_grace": "1s"},
        }
    )
    neighbour = start_neighbour(pool, root)
    need_controller(pool, neighbour, "pids")
    info = pool.start(root, "42_login", "bomb")
    events = f"{pool.manager.cgroup(info['unit'])}/pids.events"
    wait_until(lambda: "max 0" not in (read_text(events) or "max 0"), "the bomb at its limit")
    assert pool.get(root, "42_login", "bomb")["processes"] <= 40
    assert_unharmed(pool, root, neighbour)
    pool.stop(root, "42_login", "bomb")
    assert not pool.scope_exists(info["unit"])
    assert_unharmed(pool, root, neighbour)


@timeout(180)
def test_memory_hog_fails_and_says_so(pool):
    """An agent that the kernel kills for memory has failed: out of memory, and what its peak was.
    Its neighbour lives, and its shim has written the end down."""
    hog = {"scenario": "init; text hungry; memory 400M; result", "memory_max": "96M"}
    root = pool.repository(agents={"neighbour": {"scenario": "read"}, "hog": hog})
    neighbour = start_neighbour(pool, root)
    need_controller(pool, neighbour, "memory")
    info = pool.start(root, "42_login", "hog")
    ended = pool.wait(root, "42_login", "hog", timeout=60)
    assert (ended["status"], ended.get("exit_signal")) == ("failed", 9), ended
    assert ended["error"].startswith("out of memory (peak "), ended["error"]
    assert 64 << 20 < ended["memory_peak"] <= 96 << 20
    assert pool.wait_for("error")["message"] == ended["error"]
    assert os.path.exists(f"{pool.run_folder(info['run_id'])}/exit.json")
    assert not pool.scope_exists(info["unit"])
    assert_unharmed(pool, root, neighbour)


@timeout(180)
def test_child_that_hogs_memory_is_killed_alone(pool):
    """When the kernel kills a child for memory the rest of the run goes on: an event and the journal
    tell of it, and the run completes."""
    # The agent sleeps in a read beside the hog: polling a path takes kernel memory, which
    # may make it the second victim.
    scenario = f"init; wait {pool.folder}/hog; later 0 memory 400M; read; text still here; result"
    agents = {"coder": {"scenario": scenario, "memory_max": "96M"}}
    root = pool.repository(agents=agents)
    info = pool.start(root, "42_login")
    need_controller(pool, info, "memory")
    ctl = Ctl(pool, root=root)
    seen = f"{pool.folder}/seen"
    with open(seen, "w") as file:
        watcher = ctl.begin("watch", "42", stdout=file)
    wait_until(lambda: "session" in open(seen).read(), "the watcher")
    assert pool.manager.property(info["unit"], "OOMPolicy", "Scope") == "continue"
    touch(f"{pool.folder}/hog")
    event = pool.wait_for(lambda event: event.get("status") == "oom_kill", timeout=60)
    assert event["run_id"] == info["run_id"]
    # The kernel tells of the kill, and its figure follows.
    wait_until(lambda: pool.get(root, "42_login").get("oom_kills") == 1, "the figure")
    killed = "the kernel killed one of its processes"
    wait_until(lambda: killed in open(seen).read(), "the words of it")
    assert "OOM kills: 1" in ctl.out("show", "42")
    pool.send_input(root, "42_login", b"\x04")  # the end of its input
    ended = pool.wait(root, "42_login")
    assert ended["status"] == "completed", ended
    ctl.finish(watcher)
    pool.wait_for(lambda event: event.get("text") == "still here")
    wait_until(
        lambda: any("memory" in entry["MESSAGE"] for entry in pool.journal(info["run_id"])),
        "the journal's entry",
    )


# Cells: what the service starts besides agents


def begin_in_unit(pool, **limits):
    """The service started again, alone in a cgroup that it may divide, as in its unit."""
    pool.stop_daemon()
    # An emulated machine may need more than ten seconds for a checkout.
    limits["STORKIT_PENDING_MSEC"] = 170000
    pool.environment |= {name: str(value) for name, value in limits.items()}
    pool.daemon_wrapper = ["systemd-run", "--user", "--scope", "--quiet", "--collect",
                           "--property=Delegate=yes", "--"]  # fmt: skip
    pool.start_daemon()


def own_cgroup(pool):
    lines = read_text(f"/proc/{pool.process.pid}/cgroup").splitlines()
    (group,) = [line.removeprefix("0::") for line in lines if line.startswith("0::")]
    return f"/sys/fs/cgroup{group}"


def need_own_controller(pool, name):
    """Returns the cgroup that the service's cells are in."""
    own = own_cgroup(pool)
    unit = own.removesuffix("/service")
    if name not in read_text(f"{unit}/cgroup.controllers").split():
        assert unit == own, "the service moved, and has nothing of it"
        skip(f"the {name} controller is not delegated here; tests/vm/run runs this in a machine "
             "where it is")  # fmt: skip
    assert unit != own
    return unit


def assert_starts(pool, root, story):
    """That git is as good as before."""
    pool.git(root, "config", "filter.some.smudge", "cat")
    pool.start(root, story)
    assert pool.wait(root, story)["status"] == "completed"


def test_service_alone_in_its_cgroup_works(pool):
    """In a unit of its own the service makes cells inside of it, with limits or, where there are no
    controllers, without; after a kill it starts in a new one."""
    root = pool.repository(agents={"coder": {}})
    for story in ("1", "2"):
        begin_in_unit(pool)
        pool.start(root, story)
        assert pool.wait(root, story)["status"] == "completed"
        unit = own_cgroup(pool).removesuffix("/service")
        assert any(name.startswith("work-") for name in os.listdir(unit)), os.listdir(unit)
        pool.remove_worktree(root, story)
        pool.kill_daemon()
        wait_until(lambda: not os.path.exists(unit), "the end of its cgroup")
    begin_in_unit(pool)


@timeout(180)
def test_filter_that_hogs_memory_is_killed(pool):
    """A filter of git's config that takes all memory is killed with its git, and the Start fails
    with the limit's name; nothing of it stays, and the next one works."""
    begin_in_unit(pool, STORKIT_CELL_MEMORY_MIB=96)
    need_own_controller(pool, "memory")
    root = pool.repository(agents={"coder": {}})
    add_filter(pool, root, "tail /dev/zero")
    error = raises("WorktreeFailed", pool.start, root, "1")
    assert "it exceeded its memory limit of 96 MiB" in error.message, error
    assert not os.path.exists(worktree(root, "1"))
    assert_starts(pool, root, "1")


@timeout(180)
def test_filter_that_forks_without_end_is_bounded(pool):
    """A filter that forks gets no further than the limit, and the error says so."""
    begin_in_unit(pool, STORKIT_CELL_PROCESSES=40)
    need_own_controller(pool, "pids")
    root = pool.repository(agents={"coder": {}})
    add_filter(pool, root, "for i in $(seq 60); do sleep 4711.6 >/dev/null & done")
    error = raises("WorktreeFailed", pool.start, root, "1")
    assert "it reached its limit of 40 processes" in error.message, error
    assert not os.path.exists(worktree(root, "1"))
    assert_starts(pool, root, "1")


@timeout(180)
def test_teardown_that_hogs_memory_is_killed(pool):
    """A teardown command that takes all memory is killed: RemoveWorktree fails and says so."""
    config = '[[component]]\nname = "it"\npath = "."\nteardown = ["tail /dev/zero"]\n'
    begin_in_unit(pool, STORKIT_CELL_MEMORY_MIB=96)
    need_own_controller(pool, "memory")
    root = pool.repository(config=config + pool.roster({"coder": {}}))
    pool.start(root, "1")
    pool.wait(root, "1")
    error = raises("WorktreeFailed", pool.remove_worktree, root, "1")
    assert "it exceeded its memory limit of 96 MiB" in error.message, error
    pool.remove_worktree(root, "1", force=True)


if __name__ == "__main__":
    main()
