# SPDX-License-Identifier: LGPL-2.1-or-later
"""The service that is measured: calls to it, its process, projects for it."""

import json
import os
import subprocess
import time

NAME = "org.storkit.AgentPool"
PATH = "/org/storkit/AgentPool"
RUNS = f"{os.environ['XDG_STATE_HOME']}/storkit/runs"


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


def cpu_time(pid):
    with open(f"/proc/{pid}/stat") as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


def service_pid():
    return ask("systemctl", "--user", "show", "--property=MainPID", "--value", "storkitd.service")


def await_quiet():
    """Until the service has published what is left: nobody waits for that, but the next measurement
    is to have the machine for itself."""
    pid = service_pid()
    before = -1
    while before != (before := cpu_time(pid)):
        time.sleep(0.5)


def pss(pid):
    """KiB"""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def settle():
    """Threads that had work linger for 15 s before they end, and storkit-git for 30 s."""
    time.sleep(35)
