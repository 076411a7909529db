# SPDX-License-Identifier: LGPL-2.1-or-later
"""Steering a run: input, messages, the terminal's size, attaching, freezing."""

import os
import select
import shutil
import socket
import subprocess

from gi.repository import Gio, GLib

from harness import NAME, PATH, PATIENCE, connect, main, raises, skip, wait_until

KIB, MIB = 1 << 10, 1 << 20
BEHIND = 8 * MIB  # no signal that is on its way has come as far


class Terminal:
    """An attached terminal: what came out of it so far, and what is typed."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.output = b""
        self.ended = False

    def read_some(self, timeout=0):
        if self.ended or not select.select([self.socket], [], [], timeout)[0]:
            return False
        part = self.socket.recv(65536)
        self.output += part
        self.ended = not part
        return True

    def wait_for(self, text):
        """Reads until @text has come out."""
        while text not in self.output:
            assert self.read_some(PATIENCE) and not self.ended, f"no {text!r} in {self.output!r}"

    def read_to_end(self):
        while not self.ended:
            assert self.read_some(PATIENCE), "the terminal does not end"

    def type(self, text):
        self.socket.sendall(text)

    def close(self):
        self.socket.close()


def attach(pool, root, story, agent=""):
    return Terminal(pool.attach(root, story, agent))


def transcript(pool, info):
    with open(f"{pool.run_folder(info['run_id'])}/transcript", "rb") as file:
        return file.read()


def wait_for_output(pool, info, text):
    wait_until(lambda: text in transcript(pool, info), f"{text!r} in the transcript")


def touch(info, name):
    """What the stand-in's `wait NAME` waits for."""
    with open(f"{info['worktree_path']}/{name}", "w"):
        pass


def interactive(scenario, **keys):
    return {"coder": {"scenario": scenario, "interactive": True, "stop_grace": "1s"} | keys}


def texts(pool):
    return [event["text"] for event in pool.events if event["type"] == "output"]


# Input


def test_input_is_typed_into_the_terminal(pool):
    """SendInput's bytes reach the agent as if they were typed; Ctrl-D ends its input."""
    root = pool.repository(agents={"coder": "print ready; read; print over; result"})
    info = pool.start(root, "s")
    wait_for_output(pool, info, b"ready")
    pool.send_input(root, "s", b"hello ")
    pool.send_input(root, "s", b"world\n\x04")
    assert pool.wait(root, "s")["status"] == "completed"
    assert b'"hello world"' in transcript(pool, info)
    assert b"over" in transcript(pool, info)


def test_messages_are_answered_until_the_input_is_closed(pool):
    """An interactive agent answers each message; CloseInput ends it, as completed."""
    root = pool.repository(agents=interactive("init; read"))
    pool.start(root, "s", prompt="Begin.")
    pool.wait_for(lambda event: event.get("text") == "answer 1")
    pool.send_message(root, "s", "Now the other half.")
    pool.wait_for(lambda event: event.get("text") == "answer 2")
    pool.send_message(root, "s", 'Quotes ", newlines \n and Ünïcödé.')
    pool.wait_for(lambda event: event.get("text") == "answer 3")
    assert pool.get(root, "s")["status"] == "running"
    pool.close_input(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"
    assert texts(pool) == ["answer 1", "answer 2", "answer 3"]


def test_no_message_follows_a_closed_input(pool):
    """A message behind CloseInput is refused; a second CloseInput does no harm."""
    root = pool.repository(agents=interactive("init; idle"))
    pool.start(root, "s")
    pool.close_input(root, "s")
    pool.close_input(root, "s")
    assert "closed" in raises("InvalidArgument", pool.send_message, root, "s", "x").message


def test_messages_need_an_interactive_agent(pool):
    """SendMessage and CloseInput to another agent say what to set in the config."""
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "s")
    for error in (
        raises("InvalidArgument", pool.send_message, root, "s", "hello"),
        raises("InvalidArgument", pool.close_input, root, "s"),
    ):
        assert "interactive = true" in error.message


def test_a_message_has_a_limit(pool):
    """A message of 1 MiB is taken, a longer one is refused."""
    root = pool.repository(agents=interactive("init; read"))
    pool.start(root, "s")
    assert "longer" in raises("InvalidArgument", pool.send_message, root, "s", "x" * (MIB + 1)).message
    pool.send_message(root, "s", "x" * MIB)
    pool.wait_for(lambda event: event.get("text") == "answer 2")


