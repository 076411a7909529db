# SPDX-License-Identifier: LGPL-2.1-or-later
"""What storkit-desktop costs: it prints the figures, and holds the one that is a promise."""

import os
import time

from gi.repository import GLib

from desktop import Desktop, Server, agent
from harness import long, main, timeout, wait_until

WINDOW = 10  # seconds


def switches(pid):
    """How often the threads of the process have been woken."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def memory(pid, key):
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(f"{key}:"))


@long
@timeout(120)
def test_ten_idle_runs_wake_nothing(pool):
    """With ten idle runs it sleeps; what it takes of memory, and the time to a notification, are
    printed."""
    root = pool.repository(agents=agent("init; text Hello.; wait go; result"))
    pool.set_property("MaxAgents", GLib.Variant("u", 16))
    server = Server(pool)
    with Desktop(pool) as desktop:
        infos = [pool.start(root, f"{i}_story") for i in range(10)]
        pid, last = desktop.process.pid, None

        def is_quiet():
            nonlocal last
            before, last = last, switches(pid)
            time.sleep(0.5)
            return before == last

        wait_until(is_quiet, "it to settle")
        before = switches(pid)
        time.sleep(WINDOW)
        woken = switches(pid) - before
        private = memory(pid, "Private_Dirty") + memory(pid, "Private_Clean")
        print(f"memory: {memory(pid, 'Pss')} KiB (PSS), {private} KiB of it its own")
        print(f"woken {woken} times in {WINDOW} s with ten idle runs")
        began = time.monotonic()
        with open(f"{infos[0]['worktree_path']}/go", "w"):
            pass
        server.wait("coder has finished 0_story")
        print(f"from the agent's end to its notification: {time.monotonic() - began:.2f} s")
        for info in infos[1:]:
            pool.stop(root, info["story_id"])
        assert woken == 0


if __name__ == "__main__":
    main()
