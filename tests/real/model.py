# SPDX-License-Identifier: LGPL-2.1-or-later
"""The API of claude's model where an answer depends on more than the stub of --stub knows: a usage
limit that ends, and a conversation with the tools of `storkitctl mcp`."""

import http.server
import itertools
import json
import re
import threading
import time

USAGE = {"input_tokens": 12, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
         "output_tokens": 7}  # fmt: skip
numbers = itertools.count(1)


class Limited(Exception):
    """Nothing more until @reset, in seconds since the epoch."""

    def __init__(self, reset):
        super().__init__()
        self.reset = reset


def text(words):
    return {"type": "text", "text": words}


def call(tool, **arguments):
    return {"type": "tool_use", "id": f"toolu_{next(numbers):012}", "name": tool,
            "input": arguments}  # fmt: skip


def results_of(request):
    """Of the calls since the last words of the user: one list of texts for each answer of the
    model."""
    found = []
    for message in request["messages"]:
        parts = message["content"] if isinstance(message["content"], list) else []
        results = [part for part in parts if part["type"] == "tool_result"]
        if message["role"] == "user":
            found = [*found, list(map(text_of, results))] if results else []
    return found


def text_of(result):
    content = result.get("content", "")
    if isinstance(content, str):
        return content
    return "".join(part.get("text", "") for part in content)


class Model:
    """@answer is given a request's JSON and returns the blocks of the answer. In a `with`: `url` is
    where it listens."""

    def __init__(self, answer):
        self.answer = answer
        handler = type("Handler", (Handler,), {"model": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.reply(200, "")

    def do_GET(self):
        self.reply(200, "{}")

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "count_tokens" in self.path:
            return self.reply(200, '{"input_tokens": 12}')
        try:
            blocks = self.model.answer(request)
        except Limited as limit:
            return self.refuse(limit.reset)
        message = {"id": f"msg_{next(numbers)}", "type": "message", "role": "assistant",
                   "model": request.get("model"), "content": blocks, "stop_sequence": None,
                   "stop_reason": "tool_use" if "tool_use" in str(blocks) else "end_turn",
                   "usage": USAGE}  # fmt: skip
        if not request.get("stream"):
            return self.reply(200, json.dumps(message))
        self.reply(200, "".join(frames(message)), "text/event-stream")

    def refuse(self, reset):
        """As the API does at the end of a subscription's five hours."""
        error = {"type": "error", "error": {"type": "rate_limit_error", "message": "Limit reached"}}
        prefix = "anthropic-ratelimit-unified"
        self.reply(429, json.dumps(error), "application/json", {
            "x-should-retry": "false", "retry-after": str(max(1, int(reset - time.time()))),
            f"{prefix}-status": "rejected", f"{prefix}-reset": str(int(reset)),
            f"{prefix}-representative-claim": "five_hour"})  # fmt: skip

    def reply(self, status, body, kind="application/json", headers=None):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body.encode())))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body.encode())


def frames(message):
    """The events of a stream that makes up @message."""
    begun = message | {"content": [], "stop_reason": None, "usage": USAGE | {"output_tokens": 1}}
    events = [{"type": "message_start", "message": begun}]
    for index, block in enumerate(message["content"]):
        is_text = block["type"] == "text"
        delta = (
            {"type": "text_delta", "text": block["text"]}
            if is_text
            else {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        )
        empty = block | ({"text": ""} if is_text else {"input": {}})
        events += [
            {"type": "content_block_start", "index": index, "content_block": empty},
            {"type": "content_block_delta", "index": index, "delta": delta},
            {"type": "content_block_stop", "index": index},
        ]
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    events += [{"type": "message_delta", "delta": ending, "usage": USAGE}, {"type": "message_stop"}]
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events]


# --- What it plays ---


def limit(reset):
    """Refuses until @reset, and says hello from then on."""

    def answer(request):
        if time.time() < reset:
            raise Limited(reset)
        return [text("hello from stub")]

    return answer


def orchestrate(children):
    """Looks for the tools, starts the children, waits for them, looks at what they changed, and
    tells."""
    names = [TOOL + name for name in ("start_run", "wait_for_runs", "show_diff")]
    plan = [
        lambda: [call("ToolSearch", query=f"select:{','.join(names)}", max_results=5)],
        lambda: [call(TOOL + "start_run", run=child) for child in children],
        lambda: [call(TOOL + "wait_for_runs", runs=children)],
        lambda: [call(TOOL + "show_diff", story=child.split("/")[0]) for child in children],
    ]

    def answer(request):
        if not request.get("tools"):
            return [text("no tools")]  # a title for the session, and the like
        results = results_of(request)
        if len(results) < len(plan):
            return plan[len(results)]()
        ended = re.findall('"status":"([a-z]+)"', results[2][0])
        lines = [re.findall(r"^\+\w.*", diff, re.MULTILINE) for diff in results[3]]
        return [text(f"ended: {ended}; added: {lines}")]

    return answer


TOOL = "mcp__storkit__"
