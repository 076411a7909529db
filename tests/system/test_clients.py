#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that nobody here wrote: what code generators make of our XML compiles, and starts,
subscribes, types and follows signals on the real service."""

import json
import os
import shutil
import subprocess

from harness import main, skip, timeout

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
XML = f"{TESTS}/../introspection/org.storkit.AgentPool.xml"
RUN_XML = f"{TESTS}/../introspection/org.storkit.Run.xml"
WARNINGS = ("-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror")


def need(program, *modules):
    """Skips where a generator or the library that its code needs is not there."""
    if not shutil.which(program):
        skip(f"there is no {program} here")
    for module in modules:
        if subprocess.run(["pkg-config", "--exists", module]).returncode:
            skip(f"there is no {module} here")


def flags(*modules):
    return ask("pkg-config", "--cflags", "--libs", *modules).split()


def ask(*command, folder=None):
    """The command's output; whatever it complains of is a failure."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, f"{' '.join(command)}: {done.stderr}"
    return done.stdout.strip()


def follow(pool, client):
    """Runs the client on a run that waits for a line: it sees every event twice, by Subscribe and
    as a signal, and the line has come as it was typed."""
    script = 'read line </dev/tty; echo "read $line"; echo bye'
    agent = {"kind": "raw", "command": "sh", "args": ["-c", script]}
    root = pool.repository(agents={"coder": agent})
    done = subprocess.run(
        [client, root, "s", "hello\r"], env=pool.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "start running" in lines, lines
    events = [json.loads(line.partition(" ")[2]) for line in lines if line.startswith("event ")]
    types = [event["type"] for event in events]
    assert types[0] == "status" and types[-1] == "done", types
    texts = [event.get("text") for event in events if event["type"] == "output"]
    assert "read hello" in texts and "bye" in texts, texts
    signals = [line.split() for line in lines if line.startswith("signal ")]
    assert [signal[3] for signal in signals] == types, (signals, types)
    assert {tuple(signal[1:3]) for signal in signals} == {("s", "coder")}


@timeout(120)
def test_client_of_gdbus_codegen(pool):
    """A client in C, of gdbus-codegen's functions."""
    need("gdbus-codegen", "gio-unix-2.0")
    ask(
        "gdbus-codegen", "--interface-prefix=org.storkit.", "--c-namespace=Storkit",
        "--c-generate-autocleanup=all", "--generate-c-code=storkit", XML, RUN_XML,
        folder=pool.folder,
    )  # fmt: skip
    client = f"{pool.folder}/client"
    ask(
        "cc", *WARNINGS, "-o", client, f"-I{pool.folder}", f"{TESTS}/clients/gdbus.c",
        f"{pool.folder}/storkit.c", *flags("gio-unix-2.0"),
    )  # fmt: skip
    follow(pool, client)


@timeout(180)
def test_client_of_qdbusxml2cpp(pool):
    """A client in C++ with Qt, of qdbusxml2cpp's class."""
    need("qdbusxml2cpp", "Qt5DBus")
    made = f"{pool.folder}/storkit"
    ask("qdbusxml2cpp", "-m", "-p", made, XML)
    ask("qdbusxml2cpp", "-m", "-p", f"{pool.folder}/run", RUN_XML)
    ask("qdbusxml2cpp", "-a", f"{pool.folder}/adaptor", XML)
    moc = ask("pkg-config", "--variable=host_bins", "Qt5Core") + "/moc"
    ask(moc, f"{made}.h", "-o", f"{pool.folder}/storkit.moc")
    client = f"{pool.folder}/client"
    ask(
        "c++", *WARNINGS, "-fPIC", "-o", client, f"-I{pool.folder}", f"{TESTS}/clients/qt.cpp",
        f"{made}.cpp", *flags("Qt5DBus"),
    )  # fmt: skip
    follow(pool, client)


@timeout(180)
def test_client_of_sdbus_cpp(pool):
    """A client in C++, of the class that sdbus-c++'s generator makes."""
    need("sdbus-c++-xml2cpp", "sdbus-c++")
    generate = ["sdbus-c++-xml2cpp", f"--proxy={pool.folder}/storkit.h", XML]
    subprocess.run(generate, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    major = ask("pkg-config", "--modversion", "sdbus-c++").partition(".")[0]
    client = f"{pool.folder}/client"
    ask(
        "c++", "-std=c++20", *WARNINGS, f"-DSDBUS_MAJOR={major}", "-o", client,
        f"-I{pool.folder}", f"{TESTS}/clients/sdbus.cpp", *flags("sdbus-c++"), "-pthread",
    )  # fmt: skip
    follow(pool, client)


if __name__ == "__main__":
    main()