def test_messages_keep_their_order(pool):
    """Calls that wait for an agent that is slow to read are answered, in the order they came."""
    root = pool.repository(agents=interactive("init; wait go; read"))
    info = pool.start(root, "s")
    calls = [
        pool.begin("SendMessage", "(ssss)", root, "s", "coder", f"message {i} " + "x" * 50 * KIB)
        for i in range(30)
    ]
    wait_until(calls[0].done, "the first message to fit into the FIFO")
    assert not calls[-1].done()
    touch(info, "go")
    for call in calls:
        call.result()
    pool.wait_for(lambda event: event.get("text") == "answer 31")
    written = transcript(pool, info)
    places = [written.index(b"message %d " % i) for i in range(30)]
    assert places == sorted(places)


def test_an_agent_that_never_reads_holds_up_nobody(pool):
    """Input that an agent does not take waits, up to 8 MiB; other calls are answered meanwhile; the
    run's end answers what waits."""
    root = pool.repository(agents=interactive("init; idle"))
    pool.start(root, "s")
    calls = [
        pool.begin("SendMessage", "(ssss)", root, "s", "coder", "x" * (MIB - KIB)) for _ in range(8)
    ]
    wait_until(lambda: pool.get(root, "s")["status"] == "running", "the answer to another call")
    assert not any(call.done() for call in calls)
    error = raises("InvalidArgument", pool.send_message, root, "s", "x" * 64 * KIB)
    assert "too much input" in error.message
    assert pool.list()
    pool.stop(root, "s")
    for call in calls:
        raises("NotRunning", call.result)


def fill(pool, *call):
    """Repeats a call that waits for the agent until it is too much: those that wait."""
    calls = [pool.begin(*call)]
    while pool.list() and not calls[-1].done():
        calls.append(pool.begin(*call))
    assert "too much input" in raises("InvalidArgument", calls.pop().result).message
    return calls


def test_a_close_that_was_refused_closes_nothing(pool):
    """CloseInput to an agent for which too much waits already is refused, and leaves it open."""
    go = f"{pool.folder}/go"
    root = pool.repository(agents=interactive(f"init; wait {go}; read"))
    pool.start(root, "s")
    calls = []
    for size in (MIB - KIB, 64 * KIB, KIB, 1):
        text = "x" * size
        calls += fill(pool, "SendMessage", "(ssss)", root, "s", "coder", text)
    calls += fill(pool, "SendInput", "(sssay)", root, "s", "coder", b"")
    assert "too much input" in raises("InvalidArgument", pool.close_input, root, "s").message
    open(go, "w").close()
    for call in calls:
        call.result()
    pool.send_message(root, "s", "still open")
    pool.close_input(root, "s")
    assert pool.wait(root, "s")["status"] == "completed"


