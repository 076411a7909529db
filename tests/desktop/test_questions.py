# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run waits for is told of and can be answered: here by a stand-in for the service, which
can be in any state at once; test_asking.py has the real one."""

from gi.repository import GLib

from desktop import Desktop, Server, own
from harness import NAME, PATH, Pool, main, wait_until
from session import connect

POOL_XML = """<node><interface name='org.storkit.AgentPool'>
<method name='List'><arg type='aa{sv}' direction='out'/></method>
<method name='Stop'><arg type='s' direction='in'/><arg type='s' direction='in'/>
<arg type='s' direction='in'/></method>
<method name='Answer'><arg type='s' direction='in'/><arg type='s' direction='in'/>
<arg type='s' direction='in'/><arg type='a{sv}' direction='in'/></method>
<signal name='AgentEvent'><arg type='s'/><arg type='s'/><arg type='s'/><arg type='a{sv}'/></signal>
</interface></node>"""

RUN = "42_login.coder.hofuv8ubcx"
QUESTION = "[{'id': <'q1'>, 'title': <'May it run this?'>, 'detail': <'rm -r build'>, \
'options': <[{'id': 'allow', 'name': 'Allow'}, {'id': 'deny', 'name': 'Deny'}]>}]"


class Service:
    """Lists one run, in a state that a test sets."""

    def __init__(self, pool):
        self.connection = connect(pool.bus.address)
        self.calls = []
        self.infos = GLib.Variant("(aa{sv})", ([],))
        own(self.connection, NAME, PATH, POOL_XML, self._handle)

    def _handle(self, method, arguments):
        if method == "List":
            return self.infos
        self.calls.append((method, *arguments))
        return None

    def set(self, **members):
        """The run's info from now on, its values as GVariant text; a status event tells of it."""
        plain = {"story_id": "'42_login'", "agent_name": "'coder'", "run_id": f"'{RUN}'",
                 "project_root": "'/src/shop'", "status": "'running'"}  # fmt: skip
        text = ", ".join(f"'{key}': <{value}>" for key, value in (plain | members).items())
        self.infos = GLib.Variant.parse(
            GLib.VariantType("(aa{sv})"), f"([{{{text}}}],)", None, None
        )
        self.connection.emit_signal(
            None, PATH, NAME, "AgentEvent",
            GLib.Variant("(sssa{sv})", ("42_login", "coder", "status", {})),
        )  # fmt: skip


def with_service(test):
    def run():
        with Pool(daemon=False) as pool:
            test(pool, Service(pool), Server(pool))

    run.__doc__ = test.__doc__
    return run


@with_service
def test_a_question_is_answered(pool, service, server):
    """A permission that is asked for is told of with its answers; a button gives one, and the
    notification goes when the question does."""
    with Desktop(pool):
        service.set(waiting="'permission'", questions=QUESTION)
        shown = server.wait("coder asks about 42_login")
        assert "May it run this?\nrm -r build" in shown.body, shown
        assert shown.actions["answer:allow"] == "Allow" and shown.expires == 0, shown
        assert shown.hints["resident"] and shown.hints["category"] == "im.received"
        server.act(shown, "answer:deny")
        wait_until(lambda: service.calls, "an answer")
        assert service.calls == [("Answer", RUN, "q1", "deny", {})]
        service.set(waiting="'permission'", questions=QUESTION.replace("q1", "q2"))
        server.wait("coder asks about 42_login")
        service.set()
        server.wait_empty()


@with_service
def test_a_notification_changes_with_its_run(pool, service, server):
    """A run has one notification: what it waits for, then how it ended, in place."""
    with Desktop(pool):
        service.set(waiting="'input'", unfinished_line="'Password: '")
        server.wait("coder is waiting for you")
        service.set(disk_full="true")
        server.wait("The disk is full")
        service.set(oom_kills="uint64 2")
        server.wait("2 of its processes were killed")
        service.set(status="'failed'", error="'out of memory'", ended="uint64 9999999999999999")
        assert server.wait("out of memory").hints["urgency"] == 2
        assert len(server.shown) == 1 and server.last == 1, server.log


@with_service
def test_a_wait_is_told_after_a_start_too(pool, service, server):
    """What waits when the desktop comes is told of, and a stop by its button is one."""
    service.set(waiting="'limit'", retry_at="uint64 9999999999999999")
    with Desktop(pool):
        shown = server.wait("The limit ends at")
        server.act(shown, "stop")
        wait_until(lambda: service.calls, "the stop")
        assert service.calls == [("Stop", "/src/shop", "42_login", "coder")]


if __name__ == "__main__":
    main()
