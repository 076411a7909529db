# SPDX-License-Identifier: LGPL-2.1-or-later
"""A lease: the run lives as long as the process that has started it, however that ends."""

import os
import subprocess

from gi.repository import GLib

from ctl import Ctl
from follower import all_events
from harness import main, raises, wait_until

WAITS = "init; text here; wait never"


def leased(ctl, story="s", environment=None):
    """A `storkitctl run`, and the info of its run once that executes."""
    lease = ctl.begin("run", story, environment=environment)
    pool = ctl.pool

    def running():
        infos = [info for info in pool.list() if info["story_id"] == story]
        return infos[0] if infos and infos[0]["status"] == "running" else None

    info = wait_until(running, "a running agent")
    pool.units.add(info["unit"])
    return lease, info


def status_of(pool):
    return next((info["status"] for info in pool.list() if info["story_id"] == "s"), None)


def kill(lease):
    lease.kill()
    lease.communicate()


def check_ended(pool, lease, info):
    """It has failed, says why, and nothing of it is left."""

    def failed():
        now = pool.call("GetRun", "(s)", info["run_id"])[0]
        return now if now["status"] == "failed" else None

    ended = wait_until(failed, "the run's end")
    process = f"process {lease.pid} (storkitctl)"
    assert ended["error"] == f"stopped: it was to live as long as {process}, which is gone"
    assert ended["lease"] == process
    assert not pool.scope_exists(info["unit"])
    events = all_events(pool, info["run_id"])
    assert (events[-1]["type"], events[-1]["message"]) == ("error", ended["error"])


def test_run_ends_with_its_lease(pool):
    """SIGKILL of `storkitctl run` ends the run, which stays on the list; other runs go on."""
    ctl = Ctl(pool, WAITS)
    lease, info = leased(ctl)
    assert info["lease"] == f"process {lease.pid} (storkitctl)"
    other = pool.start(ctl.root, "other")
    kill(lease)
    check_ended(pool, lease, info)
    assert pool.get(ctl.root, "other")["status"] == "running" and "lease" not in other
    assert "which is gone" in ctl.out("list")
    pool.stop(ctl.root, "other")


def test_lease_that_ends_while_the_service_is_down(pool):
    """The next service ends the run; a lease that is still there goes on."""
    ctl = Ctl(pool, WAITS)
    gone, gone_info = leased(ctl, "gone")
    stays, stays_info = leased(ctl, "stays")
    pool.kill_daemon()
    kill(gone)
    pool.start_daemon()
    check_ended(pool, gone, gone_info)
    assert pool.get(ctl.root, "stays")["status"] == "running"
    kill(stays)
    check_ended(pool, stays, stays_info)


def test_queued_run_goes_with_its_lease(pool):
    """One that still waits in the queue never begins."""
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    ctl = Ctl(pool, "init; wait go; result")
    first = pool.start(ctl.root, "first")
    lease = ctl.begin("run", "second")
    wait_until(lambda: pool.get_property("Queued") == 1, "the queue")
    kill(lease)
    wait_until(lambda: pool.get_property("Queued") == 0, "an empty queue")
    ctl.touch(first)
    assert pool.wait(ctl.root, "first")["status"] == "completed"
    assert [info["story_id"] for info in pool.list()] == ["first"]


def test_any_caller_can_be_the_lease(pool):
    """The option is a boolean; the process is the one that the bus knows."""
    root = pool.repository(agents={"coder": "init; result"})
    info = pool.start(root, "s", lease=True)
    assert info["lease"].startswith(f"process {os.getpid()} ("), info["lease"]
    assert pool.wait(root, "s")["status"] == "completed"
    error = raises("InvalidArgument", pool.start, root, "s", lease="yes")
    assert "'lease' must be a boolean" in error.message


def test_share_of_a_batch_system_is_the_limit(pool):
    """Slurm's CPUs and memory are the scope's limits, where no option says better; GPUs are passed
    on."""
    ctl = Ctl(pool, WAITS)
    slurm = {
        "SLURM_CPUS_ON_NODE": "2",
        "SLURM_MEM_PER_NODE": "2048",
        "CUDA_VISIBLE_DEVICES": "1,3",
    }
    lease, info = leased(ctl, environment=slurm)
    assert info["limits"] == {"cpu_quota_usec": 2_000_000, "memory_max": 2 << 30}
    with open(f"/proc/{info['pid']}/environ") as file:
        assert "CUDA_VISIBLE_DEVICES=1,3" in file.read().split("\0")
    kill(lease)
    check_ended(pool, lease, info)
    assert pool.start(ctl.root, "t").get("limits", {}) == {}
    pool.stop(ctl.root, "t")


def test_stories_of_a_line_each(pool):
    """xargs, as a batch system would, gets the exit status of each."""
    agents = {"coder": "init; lines 2; result; exit 0", "bad": "init; exit 7"}
    ctl = Ctl(pool, agents=agents)
    command = ["xargs", "-P4", "-I{}", os.environ["STORKITCTL"], "run", "{}"]

    def xargs(*stories):
        text = "".join(f"{story}\n" for story in stories)
        return subprocess.run(
            command, input=text, cwd=ctl.root, env=ctl.environment, text=True, capture_output=True
        )

    good = xargs("101", "102", "103")
    assert good.returncode == 0, good
    assert {info["status"] for info in pool.list()} == {"completed"} and len(pool.list()) == 3
    assert xargs("104", "105/bad").returncode == 123


def test_unit_of_the_user_manager(pool):
    """A unit with `storkitctl run` as its ExecStart has the run's result; a killed one ends it."""
    ctl = Ctl(pool, agents={"coder": WAITS, "quick": "init; result; exit 0"})
    variables = ("DBUS_SESSION_BUS_ADDRESS", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "HOME")
    unit = f"storkit-lease-{os.getpid()}"
    command = [
        "systemd-run", "--user", "--quiet", "--collect", "--working-directory", ctl.root,
        "--property=Type=exec", "--property=KillMode=mixed",
        *(f"--setenv={name}={ctl.environment[name]}" for name in variables),
    ]  # fmt: skip
    run = [os.environ["STORKITCTL"], "run"]
    subprocess.run([*command, "--wait", *run, "a/quick"], check=True)
    assert pool.get(ctl.root, "a", "quick")["status"] == "completed"

    # A name of its own: that of a unit which has ended is taken for a moment longer.
    subprocess.run([*command, "--unit", unit, *run, "s"], check=True)
    wait_until(lambda: status_of(pool) == "running", "a running agent")
    kill_unit = ["systemctl", "--user", "kill", "--kill-whom=main", "--signal=KILL", unit]
    subprocess.run(kill_unit, check=True)
    wait_until(lambda: status_of(pool) == "failed", "the run's end")
    assert "which is gone" in pool.get(ctl.root, "s")["error"]


if __name__ == "__main__":
    main()
