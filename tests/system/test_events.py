# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events: what an agent's bytes become, under which cursors, on every way out."""

import json
import os
import re
import signal

from gi.repository import Gio, GLib

from harness import NAME, PATH, Pool, main, raises, timeout, wait_until
from traces import touch, with_setup

DATA = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../data/agents")
MIB = 1 << 20


def signals_of(pool, run_id):
    """The signals of a run, in order, once the last one is there; JSON parsed, as on the fd."""
    terminal = lambda e: e["type"] in ("done", "error") or e.get("status") == "stopped"
    pool.wait_for(lambda event: event["run_id"] == run_id and terminal(event))
    return [
        event | {"data": json.loads(event["data"])} if "data" in event else event
        for event in pool.events
        if event["run_id"] == run_id
    ]


def run(pool, scenario, root=None, **agent):
    """Runs an agent to its end; returns its info and its events, read from the fd live."""
    root = root or pool.repository(agents={"coder": {"scenario": scenario} | agent})
    info = pool.start(root, "42_login")
    events = list(pool.subscribe_run(info["run_id"]))
    pool.wait(root, "42_login")
    return info, events


def outputs(events):
    return [event["text"] for event in events if event["type"] == "output"]


def cursors(events):
    return [event["cursor"] for event in events]


def kinds(events):
    return [event.get("status", event["type"]) for event in events]


def transcript(pool, info):
    with open(f"{pool.run_folder(info['run_id'])}/transcript", "rb") as file:
        return file.read()


# Cursors


def test_cursors_are_places_in_the_transcript(pool):
    """pending is 1, running 17; an event has 16 and its place in its line, the last one of a line
    16 and the line's end; the end is two behind the last byte."""
    info, events = run(pool, "print one; text two; bytes last")
    lines = transcript(pool, info).splitlines(keepends=True)
    ends = [16 + sum(map(len, lines[: i + 1])) for i in range(3)]
    assert kinds(events) == [
        "pending",
        "running",
        "output",
        "output",
        "agent_json",
        "output",
        "done",
    ]
    assert cursors(events) == [1, 17, ends[0], ends[0] + 1, ends[1], ends[2], ends[2] + 2]


def test_running_comes_behind_setup(pool):
    """Where setup printed, running is one behind its last byte; the agent begins a fresh line."""
    root = with_setup(pool, "printf unfinished", agents={"coder": "print agent"})
    info, events = run(pool, None, root)
    assert kinds(events) == ["pending", "output", "running", "output", "done"]
    assert outputs(events) == ["unfinished", "agent"]
    offset = transcript(pool, info).index(b"agent")
    assert events[2]["cursor"] == 16 + offset + 1
    assert cursors(events) == sorted(set(cursors(events)))


def test_last_line_of_one_byte_has_its_own_cursor(pool):
    """A single byte right behind running, without a newline, still has a cursor of its own."""
    _, events = run(pool, "bytes x")
    assert list(zip(kinds(events), cursors(events))) == [
        ("pending", 1), ("running", 17), ("output", 18), ("done", 19),
    ]  # fmt: skip


def test_every_cursor_gives_the_rest(pool):
    """Subscribe from each event's cursor gives exactly the events behind it, live or later; from
    any other number it is InvalidArgument."""
    say = "print one; text two; print ; json {}; text three; bytes last"
    root = with_setup(pool, "echo setup", agents={"coder": f"{say}; wait {pool.folder}/go"})
    pool.start(root, "42_login")
    pool.wait_for(lambda event: event.get("text") == "three")
    live = [
        pool.subscribe(root, "42_login", cursor=cursor) for cursor in (1, 17 + len("setup\r\n"))
    ]
    touch(f"{pool.folder}/go")
    info = pool.wait(root, "42_login")
    events = list(pool.subscribe(root, "42_login"))
    assert list(live[0]) == events[1:] and list(live[1]) == events[3:]

    for cursor in range(1, events[-1]["cursor"] + 3):
        if cursor in cursors(events):
            rest = events[cursors(events).index(cursor) + 1 :]
            assert list(pool.subscribe_run(info["run_id"], cursor)) == rest, cursor
        else:
            error = raises("InvalidArgument", pool.subscribe_run, info["run_id"], cursor)
            assert str(cursor) in error.message
    raises("InvalidArgument", pool.subscribe_run, info["run_id"], 2**64 - 1)


