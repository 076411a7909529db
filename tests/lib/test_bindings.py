# SPDX-License-Identifier: LGPL-2.1-or-later
"""libstorkit from other languages: the examples of docs/library.md, word for word."""

import json
import os
import re
import shutil
import subprocess

import gi
from gi.repository import GLib

from harness import main, skip, wait_until

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
ASKING = 'init; text On it.; ask q1 Bash {"command":"rm -r build"}; answers 1; result; read'


def example(language, root):
    """The example of that language, for the project at @root."""
    with open(f"{SOURCE}/docs/library.md") as file:
        text = re.search(rf"```{language}\n(.*?)```", file.read(), re.DOTALL)[1]
    assert "/home/me/project" in text
    return text.replace("/home/me/project", root)


def program(pool, name, text):
    with open(f"{pool.folder}/{name}", "w") as file:
        file.write(text)
    return f"{pool.folder}/{name}"


def environment(pool):
    names = ("LD_LIBRARY_PATH", "GI_TYPELIB_PATH", "PKG_CONFIG_PATH")
    more = {name: os.environ[name] for name in names}
    return pool.environment | more | {"ASAN_OPTIONS": "detect_leaks=0"}


def build(pool, *command):
    done = subprocess.run(command, env=environment(pool), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def prints_its_events(pool, make_command):
    """The program starts a run, and prints each of its events."""
    root = pool.repository(agents={"coder": "init; lines 3; result"})
    done = subprocess.run(
        make_command(root), env=environment(pool), stdout=subprocess.PIPE, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["status"] == "pending" and events[-1]["type"] == "done", events
    assert [e["text"] for e in events if e["type"] == "output"][-1] == "line 00000003", events


def test_python_in_five_lines(pool):
    """Python: a run and its events."""

    def make(root):
        text = example("python", root)
        assert len(text.splitlines()) == 5, text
        return ["/usr/bin/python3", "-W", "ignore", "-c", text]

    prints_its_events(pool, make)


def test_javascript(pool):
    """JavaScript (gjs): the same."""
    if not shutil.which("gjs"):
        skip("there is no gjs here")

    def make(root):
        return ["gjs", "-m", program(pool, "example.js", example("js", root))]

    prints_its_events(pool, make)


def test_vala(pool):
    """Vala: the same, compiled."""
    if not shutil.which("valac") or "VAPI_FOLDER" not in os.environ:
        skip("there is no valac or no vapigen here")

    def make(root):
        source = program(pool, "example.vala", example("vala", root))
        build(
            pool, "valac", f"--vapidir={os.environ['VAPI_FOLDER']}", "--pkg=libstorkit-1",
            "--pkg=gio-2.0",  # which the installed .deps asks for
            f"--directory={pool.folder}", source,
        )  # fmt: skip
        return [f"{pool.folder}/example"]

    prints_its_events(pool, make)


def test_c(pool):
    """C: the same, compiled as pkg-config says."""

    def make(root):
        source = program(pool, "example.c", example("c", root))
        flags = subprocess.check_output(
            ["pkg-config", "--cflags", "--libs", "libstorkit-1"], env=environment(pool), text=True
        ).split()
        build(pool, "cc", "-Wall", "-Werror", "-o", f"{pool.folder}/example", source, *flags)
        return [f"{pool.folder}/example"]

    prints_its_events(pool, make)


def test_python_answers_a_question(pool):
    """A main loop in Python is told of a question, answers it, and sees the run complete; errors
    have their type."""
    gi.require_version("Storkit", "1")
    from gi.repository import Storkit

    runs = Storkit.Pool(connection=pool.bus.connection)
    runs.init(None)
    root = pool.repository(agents={"coder": {"scenario": ASKING, "permission": "ask"}})
    started, statuses = [], []
    runs.start_async(root, "s", None, None, None, lambda p, r: started.append(p.start_finish(r)))
    wait_until(lambda: started, "the start")
    run = started[0]
    assert list(runs) == [run] and run.props.story_id == "s"
    run.connect("notify::status", lambda run, spec: statuses.append(run.props.status))
    wait_until(lambda: run.props.questions, "the question")
    (question,) = run.props.questions.unpack()
    assert question["detail"] == "rm -r build" and run.props.waiting == "permission"
    run.answer(question["id"], "allow", None, None)
    wait_until(lambda: run.props.status == Storkit.RunStatus.COMPLETED, "the end")
    wait_until(lambda: run.props.questions is None, "no question")
    # That it runs may come behind the reply of its start.
    assert statuses in ([Storkit.RunStatus.COMPLETED],
                        [Storkit.RunStatus.RUNNING, Storkit.RunStatus.COMPLETED])  # fmt: skip
    run.stop(None)
    wait_until(lambda: not list(runs), "it to leave the list")
    try:
        run.freeze(None)
    except GLib.Error as error:
        assert error.matches(Storkit.error_quark(), Storkit.Error.NO_SUCH_RUN), error
    else:
        raise AssertionError("a run that has gone was frozen")


if __name__ == "__main__":
    main()