def test_the_terminal_takes_what_its_agent_reads(pool):
    """A MiB of SendInput to an agent that reads its terminal arrives whole."""
    root = pool.repository(agents={"coder": "print ready; read; result"})
    info = pool.start(root, "s")
    wait_for_output(pool, info, b"ready")
    lines = b"".join(b"line %06d\n" % i for i in range(MIB // 12))
    pool.send_input(root, "s", lines)
    pool.send_input(root, "s", b"\x04")
    pool.wait(root, "s")
    assert transcript(pool, info).count(b'"line ') == MIB // 12


def test_a_daemon_that_ends_answers_what_waits(pool):
    """A call that waits, for the agent to read or for its end, is answered when the service goes
    down; the run goes on."""
    root = pool.repository(agents=interactive("init; idle"))
    pool.start(root, "s")
    message = pool.begin("SendMessage", "(ssss)", root, "s", "coder", "x" * MIB)
    wait = pool.begin("Wait", "(sss)", root, "s", "coder")
    pool.get(root, "s")
    pool.restart_daemon()
    raises("ShuttingDown", message.result)
    assert "ask again" in raises("ShuttingDown", wait.result).message
    assert wait_until(lambda: pool.get(root, "s")["status"] == "running", "the run's adoption")
    pool.stop(root, "s")


def refuses_steering(pool, root, story, agent, status):
    for function, *arguments in (
        (pool.send_input, b"x"),
        (pool.send_message, "x"),
        (pool.close_input,),
        (pool.resize, 24, 80),
        (pool.attach,),
        (pool.freeze,),
        (pool.thaw,),
    ):
        error = raises("NotRunning", function, root, story, *arguments, agent=agent)
        assert status in error.message


def test_only_a_running_agent_is_steered(pool):
    """A queued run and an ended one take no input, and the errors say which it is."""
    root = pool.repository(agents={"coder": "idle", "quick": "result"})
    pool.set_property("MaxAgents", GLib.Variant("u", 1))
    pool.start(root, "s")
    assert pool.start(root, "t")["status"] == "pending"

    refuses_steering(pool, root, "t", "coder", "pending")
    pool.stop(root, "s")
    pool.stop(root, "t")
    pool.start(root, "s", "quick")
    pool.wait(root, "s", "quick")
    refuses_steering(pool, root, "s", "quick", "completed")
    raises("NoSuchRun", pool.send_input, root, "nobody", b"x")


# The terminal


def test_the_agent_sees_a_new_size(pool):
    """Resize is seen by the agent; a size of zero is refused."""
    root = pool.repository(agents={"coder": "size; idle"})
    info = pool.start(root, "s")
    wait_for_output(pool, info, b"size 50 200")
    pool.resize(root, "s", 30, 90)
    wait_for_output(pool, info, b"size 30 90")
    raises("InvalidArgument", pool.resize, root, "s", 0, 90)
    raises("InvalidArgument", pool.resize, root, "s", 30, 0)


def test_an_attached_terminal_shows_and_types(pool):
    """Attach shows what was printed, an unfinished line too, types, and ends with the run."""
    root = pool.repository(agents={"coder": "print before; bytes $\\x20; read; print bye; result"})
    info = pool.start(root, "s")
    terminal = attach(pool, root, "s")
    terminal.wait_for(b"before\r\n$ ")
    terminal.type(b"hello\n")
    terminal.wait_for(b'"hello"')
    terminal.type(b"\x04")
    terminal.read_to_end()
    assert terminal.output == transcript(pool, info)
    assert pool.wait(root, "s")["status"] == "completed"


def test_output_without_a_newline_shows_at_once(pool):
    """What an agent prints while a client is attached is there without a line's end."""
    root = pool.repository(agents={"coder": "wait go; bytes working…; idle"})
    info = pool.start(root, "s")
    terminal = attach(pool, root, "s")
    touch(info, "go")
    terminal.wait_for("working…".encode())


def test_attaching_shows_the_last_screenful(pool):
    """Of a long past a new client sees the end, from a line's start, and not all of it."""
    root = pool.repository(agents={"coder": "lines 10000; print done; idle"})
    pool.start(root, "s")
    pool.wait_for(lambda event: event.get("text") == "done")  # the service has seen it, too
    terminal = attach(pool, root, "s")
    terminal.wait_for(b"done\r\n")
    assert terminal.output.startswith(b"line ")
    assert KIB < len(terminal.output) <= 16 * KIB


def test_detaching_leaves_the_agent_alone(pool):
    """A client that goes away ends nothing, what it typed last arrives, and it can come back."""
    root = pool.repository(agents={"coder": "print ready; read; result"})
    info = pool.start(root, "s")
    first, second = attach(pool, root, "s"), attach(pool, root, "s")
    first.wait_for(b"ready")
    first.type(b"last words\n")
    first.close()
    second.wait_for(b'"last words"')
    second.close()
    again = attach(pool, root, "s")
    again.wait_for(b'"last words"')
    again.type(b"more\n\x04")
    again.read_to_end()
    assert b'"more"' in again.output
    assert pool.wait(root, "s")["status"] == "completed"
    assert again.output == transcript(pool, info)


def test_half_a_connection_still_shows(pool):
    """A client that has closed its input side goes on reading."""
    root = pool.repository(agents={"coder": "print ready; wait go; print more; result"})
    info = pool.start(root, "s")
    terminal = attach(pool, root, "s")
    terminal.wait_for(b"ready")
    terminal.socket.shutdown(socket.SHUT_WR)
    touch(info, "go")
    terminal.read_to_end()
    assert b"more" in terminal.output


def test_a_client_that_does_not_read_is_dropped(pool):
    """Of two clients one does not read: it is cut off, the other sees all that is printed."""
    scenario = "print ready; wait go; flood 4M; sleep 2500; print enough; wait stop; result"
    root = pool.repository(agents={"coder": scenario})
    info = pool.start(root, "s")
    reader, sleeper = attach(pool, root, "s"), attach(pool, root, "s")
    reader.wait_for(b"ready")
    touch(info, "go")
    reader.wait_for(b"enough")
    sleeper.read_to_end()
    assert len(sleeper.output) < MIB
    assert pool.get(root, "s")["status"] == "running"
    touch(info, "stop")
    reader.read_to_end()
    assert reader.output == transcript(pool, info)


def test_typing_waits_for_an_agent_that_does_not_read(pool):
    """What is typed to an agent that reads nothing fills the client's socket, and nothing else."""
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "s")
    terminal = attach(pool, root, "s")
    terminal.socket.setblocking(False)

    def is_full():
        try:
            terminal.socket.send(b"y\n" * 2 * KIB)
        except BlockingIOError:
            return True
        return False

    wait_until(is_full, "a full socket")
    assert pool.get(root, "s")["status"] == "running"
    pool.stop(root, "s")


def test_what_a_client_typed_last_arrives(pool):
    """All that was typed before a client went reaches an agent that reads it only later."""
    go = f"{pool.folder}/go"
    script = (
        "stty raw -echo; echo ready; "
        f"while [ ! -e {go} ]; do sleep 0.1; done; head -c $(cat {go}) | wc -c; echo end"
    )
    agent = {"kind": "raw", "command": "/bin/sh", "args": ["-c", script]}
    root = pool.repository(agents={"coder": agent})
    info = pool.start(root, "s")
    wait_for_output(pool, info, b"ready")
    terminal = attach(pool, root, "s")
    typed = 0
    while select.select([], [terminal.socket], [], 1)[1]:
        typed += terminal.socket.send(b"x" * 1000, socket.MSG_DONTWAIT)
    terminal.close()
    with open(f"{go}.new", "w") as file:
        file.write(str(typed))
    os.rename(f"{go}.new", go)
    wait_for_output(pool, info, b"end")
    assert f"{typed}".encode() in transcript(pool, info).split()
    pool.wait(root, "s")


def test_a_person_attaches_in_a_real_terminal(pool):
    """storkitctl attach under tmux: type, see, resize, detach, attach again."""
    if not shutil.which("tmux"):
        skip("tmux is not installed")
    ctl = os.environ.get("STORKITCTL", f"{os.path.dirname(os.environ['STORKITD'])}/ctl/storkitctl")
    root = pool.repository(agents={"coder": "size; read; result"})
    info = pool.start(root, "s")
    environment = pool.environment | {"TERM": "xterm", "TMUX_TMPDIR": pool.folder}

    def tmux(*arguments, check=True):
        command = ["tmux", "-f", "/dev/null", *arguments]
        return subprocess.run(
            command, cwd=root, env=environment, check=check, stdout=subprocess.PIPE, text=True
        ).stdout

    def see(text):
        wait_until(lambda: text in tmux("capture-pane", "-p"), f"{text!r} on the screen")

    tmux("new-session", "-d", "-x", "90", "-y", "25", "sh")
    try:
        tmux("send-keys", f"{ctl} attach s", "Enter")
        wait_for_output(pool, info, b"size 25 90")
        tmux("send-keys", "typed here", "Enter")
        wait_for_output(pool, info, b'"typed here"')
        see('"typed here"')
        tmux("resize-window", "-x", "100", "-y", "31")
        wait_for_output(pool, info, b"size 31 100")
        tmux("send-keys", "C-]")
        see("Detached")
        assert pool.get(root, "s")["status"] == "running"
        tmux("send-keys", "clear", "Enter")
        wait_until(lambda: "typed" not in tmux("capture-pane", "-p"), "a clear screen")
        tmux("send-keys", f"exec {ctl} attach s", "Enter")
        see('"typed here"')
        tmux("send-keys", "C-d")
        assert pool.wait(root, "s")["status"] == "completed"
        wait_until(lambda: tmux("ls", check=False) == "", "the end of storkitctl")
    finally:
        tmux("kill-server", check=False)


def test_nothing_stays_open(pool):
    """Attaching, typing and sending messages leave no descriptor open in the service."""
    root = pool.repository(agents=interactive("init; read"))
    pool.start(root, "s")
    pool.wait_for(lambda event: event.get("text") == "answer 1")

    def count():
        return len(os.listdir(f"/proc/{pool.process.pid}/fd"))

    before = count()
    terminals = [attach(pool, root, "s") for _ in range(5)]
    pool.send_input(root, "s", b"x" * KIB)
    pool.send_message(root, "s", "x" * 500 * KIB)
    pool.resize(root, "s", 20, 40)
    pool.wait_for(lambda event: event.get("text") == "answer 2")
    for terminal in terminals:
        terminal.close()
    wait_until(lambda: count() == before, f"{before} open descriptors again")


# Freezing


def test_a_frozen_agent_halts_until_it_is_thawed(pool):
    """Freeze halts the agent and Thaw lets it go on; both are told to who follows it, live."""
    root = pool.repository(agents={"coder": "repeat 100000 sleep 1; idle"})
    info = pool.start(root, "s")
    events = pool.subscribe(root, "s")
    assert [next(events)["status"] for _ in range(2)] == ["pending", "running"]
    before = pool.get(root, "s")["cursor"]
    pool.freeze(root, "s")
    assert pool.get(root, "s")["frozen"] is True
    event = next(events)
    assert (event["status"], event["cursor"]) == ("frozen", before)
    frozen = pool.wait_for(lambda event: event.get("status") == "frozen")
    assert frozen["cursor"] == before
    agent = f"{pool.manager.cgroup(info['unit'])}/agent"
    wait_until(lambda: "frozen 1" in open(f"{agent}/cgroup.events").read(), "a frozen cgroup")
    pool.thaw(root, "s")
    event = next(events)
    assert (event["status"], event["cursor"]) == ("running", before)
    assert pool.get(root, "s")["frozen"] is False
    wait_until(lambda: "frozen 0" in open(f"{agent}/cgroup.events").read(), "a thawed cgroup")
    replay = pool.subscribe(root, "s")
    pool.freeze(root, "s")
    assert [next(replay)["status"] for _ in range(3)] == ["pending", "running", "frozen"]


def test_a_freeze_stands_where_the_signals_are(pool):
    """The signals of a run that prints more than they carry lag behind it: `frozen`, among them, has
    the cursor of the signal before it, not of what the agent has printed by then."""
    root = pool.repository(agents={"coder": "wait go; flood 200M 3000; idle"})
    info = pool.start(root, "s")
    transcript = f"{pool.run_folder(info['run_id'])}/transcript"
    touch(info, "go")
    wait_until(
        lambda: pool.events and os.path.getsize(transcript) > pool.events[-1]["cursor"] + BEHIND,
        "signals that lag behind",
    )
    # Not on the connection that the signals come on: a reply there comes after all of them.
    caller = connect(pool.bus.address)
    story = GLib.Variant("(sss)", (root, "s", ""))
    caller.call_sync(NAME, PATH, NAME, "Freeze", story, None, Gio.DBusCallFlags.NONE, -1, None)
    pool.wait_for(lambda event: event.get("status") == "frozen")
    printed = os.path.getsize(transcript)
    (place,) = [i for i, event in enumerate(pool.events) if event.get("status") == "frozen"]
    before, at = pool.events[place - 1]["cursor"], pool.events[place]["cursor"]
    assert before == at < printed, (before, at, printed)


def test_freezing_twice_is_told_once(pool):
    """A second Freeze, or a Thaw of what is not frozen, is no event."""
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "s")
    pool.thaw(root, "s")
    pool.freeze(root, "s")
    pool.freeze(root, "s")
    pool.thaw(root, "s")
    pool.stop(root, "s")
    pool.wait_for(lambda event: event.get("status") == "stopped")
    statuses = [event["status"] for event in pool.events if event["type"] == "status"]
    assert statuses == ["pending", "running", "frozen", "running", "stopped"]


