# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py BUILD OUT ROUNDS|quick: measures the service of the build folder BUILD, which runs as a
user service (scripts/run-from-build), against what it is meant to reach.
Writes the table to OUT as Markdown; fails where an aim is not met."""

import os
import subprocess
import sys
import time

import crowd
import stream
from service import (
    NAME, PATH, ask, call, make_project, pss, read_json, run_folder, service_pid, settle,
)
from table import Table, median, spread

STARTS = 15  # in each round
IDLE_RUNS = 50
IDLE_SECONDS = 10


# --- What is measured ---


def start_times(programs, project, fifo):
    """Milliseconds by Start, and by systemd-run, turn by turn."""
    client = programs["bench-start"]
    scope = ["systemd-run", "--user", "--scope", "--quiet", "--collect"]
    pool, bare = [], []
    for _ in range(STARTS):
        pool.append(float(ask(client, "pool", fifo, project, "story")))
        bare.append(float(ask(client, "command", fifo, *scope, programs["first-byte"], fifo)))
    return pool, bare


def switches(pid):
    """How often the process's threads have gone to sleep, or were put to."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def start_idle(project, numbers):
    """The shims' pids."""
    pids = []
    for number in numbers:
        info = call("Start", "sss", project, f"story{number}", "")
        pids.append(read_json(run_folder(info["run_id"]["data"]), "started")["shim_pid"])
    return pids


def idle(project):
    """PSS of the service with one run and with all, the shims', and the wake-ups of both."""
    shims = start_idle(project, range(1))
    subprocess.check_call(
        ["busctl", "--user", "set-property", NAME, PATH, NAME, "MaxAgents", "u", str(IDLE_RUNS)]
    )
    settle()
    service = service_pid()
    one = pss(service)
    shims += start_idle(project, range(1, IDLE_RUNS))
    settle()
    many = pss(service)
    sizes = [pss(pid) for pid in shims]
    before = switches(service), sum(map(switches, shims))
    time.sleep(IDLE_SECONDS)
    after = switches(service), sum(map(switches, shims))
    for number in range(IDLE_RUNS):
        call("Stop", "sss", project, f"story{number}", "")
    return one, many, sizes, after[0] - before[0], after[1] - before[1]


# --- The table ---


def report_idle(table, project):
    one, many, sizes, service_wakes, shim_wakes = idle(project)
    table.head("Idle agents")
    table.row("service, 1 run: PSS", f"{one} KiB")
    table.row(f"service, {IDLE_RUNS} runs: PSS", f"{many} KiB")
    per_run = (many - one) / (IDLE_RUNS - 1)
    table.row("service: PSS of one more run", f"{per_run:.0f} KiB", "under 200 KiB", per_run < 200)
    shim = median(sizes)
    table.row("shim: PSS", f"{shim:.0f} KiB (most: {max(sizes)})", "under 500 KiB", shim < 500)
    for who, wakes in (("service", service_wakes), (f"{IDLE_RUNS} shims", shim_wakes)):
        table.row(f"{who}: wake-ups in {IDLE_SECONDS} s", str(wakes), "none", wakes == 0)


def warm_up(fifo, project):
    """One Start that makes the worktree."""
    end = os.open(fifo, os.O_RDWR)
    call("Start", "sss", project, "story", "")
    call("Wait", "sss", project, "story", "")
    os.close(end)


def report_starts(table, programs, rounds):
    fifo = os.path.join(os.environ["BENCH_FOLDER"], "fifo")
    os.mkfifo(fifo)
    first = {"kind": "raw", "command": programs["first-byte"], "args": [fifo]}
    project = make_project("start", writable=[fifo], **first)
    warm_up(fifo, project)
    pool, bare = [], []
    for _ in range(rounds):
        times = start_times(programs, project, fifo)
        pool += times[0]
        bare += times[1]
    table.head(f"From the call to the program's first byte: {len(pool)} times, in turns")
    table.row("Start, on a ready worktree", f"{median(pool):.1f} ms ({spread(pool)})")
    table.row("systemd-run --user --scope", f"{median(bare):.1f} ms ({spread(bare)})")
    ratio = median(pool) / median(bare)
    table.row("ratio", f"{ratio:.2f}", "at most 0.5", ratio <= 0.5)


def system():
    """What was measured on."""
    with open("/proc/cpuinfo") as file:
        model = next((line for line in file if line.startswith("model name")), ":unknown")
    load = os.getloadavg()[0]
    versions = [ask("systemctl", "--version").splitlines()[0], ask("git", "--version")]
    return [
        f"{time.strftime('%Y-%m-%d')}, {os.uname().sysname} {os.uname().release}, "
        f"{os.cpu_count()} processors ({model.partition(':')[2].strip()}), "
        f"load average {load:.1f} at the start",
        ", ".join(versions),
    ]


def main():
    build, out, quick = sys.argv[1], sys.argv[2], sys.argv[3] == "quick"
    rounds = 1 if quick else int(sys.argv[3])
    programs = {
        "bench-follow": f"{build}/tests/bench/bench-follow",
        "bench-list": f"{build}/tests/bench/bench-list",
        "bench-start": f"{build}/tests/bench/bench-start",
        "first-byte": f"{build}/tests/bench/first-byte",
        "pty-throughput": f"{build}/tests/shim/pty-throughput",
        "stand-in": f"{build}/tests/stand-in/stand-in",
    }
    table = Table()
    lines = system()
    print("\n".join(lines))
    # First the idle runs: what comes later leaves its mark on the service's memory.
    if not quick:
        report_idle(table, make_project("idle", command=programs["stand-in"], env="init; idle"))
    report_starts(table, programs, rounds)
    stream.report(table, programs, 20 if quick else 200, rounds)
    if not quick:
        crowd.report_ended(table)
    crowd.report_crowd(table, programs, (10, 20) if quick else (300, 1000))
    for files in crowd.FILES[:1] if quick else crowd.FILES:
        crowd.report_files(table, files, rounds)
    # Last: what a flood has left to be told keeps the service busy for a while.
    crowd.report_latency(table, programs, 100 if quick else 500)
    print()
    with open(out, "w") as file:
        file.write("\n".join(["  \n".join(lines), *table.markdown]) + "\n")
    sys.exit(1 if table.failures else 0)


main()