def test_subscribe_run_wants_a_run(pool):
    """SubscribeRun of no run is NoSuchRun, of what is no run id InvalidArgument; an ended, stopped
    one can still be read."""
    raises("NoSuchRun", pool.subscribe_run, "42_login.coder.0000000000")
    raises("InvalidArgument", pool.subscribe_run, "../../etc")
    root = pool.repository()
    run_id = pool.start(root, "42_login")["run_id"]
    pool.wait(root, "42_login")
    pool.stop(root, "42_login")
    assert kinds(pool.subscribe_run(run_id))[-1] == "done"


# From a line to events


def test_assistants_texts_are_outputs_before_the_line(pool):
    """An assistant line is one output for each text of its content, then agent_json; other lines
    are agent_json alone, passed on as printed."""
    content = [
        {"type": "text", "text": "a"},
        {"type": "tool_use"},
        {"type": "text", "text": "b\nc"},
    ]
    line = json.dumps({"type": "assistant", "message": {"content": content}})
    _, events = run(pool, f'json {line}; json {{ "type" :"odd", "a":1.50 }}')
    assert kinds(events) == [
        "pending",
        "running",
        "output",
        "output",
        "agent_json",
        "agent_json",
        "done",
    ]
    assert outputs(events) == ["a", "b\nc"]
    pool.wait_for("done")
    assert pool.events[-2]["data"] == '{ "type" :"odd", "a":1.50 }'


def test_what_is_no_object_is_output(pool):
    """JSON scalars, arrays, comments and trailing text are no objects: they are output."""
    lines = ["42", '"text"', "[1]", "{} {}", "{'a':1}", '{"a":1,}', "// {}", "null"]
    _, events = run(pool, "; ".join(f"print {line}" for line in lines))
    assert outputs(events) == lines


def test_odd_bytes_become_clean_text(pool):
    """Broken UTF-8 and NUL become U+FFFD; escape sequences and control characters go; a JSON object
    behind a sequence is one; blank lines are no events."""
    lines = {
        r"\xff\xfeok": "\ufffd\ufffdok",
        r"a\x00b": "a\ufffdb",
        r"\e[31mred\e[0m": "red",
        r"\e]0\;title\x07text": "text",
        r"a\x01\x02b\tc": "ab\tc",
        "caf\u00e9 \u2713": "caf\u00e9 \u2713",
    }
    scenario = "; ".join(f"print {line}" for line in lines)
    _, events = run(
        pool, scenario + r'; print  ; print \e[2J; print \e[?25h{"type":"x"}; bytes \e[?25h'
    )
    assert outputs(events) == list(lines.values()), outputs(events)
    assert [event["data"] for event in events if event["type"] == "agent_json"] == [{"type": "x"}]
    assert events == signals_of(pool, events[0]["run_id"])


def test_lone_surrogates_and_nul_in_json(pool):
    """Lone surrogates and \\u0000 in a text become U+FFFD in the output; the line is passed on."""
    line = (
        r'{"type":"assistant","message":{"content":[{"type":"text","text":"a\\ud800b\\u0000c"}]}}'
    )
    _, events = run(pool, f"print {line}")
    assert outputs(events) == ["a\ufffdb\ufffdc"]
    pool.wait_for("done")
    assert r'"a\ud800b\u0000c"' in pool.events[-2]["data"]