def test_a_frozen_agent_can_be_stopped(pool):
    """Stop of a frozen run ends it as quickly as that of any other."""
    root = pool.repository(agents={"coder": "children 3 daemon; idle"})
    info = pool.start(root, "s")
    pool.freeze(root, "s")
    pool.stop(root, "s")
    assert not pool.scope_exists(info["unit"])


def test_a_run_that_is_being_stopped_is_not_frozen(pool):
    """Freeze of a run that uses its grace is NotRunning; whatever else steers it goes on working."""
    root = pool.repository(agents={"coder": "on INT wait go; print ready; wait go"})
    info = pool.start(root, "s")
    wait_for_output(pool, info, b"ready")
    # With the agent's name they are served in their order.
    stop = pool.begin("Stop", "(sss)", root, "s", "coder")
    assert "being stopped" in raises("NotRunning", pool.freeze, root, "s", "coder").message
    pool.thaw(root, "s", "coder")
    pool.send_input(root, "s", b"y\n", "coder")
    pool.resize(root, "s", 20, 40, "coder")
    touch(info, "go")
    stop.result()
    pool.wait_for(lambda event: event.get("status") == "stopped")
    statuses = [event["status"] for event in pool.events if event["type"] == "status"]
    assert statuses == ["pending", "running", "stopped"]


def test_a_new_daemon_knows_what_is_frozen(pool):
    """A run that was frozen before a restart of the service is, and is shown as, frozen after."""
    root = pool.repository(agents={"coder": "idle"})
    pool.start(root, "s")
    pool.freeze(root, "s")
    pool.restart_daemon()
    # systemd is asked for its cgroup, while calls are already answered.
    wait_until(lambda: "frozen" in pool.get(root, "s"), "the run's adoption")
    assert pool.get(root, "s")["frozen"] is True
    pool.thaw(root, "s")
    pool.stop(root, "s")


if __name__ == "__main__":
    main()
