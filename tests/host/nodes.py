# SPDX-License-Identifier: LGPL-2.1-or-later
"""Several booted hosts at a time, for commands that want real ones: Node boots one, which runs a
program of ours as root that ends with serve()."""

import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
TREE = os.path.dirname(os.path.dirname(HERE))
USER = "stork"
PATIENCE = 120
BEGAN = time.monotonic()


def note(text):
    print(f"[{time.monotonic() - BEGAN:6.1f}] {text}", flush=True)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def fetch(folder, packages):
    """Debian's packages, in @folder/debs: they are not installed."""
    debs = f"{folder}/debs"
    os.makedirs(debs, exist_ok=True)
    there = os.listdir(debs)
    missing = [name for name in packages if not any(file.startswith(name + "_") for file in there)]
    if missing and subprocess.call(["apt-get", "--quiet=2", "download", *missing], cwd=debs):
        skip("Debian's packages cannot be fetched: `apt-get update`")


def wait_until(condition, what, patience=PATIENCE):
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.3)


class Node:
    """A booted host with @home as its user's; used in a `with`, after which it is gone. @program,
    as its root, sets up what it is to be, and serves."""

    def __init__(self, name, home, trees, *program):
        self.name = name
        trees = [word for tree in (TREE, *trees) for word in ("--tree", tree)]
        self.process = subprocess.Popen(
            [f"{HERE}/boot", "--root", "--user", USER, *trees, "--home", home, "--", *program],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        self.process.wait()

    def cut_power(self):
        self.process.kill()  # all that it holds goes with it
        self.process.wait()

    def await_ready(self):
        assert self._reply() == ["ready"]

    def _reply(self):
        line = self.process.stdout.readline()
        assert line, f"{self.name} has ended"
        return json.loads(line)

    def run(self, *argv, user=USER, status=0):
        """Runs a command there, as a login of the user, and returns its output. @status: what it
        has to end with, None: anything."""
        self.process.stdin.write(json.dumps([user, *argv]) + "\n")
        self.process.stdin.flush()
        got, out, err = self._reply()
        assert status is None or got == status, f"{self.name}: {argv}: {got}: {out}{err}"
        return out + err

    def root(self, *argv, **keywords):
        return self.run(*argv, user="root", **keywords)


# --- In the host ---


def call(*argv):
    subprocess.run(argv, check=True, stdout=sys.stderr)


def install(build):
    """The build, as if it were the host's own."""
    call("meson", "install", "--no-rebuild", "--quiet", "-C", build)
    call("systemctl", "daemon-reload")


def as_user(user, argv):
    if user == "root":
        return argv
    return ["runuser", "-l", user, "-c", 'exec "$@"', "--", "sh", *argv]


def say(*words):
    print(json.dumps(words), flush=True)


def serve():
    """Says that the host is ready, and runs what it is asked for."""
    say("ready")
    for line in sys.stdin:
        user, *argv = json.loads(line)
        done = subprocess.run(
            as_user(user, argv), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        say(done.returncode, done.stdout, done.stderr)