def replaced(value):
    """An event as it is on the bus: U+FFFD for the noncharacters that sd-bus refuses."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(re.sub("[\ufdd0-\ufdef\ufffe\uffff]", "\ufffd", text))


def test_noncharacters_are_replaced_on_the_bus(pool):
    """What sd-bus would refuse is U+FFFD in signals and in Drain, and as it was printed on the fd;
    no event is lost by it."""
    text = "\ufffe \uffff \ufdd0 \ufdef"
    _, events = run(
        pool, f'init; print {text}; json {{"type":"x","v":"{text}"}}; result error {text}; exit 1'
    )
    assert outputs(events) == [text] and events[-1]["message"] == text
    on_bus = [replaced(event) for event in events]
    assert on_bus != events and signals_of(pool, events[0]["run_id"]) == on_bus
    assert pool.drain(events[0]["project_root"], events[0]["story_id"]) == on_bus


def test_noncharacter_in_a_session_id_breaks_no_answer(pool):
    """List, Get, Wait and the objects are there whatever an agent calls its session."""
    line = r'{"type":"system","subtype":"init","session_id":"a\uffff"}'
    root = pool.repository(agents={"coder": f"json {line}; result"})
    pool.start(root, "s")
    pool.wait(root, "s")
    for _ in range(2):
        assert pool.get(root, "s")["session_id"] == "a\ufffd"
        assert [info["session_id"] for info in pool.list()] == ["a\ufffd"]
        pool.restart_daemon()


def test_deep_nesting_is_taken(pool):
    """A line of 100,000 brackets harms nobody."""
    some = "[" * 1000
    _, events = run(pool, f"repeat 100 bytes {some}; print ; print after")
    assert outputs(events) == ["[" * 100000, "after"]


def test_lying_types_are_taken(pool):
    """Lines of the known types whose content is of the wrong ones are passed on."""
    lines = [
        '{"type":"assistant"}', '{"type":"assistant","message":[]}', '{"type":["system"]}',
        '{"type":"assistant","message":{"content":"text"}}', '{"type":"system","session_id":5}',
        '{"type":"assistant","message":{"content":[1,{"type":"text","text":7}]}}',
        '{"type":"result","is_error":"yes","usage":3,"total_cost_usd":"x","num_turns":-1}',
    ]  # fmt: skip
    info, events = run(pool, "; ".join(f"json {line}" for line in lines) + "; exit 1")
    data = [event["data"] for event in events if event["type"] == "agent_json"]
    assert data == list(map(json.loads, lines))
    assert outputs(events) == []


def test_split_lines_are_one(pool):
    """A line that comes in pieces, in the middle of a character too, is one line."""
    _, events = run(
        pool, r"bytes {\"a\":\"\xe2; sleep 20; bytes \x9c; sleep 20; bytes \x93\"}; print "
    )
    (event,) = (event for event in events if event["type"] == "agent_json")
    assert event["data"] == {"a": "\u2713"}


# Sizes


def test_long_lines_are_cut_on_the_bus_only(pool):
    """Past 1 MiB a text is cut and JSON left out, with `truncated` and `length`, in a signal and a
    Drain; the fd has them whole."""
    text = "y" * 50000
    root = pool.repository(agents={"coder": f"repeat 30 bytes {text}; print ; flood 1 1500K"})
    info, events = run(pool, None, root)
    assert kinds(events)[2:] == ["output", "output", "agent_json", "agent_json", "done"]
    whole, said, assistant, user = events[2:6]
    assert whole["text"] == text * 30 and "truncated" not in whole
    assert len(said["text"]) > 1400 * 1024 and set(said["text"]) == {"x"}
    assert assistant["data"]["message"]["content"][0]["text"] == said["text"]
    assert user["data"]["type"] == "user"

    signals = signals_of(pool, info["run_id"])
    assert signals == pool.drain(root, "42_login")
    assert [signal["text"] for signal in signals[2:4]] == ["y" * MIB, "x" * MIB]
    assert all("data" not in signal for signal in signals[4:6])
    assert all(signal["truncated"] is True for signal in signals[2:6])
    lengths = [len(text) * 30, len(said["text"]), 1500 * 1024 - 1, 1500 * 1024 - 1]
    assert [signal["length"] for signal in signals[2:6]] == lengths
    assert cursors(signals) == cursors(events)


def test_json_past_4_mib_gives_no_output(pool):
    """A JSON line past 4 MiB is agent_json without outputs."""
    _, events = run(pool, "flood 1 5M")
    assert kinds(events)[2:] == ["agent_json", "agent_json", "done"]
    assert len(events[2]["data"]["message"]["content"][0]["text"]) > 4 * MIB


def test_json_past_16_mib_is_a_truncated_output(pool):
    """A JSON line past 16 MiB is not looked into: it is one truncated output."""
    _, events = run(pool, "flood 1 17M")
    assert kinds(events)[2:] == ["output", "output", "done"]
    assert all(event["truncated"] and event["length"] == 17 * MIB for event in events[2:4])
    assert events[2]["text"].startswith('{"type":"assistant"')


def memory_peak(pool):
    with open(f"/proc/{pool.process.pid}/status") as file:
        return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024


@timeout(120)
def test_line_of_100_mb_is_taken_in_constant_memory(pool):
    """A line past 16 MiB is one truncated output with its length everywhere; the transcript has it;
    the daemon's memory does not grow with it."""
    text, go = "z" * 50000, f"{pool.folder}/go"
    root = pool.repository(
        agents={"coder": f"print warm; wait {go}; repeat 2000 bytes {text}; print ; print after"}
    )
    info = pool.start(root, "42_login")
    stream = pool.subscribe(root, "42_login")
    pool.wait_for(lambda event: event.get("text") == "warm")
    before = memory_peak(pool)
    touch(go)
    events = list(stream)
    signals = signals_of(pool, info["run_id"])
    grown = memory_peak(pool) - before
    assert kinds(events) == ["pending", "running", "output", "output", "output", "done"]
    giant = events[3]
    assert giant["truncated"] is True and giant["length"] == 100_000_001  # with its \r
    assert set(giant["text"]) == {"z"} and len(giant["text"]) <= MIB
    assert outputs(events)[2] == "after"
    assert signals == events == pool.drain(root, "42_login")
    assert os.path.getsize(f"{pool.run_folder(info['run_id'])}/transcript") > 100_000_000
    assert grown < 24 * MIB, f"{grown >> 20} MiB"


