# SPDX-License-Identifier: LGPL-2.1-or-later
"""bench.py BUILD ROUNDS: measures the service of the build folder BUILD, which runs as a user
service (scripts/run-from-build), against what it is meant to reach."""

import json
import os
import statistics
import subprocess
import sys
import time

NAME = "org.storkit.AgentPool"
PATH = "/org/storkit/AgentPool"
RUNS = f"{os.environ['XDG_STATE_HOME']}/storkit/runs"
BYTES = 200 * 1024 * 1024
LINE = 1000  # bytes: about what a turn of claude's text takes
STARTS = 15  # in each round
IDLE_RUNS = 50
IDLE_SECONDS = 10


def call(method, signature="", *arguments, timeout=600):
    """A method call on the pool; its reply's first value."""
    command = ["busctl", "--user", "--json=short", f"--timeout={timeout}", "call", NAME, PATH, NAME]
    if signature:
        arguments = [signature, *arguments]
    reply = subprocess.check_output([*command, method, *arguments])
    return json.loads(reply)["data"][0] if reply.strip() else None


def ask(*command, **keywords):
    return subprocess.check_output(command, text=True, **keywords).strip()


def make_project(name, **agent):
    """A repository with a roster of one agent; returns its path."""
    root = os.path.join(os.environ["BENCH_FOLDER"], name)
    os.makedirs(f"{root}/.storkit")
    keys = {"name": "agent"} | agent
    with open(f"{root}/.storkit/project.toml", "w") as file:
        file.write("[[agent]]\n")
        for key, value in keys.items():
            text = f"{{ STAND_IN = {json.dumps(value)} }}" if key == "env" else json.dumps(value)
            file.write(f"{key} = {text}\n")
    git = ["git", "-C", root, "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    subprocess.check_call([*git, "init", "--quiet", "--initial-branch=main"])
    subprocess.check_call([*git, "add", "--all"])
    subprocess.check_call([*git, "commit", "--quiet", "--message", "A roster"])
    return root


def run_folder(run_id):
    return os.path.join(RUNS, run_id)


def read_json(folder, name):
    with open(os.path.join(folder, name)) as file:
        return json.load(file)


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


def bare_loop(programs):
    environment = os.environ | {"STAND_IN": f"flood {BYTES} {LINE}"}
    return float(ask(programs["pty-throughput"], "discard", programs["stand-in"], env=environment))


def cpu_time(pid):
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


def await_quiet():
    """Until the service has published what is left: nobody waits for that, but the next measurement
    is to have the machine for itself."""
    pid = service_pid()
    before = -1
    while before != (before := cpu_time(pid)):
        time.sleep(0.5)


def end_run(project, story):
    """Takes the ended run off the list; returns its report and how many events it had."""
    info = call("Wait", "sss", project, story, "")
    await_quiet()
    folder = run_folder(info["run_id"]["data"])
    report = read_json(folder, "exit.json")
    with open(f"{folder}/transcript", "rb") as file:
        texts = sum(line.startswith(b'{"type":"assistant"') for line in file)
        file.seek(0)
        lines = sum(1 for _ in file)
    call("Stop", "sss", project, story, "")
    subprocess.check_call(["rm", "-r", folder])
    # Each line is an event, and one more where it is text; then pending, running and done.
    return report, lines + texts + 3


def transcript_alone(project, story):
    """Seconds from the agent's first instruction to the end of its transcript."""
    call("Start", "sss", project, story, "")
    report, _ = end_run(project, story)
    return (report["ended"] - report["started"]) / 1e6


def followed(programs, how, project, story):
    """Seconds to the last event, the number of events, and of those that were missed."""
    seconds, events = ask(programs["bench-follow"], how, project, story).split()
    _, expected = end_run(project, story)
    return float(seconds), int(events), expected - int(events)


def pss(pid):
    """KiB"""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def switches(pid):
    """How often the process's threads have gone to sleep, or were put to."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status") as file:
            total += sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    return total


def service_pid():
    return ask("systemctl", "--user", "show", "--property=MainPID", "--value", "storkitd.service")


def start_idle(project, numbers):
    """The shims' pids."""
    pids = []
    for number in numbers:
        info = call("Start", "sss", project, f"story{number}", "")
        pids.append(read_json(run_folder(info["run_id"]["data"]), "started")["shim_pid"])
    return pids


def settle():
    """Threads that had work linger for some seconds before they end."""
    time.sleep(20)


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

FAILURES = []


def row(what, measured, aim="", met=None):
    verdict = "" if met is None else "met" if met else "NOT MET"
    if met is False:
        FAILURES.append(what)
    print(f"  {what:<49} {measured:>25}  {aim:<18} {verdict}".rstrip(), flush=True)


def head(text):
    print(f"\n{text}", flush=True)


def spread(values):
    return f"{min(values):.1f} … {max(values):.1f}"


def report_idle(project):
    one, many, sizes, service_wakes, shim_wakes = idle(project)
    head("Idle agents")
    row("service, 1 run: PSS", f"{one} KiB")
    row(f"service, {IDLE_RUNS} runs: PSS", f"{many} KiB")
    per_run = (many - one) / (IDLE_RUNS - 1)
    row("service: PSS of one more run", f"{per_run:.0f} KiB", "under 200 KiB", per_run < 200)
    shim = statistics.median(sizes)
    row("shim: PSS", f"{shim:.0f} KiB (most: {max(sizes)})", "under 500 KiB", shim < 500)
    for who, wakes in (("service", service_wakes), (f"{IDLE_RUNS} shims", shim_wakes)):
        row(f"{who}: wake-ups in {IDLE_SECONDS} s", str(wakes), "none", wakes == 0)


def warm_up(fifo, project):
    """One Start that makes the worktree."""
    end = os.open(fifo, os.O_RDWR)
    call("Start", "sss", project, "story", "")
    call("Wait", "sss", project, "story", "")
    os.close(end)


def report_starts(programs, rounds):
    fifo = os.path.join(os.environ["BENCH_FOLDER"], "fifo")
    os.mkfifo(fifo)
    project = make_project("start", kind="raw", command=programs["first-byte"], args=[fifo])
    warm_up(fifo, project)
    pool, bare = [], []
    for _ in range(rounds):
        times = start_times(programs, project, fifo)
        pool += times[0]
        bare += times[1]
    head(f"From the call to the program's first byte: {len(pool)} times, in turns")
    row("Start, on a ready worktree", f"{statistics.median(pool):.1f} ms ({spread(pool)})")
    row("systemd-run --user --scope", f"{statistics.median(bare):.1f} ms ({spread(bare)})")
    ratio = statistics.median(pool) / statistics.median(bare)
    row("ratio", f"{ratio:.2f}", "at most 1.5", ratio <= 1.5)


def rate(seconds):
    return BYTES / 1e6 / seconds


def report_throughput(programs, project, rounds):
    size = f"{BYTES // 1024 // 1024} MiB of stream-json in lines of {LINE} bytes"
    head(f"{size}: {rounds} times, in turns")
    loops, alone, fds, signals = [], [], [], []
    lost = 0
    for i in range(rounds):
        loops.append(bare_loop(programs))
        alone.append(transcript_alone(project, f"alone{i}"))
        for how, times in (("fd", fds), ("signals", signals)):
            seconds, events, missed = followed(programs, how, project, f"{how}{i}")
            times.append(seconds)
            lost += missed
    for what, times in (
        ("a bare loop that reads a PTY and forgets", loops),
        ("agent to the end of its transcript", alone),
        ("agent to a subscriber's fd", fds),
        ("agent to a subscriber of signals", signals),
    ):
        share = statistics.median(loop / own for loop, own in zip(loops, times))
        text = f"{rate(statistics.median(times)):.1f} MB/s"
        if times is loops:
            row(what, text)
        elif times is alone:
            row(what, f"{text} ({share:.0%})", "70 % of the loop", share >= 0.7)
        else:
            row(what, f"{text} ({share:.0%})")
    row(f"events lost, of {events} each time", str(lost), "none", lost == 0)


def main():
    build, rounds = sys.argv[1], int(sys.argv[2])
    programs = {
        "bench-follow": f"{build}/tests/bench/bench-follow",
        "bench-start": f"{build}/tests/bench/bench-start",
        "first-byte": f"{build}/tests/bench/first-byte",
        "pty-throughput": f"{build}/tests/shim/pty-throughput",
        "stand-in": f"{build}/tests/stand-in/stand-in",
    }
    # First the idle runs: what comes later leaves its mark on the service's memory.
    report_idle(make_project("idle", command=programs["stand-in"], env="init; idle"))
    report_starts(programs, rounds)
    flood = f"flood {BYTES} {LINE}"
    project = make_project("flood", command=programs["stand-in"], env=flood)
    report_throughput(programs, project, rounds)
    print()
    sys.exit(1 if FAILURES else 0)


main()
