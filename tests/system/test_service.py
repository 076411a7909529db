# SPDX-License-Identifier: LGPL-2.1-or-later
"""storkitd as a unit of the user's systemd: whatever systemctl does to it, the agents go on."""

import os
import signal
import subprocess

from follower import Follower, numbered_lines, terminal_events
from harness import NAME, Pool, main, timeout, wait_until


class Unit:
    """A service of the user's systemd that runs storkitd on the pool's bus and in its folders."""

    def __init__(self, pool):
        self.pool = pool
        name = os.path.basename(pool.folder).removeprefix("storkit-test.")
        self.name = f"storkitd-{name}.service"

    def path(self):
        return f"{os.environ['XDG_RUNTIME_DIR']}/systemd/user/{self.name}"

    def write(self):
        """A unit file, so that stop and start find it again. The user manager is on another bus than
        this pool: it sees no name."""
        environment = "\n".join(
            f'Environment="{key}={value}"' for key, value in self.pool.environment.items()
        )
        os.makedirs(os.path.dirname(self.path()), exist_ok=True)
        with open(self.path(), "w") as file:
            file.write(
                "[Unit]\nStartLimitIntervalSec=60\nStartLimitBurst=6\n"
                f"[Service]\nType=notify\nExecStart={os.environ['STORKITD']}\nRestart=on-failure\n"
                f"RestartSec=50ms\nStandardError=append:{self.pool.log}\n{environment}\n"
            )
        systemctl("daemon-reload")

    def remove(self):
        systemctl("stop", self.name)
        os.unlink(self.path())
        systemctl("daemon-reload")
        subprocess.run(["systemctl", "--user", "reset-failed", self.name], stderr=subprocess.DEVNULL)

    def show(self, key):
        return systemctl("show", "--value", f"--property={key}", self.name)

    def main_pid(self):
        return int(self.show("MainPID"))

    def wait_for_name(self):
        wait_until(
            lambda: self.pool.bus.owner_pid(NAME) == self.main_pid() != 0, f"it to own {NAME}"
        )


def systemctl(*arguments):
    return subprocess.run(
        ["systemctl", "--user", *arguments], stdout=subprocess.PIPE, check=True, text=True
    ).stdout.strip()


def transcript_size(pool, run_id):
    return os.stat(f"{pool.run_folder(run_id)}/transcript").st_size


def wait_for_more_output(pool, runs):
    """Waits until every agent has printed something since now."""
    sizes = {run: transcript_size(pool, run) for run in runs}
    wait_until(lambda: all(transcript_size(pool, run) > sizes[run] for run in runs), "output")


def crash_until_the_limit(unit):
    """Kills the service as often as systemd starts it again."""

    def failed():
        pid = unit.main_pid()
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return unit.show("ActiveState") == "failed"

    wait_until(failed, "the start limit", 60)
    assert unit.show("Result") == "start-limit-hit" or int(unit.show("NRestarts")) >= 5


@timeout(150)
def test_systemctl_does_not_touch_the_agents():
    """Agents print on through restart, stop, start, and a crash-loop into the start limit; nothing
    of what they print is lost."""
    with Pool(daemon=False) as pool:
        unit = Unit(pool)
        unit.write()
        try:
            check_unit(pool, unit)
        finally:
            unit.remove()


def check_unit(pool, unit):
    go = f"{pool.folder}/go"
    root = pool.repository(agents={name: printing_until(go) for name in ("one", "two", "three")})
    systemctl("start", unit.name)
    unit.wait_for_name()
    infos = [pool.start(root, "s", name) for name in ("one", "two", "three")]
    runs = [info["run_id"] for info in infos]
    pids = [info["pid"] for info in infos]
    followers = [Follower(pool, run) for run in runs]

    def check_listed():
        unit.wait_for_name()
        listed = {info["run_id"]: info.get("pid") for info in pool.list()}
        assert listed == dict(zip(runs, pids))
        for follower in followers:
            follower.step()

    systemctl("restart", unit.name)
    check_listed()
    systemctl("stop", unit.name)
    wait_until(lambda: pool.bus.owner(NAME) is None, "the end of the name")
    wait_for_more_output(pool, runs)
    systemctl("start", unit.name)
    check_listed()

    crash_until_the_limit(unit)
    raised = subprocess.run(
        ["systemctl", "--user", "start", unit.name], stderr=subprocess.DEVNULL
    ).returncode
    assert raised != 0, "systemd starts it in spite of its limit: this tests nothing"
    wait_for_more_output(pool, runs)
    assert all(len(pool.cgroup_procs(info["unit"])) >= 2 for info in infos)
    systemctl("reset-failed", unit.name)
    systemctl("start", unit.name)
    check_listed()

    open(go, "w").close()
    for follower, name in zip(followers, ("one", "two", "three")):
        events = follower.finish(30)
        numbers = numbered_lines(events)
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 10
        assert events[-2]["text"] == "the end" and len(terminal_events(events)) == 1
        assert pool.wait(root, "s", name)["exit_code"] == 5


def printing_until(go):
    """An agent that prints numbered lines until there is the file @go, and then a last one."""
    script = (
        f"i=0; while [ ! -e {go} ]; do i=$((i+1)); printf 'line %08d\\n' $i; sleep 0.02; done; "
        "echo the end; exit 5"
    )
    return {"kind": "raw", "command": "sh", "args": ["-c", script]}


if __name__ == "__main__":
    main()