# Every way out


def test_who_prints_little_does_not_wait_for_who_prints_much(pool):
    """The signals of an agent go out although another one has used up what the bus is given in a
    while."""
    pool.environment["STORKIT_SIGNALS_PER_SECOND"] = "0"
    pool.restart_daemon()
    root = pool.repository(
        agents={"busy": "lines 4000 much; idle", "quiet": "lines 1 little; idle"}
    )
    pool.start(root, "much", "busy")
    wait_until(lambda: len(pool.events) >= 2500, "the first signals, which go out at once")
    pool.start(root, "little", "quiet")
    pool.wait_for(lambda event: event.get("text", "").startswith("little"))
    assert len([event for event in pool.events if event["story_id"] == "much"]) == 2500


def test_signals_drain_and_fd_agree(pool):
    """The same events, cursors and times come live and later, by signal, Subscribe and Drain; times
    never go back."""
    root = pool.repository(
        agents={"coder": "init; lines 300; text hi; sleep 30; lines 300; result"}
    )
    info = pool.start(root, "42_login")
    live = list(pool.subscribe(root, "42_login"))
    later = list(pool.subscribe(root, "42_login"))
    signals = signals_of(pool, info["run_id"])
    assert live == later == signals == pool.drain(root, "42_login")
    assert len(live) == 2 + 1 + 300 + 2 + 300 + 1 + 1
    assert cursors(live) == sorted(set(cursors(live)))
    times = [event["time"] for event in live]
    assert times == sorted(times)
    assert times[-1] - times[0] >= 30_000, "the times are not those of the lines"
    assert {event["story_id"] for event in live} == {"42_login"}
    assert {event["project_root"] for event in live} == {root}


def test_dbus_broker_carries_the_same():
    """On dbus-broker, too, the signals are the events, long lines included."""
    with Pool(broker=True) as pool:
        info, events = run(pool, "init; lines 2000; flood 1 700K; result")
        assert signals_of(pool, info["run_id"]) == events


def test_drain_gives_each_event_once(pool):
    """Drain gives what came since the last one, at most 8 MiB at a time, then nothing; its position
    outlives a restart of the daemon."""
    root = pool.repository(
        agents={"coder": f"print one; wait {pool.folder}/go; flood 12M 300K; result"}
    )
    info = pool.start(root, "42_login")
    pool.wait_for(lambda event: event.get("text") == "one")
    first = pool.drain(root, "42_login")
    assert kinds(first) == ["pending", "running", "output"]
    assert pool.drain(root, "42_login") == []
    touch(f"{pool.folder}/go")
    pool.wait(root, "42_login")
    batches = [first]
    while batches[-1]:
        batches.append(pool.drain(root, "42_login"))
    assert len(batches) > 3
    assert all(sum(len(json.dumps(event)) for event in batch) <= 9 * MIB for batch in batches)
    assert sum(batches, []) == list(pool.subscribe_run(info["run_id"]))
    pool.restart_daemon()
    assert pool.drain(root, "42_login") == []


def test_slow_reader_delays_nobody(pool):
    """A subscriber that does not read holds up neither agent nor others, and misses nothing."""
    root = pool.repository(agents={"coder": "lines 20000 some line that is not too short; result"})
    pool.start(root, "42_login")
    slow = pool.subscribe(root, "42_login")
    events = list(pool.subscribe(root, "42_login"))
    pool.wait(root, "42_login")
    assert list(slow) == events and len(events) == 20004


def test_reader_that_goes_away_harms_nobody(pool):
    """A subscriber that closes its end in the middle is forgotten; the others see all."""
    root = pool.repository(agents={"coder": f"lines 20000; wait {pool.folder}/go; lines 20000"})
    info = pool.start(root, "42_login")
    fickle, faithful = (pool.subscribe(root, "42_login") for _ in range(2))
    next(fickle)
    fickle.close()
    touch(f"{pool.folder}/go")
    assert len(outputs(faithful)) == 40000
    assert pool.wait(root, "42_login")["run_id"] == info["run_id"]


# Captured transcripts


TEXT_OF_KIND = {
    "claude": lambda data: None,
    "codex": lambda data: data["type"] == "item.completed"
    and data["item"]["type"] == "agent_message"
    and data["item"]["text"],
    "gemini": lambda data: data["type"] == "message"
    and data["role"] == "assistant"
    and data["content"],
    "opencode": lambda data: data["type"] == "text" and data["part"]["text"],
}


def without_kinds_texts(kind, events):
    """Takes away the outputs that a kind's JSON gives, of which the index knows nothing; each has
    to stand right before its line."""
    kept = []
    for event in events:
        text = TEXT_OF_KIND[kind](event["data"]) if event["type"] == "agent_json" else None
        if text:
            assert kept.pop()["text"] == text
        kept.append(event)
    return kept


def matches(output, wanted):
    if isinstance(wanted, str):
        return output == wanted
    return len(output) == wanted["length"] and output.startswith(wanted["starts"])


def check_capture(name, wanted, kind, events):
    shown = [
        f"agent_json:{event['data'].get('type')}"
        if event["type"] == "agent_json"
        else event["type"]
        for event in events
    ]
    assert shown == wanted["events"], f"{name}: {shown}"
    texts = outputs(events)
    assert len(texts) == len(wanted["output"]), name
    assert all(map(matches, texts, wanted["output"])), f"{name}: {texts}"


def test_captured_transcripts_give_the_events_of_their_index(pool):
    """What real CLIs printed, replayed through the terminal, gives the events, texts and session id
    that its index says, on the fd and in signals alike."""
    with open(f"{DATA}/index.json") as file:
        index = json.load(file)
    agents = {
        name.removesuffix(".raw"): {
            "scenario": f"replay {DATA}/{name}",
            "kind": name.partition("-")[0],
        }
        for name in index
    }
    root = pool.repository(agents=agents)
    for name, wanted in index.items():
        agent = name.removesuffix(".raw")
        kind = agents[agent]["kind"]
        info = pool.start(root, "replay", agent)
        events = list(pool.subscribe_run(info["run_id"]))
        assert transcript(pool, info) == open(f"{DATA}/{name}", "rb").read(), name
        assert kinds(events)[:2] == ["pending", "running"]
        check_capture(name, wanted, kind, without_kinds_texts(kind, events[2:-1]))
        assert signals_of(pool, info["run_id"]) == events, name
        if kind == "claude":
            assert pool.wait(root, "replay", agent).get("session_id") == wanted["session_id"], name


def test_captured_failures_are_told_in_the_clis_words(pool):
    """A captured run that an API error ended is failed in the CLI's own words; one that was killed
    in the middle of a line ended without a result; a good one is completed."""
    ends = {
        "claude-2.1.330-text": None,
        "claude-2.1.330-err401": "401 stub error 401",
        "claude-2.1.330-limit429": "limit",
        "claude-2.1.330-kill-midline": "ended without a result",
        "codex-text": None,
        "gemini-text": None,
        "opencode-text": None,
    }
    agents = {
        name: {"scenario": f"replay {DATA}/{name}.raw", "kind": name.partition("-")[0]}
        for name in ends
    }
    root = pool.repository(agents=agents)
    for name, error in ends.items():
        pool.start(root, "replay", name)
        info = pool.wait(root, "replay", name)
        assert info["status"] == ("failed" if error else "completed"), (name, info.get("error"))
        assert not error or error in info["error"], (name, info["error"])


# Many at once


# What an event said is known


class Asker:
    """Asks for the session of a run until it is known, by many calls at once, which leave the
    service little time for other things. @answers has how many events had come before each answer,
    and the answer: one connection keeps the order in which the service sends."""

    AT_ONCE = 16

    def __init__(self, pool, run_id):
        self.pool, self.run_id = pool, run_id
        self.path = f"{PATH}/run/{run_id.replace('.', '_2e')}"
        self.answers = []
        for _ in range(self.AT_ONCE):
            self._ask()

    def _ask(self):
        self.pool.bus.connection.call(
            NAME, self.path, "org.freedesktop.DBus.Properties", "Get",
            GLib.Variant("(ss)", ("org.storkit.Run", "SessionId")), None,
            Gio.DBusCallFlags.NONE, GLib.MAXINT, None, self._answered,
        )  # fmt: skip

    def _answered(self, connection, result):
        try:
            session = connection.call_finish(result).unpack()[0]
        except GLib.Error:
            session = ""  # there is no object yet
        self.answers.append((len(self.pool.events), session))
        if not session:
            self._ask()

    def knows(self):
        return len([session for _, session in self.answers if session]) == self.AT_ONCE


def test_what_an_event_said_is_known(pool):
    """Whoever has got an event and asks for the run gets what that event said, however soon: no
    sink gives a line out before the run's own facts have it. Here the service finds the output of
    some agents all at once, and has many calls to answer."""
    folder, stories = pool.folder, ("a", "b", "c", "d", "e", "f")
    made = lambda what: [name for name in os.listdir(folder) if name.startswith(what)]
    prompt = f"stand-in: init; text hi; touch {folder}/printed.{{{{story_id}}}}; idle"
    waits = f"touch {folder}/setup.$$; while [ ! -e {folder}/go ]; do sleep 0.05; done"
    root = with_setup(pool, waits, agents={"coder": {"prompt": prompt, "writable": [folder]}})
    starts = [pool.begin("Start", "(sss)", root, story, "") for story in stories]
    wait_until(lambda: len(made("setup.")) == len(stories), "their setup")
    pool.process.send_signal(signal.SIGSTOP)
    touch(f"{folder}/go")
    wait_until(lambda: len(made("printed.")) == len(stories), "their output")
    askers = [Asker(pool, run_id) for run_id in pool.run_folders()]
    pool.process.send_signal(signal.SIGCONT)
    for start in starts:
        start.result()
    for asker in askers:
        wait_until(asker.knows, "the answers")
        is_init = lambda e, i=asker.run_id: e["run_id"] == i and "session_id" in e.get("data", "")
        place = pool.events.index(pool.wait_for(is_init))
        late = [session for seen, session in asker.answers if seen > place]
        assert all(late), late


def check_one_of_many(story, run_id, events, signals):
    """All of the run's events, in order, and nothing of another's."""
    assert signals == events, story
    assert kinds(events)[:3] == ["pending", "running", "agent_json"] and kinds(events)[-1] == "done"
    assert outputs(events) == [f"{story} {i:08}" for i in range(1, 201)]
    assert {event["run_id"] for event in events} == {run_id}
    assert {event["story_id"] for event in events} == {story}


@timeout(120)
def test_twenty_agents_at_once(pool):
    """Twenty agents started in parallel in one repository all run, each in its own scope and
    worktree; every event of each arrives, in order, and none of another's."""
    pool.set_property("MaxAgents", GLib.Variant("u", 32))
    go = f"{pool.folder}/go"
    prompt = f"stand-in: init; wait {go}; lines 200 {{{{story_id}}}}; result"
    root = pool.repository(agents={"coder": {"prompt": prompt}})
    stories = [f"story-{i:02}" for i in range(20)]
    calls = {story: pool.begin("Start", "(sss)", root, story, "") for story in stories}
    infos = {story: call.result(60) for story, call in calls.items()}

    assert {info["status"] for info in infos.values()} == {"running"}
    assert pool.get_property("Running") == 20
    for key in ("unit", "worktree_path", "branch", "run_id", "pid"):
        assert len({info[key] for info in infos.values()}) == 20, key
    for story, info in infos.items():
        assert info["pid"] in pool.cgroup_procs(info["unit"])
        assert pool.git(info["worktree_path"], "branch", "--show-current") == f"story/{story}"
    streams = {story: pool.subscribe_run(info["run_id"]) for story, info in infos.items()}
    touch(go)
    for story, stream in streams.items():
        run_id = infos[story]["run_id"]
        check_one_of_many(story, run_id, list(stream), signals_of(pool, run_id))
    wait_until(lambda: pool.get_property("Running") == 0, "the end of all")


if __name__ == "__main__":
    main()
