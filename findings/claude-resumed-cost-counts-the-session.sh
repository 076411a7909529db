#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @anthropic-ai/claude-code 2.1.332 (npm), `claude -p --output-format stream-json`
# Behaviour: of a resumed session, `total_cost_usd` of the `result` line is the cost of the whole
#            session, while `usage` and `num_turns` of the same line are those of the run. Until
#            2.1.112 the cost was the run's as well.
# Seen:      2026-11-29, three runs of one session, each with one equal answer (multiples of the
#            first run's cost, then the run's tokens in and out, then its turns):
#              1 12 7 1
#              2 12 7 1
#              3 12 7 1
# For us:    src/agents/kind-claude.c: a run's own cost is the difference to the run before.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @anthropic-ai/claude-code@2.1.332 >/dev/null || exit 77
PATH=$folder/node_modules/.bin:$PATH
# The native program is a package of its own, which the install script would link.
program=$(find "$folder/node_modules" -path '*claude-code-linux-*/claude' -type f | grep -v musl |
    head -1)
[ -n "$program" ] || program=$folder/node_modules/.bin/claude

cat >stub.py <<'END'
import http.server, itertools, json

numbers = itertools.count()


class Model(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.reply("application/json", "")

    def do_GET(self):
        self.reply("application/json", "{}")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "count_tokens" in self.path:
            return self.reply("application/json", '{"input_tokens": 12}')
        usage = {"input_tokens": 12, "cache_creation_input_tokens": 0,
                 "cache_read_input_tokens": 0, "output_tokens": 7}
        message = {"id": f"msg_{next(numbers)}", "type": "message", "role": "assistant",
                   "model": asked.get("model"), "content": [{"type": "text", "text": "hello"}],
                   "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
        if not asked.get("stream"):
            return self.reply("application/json", json.dumps(message))
        begin = message | {"content": [], "stop_reason": None, "usage": usage | {"output_tokens": 1}}
        events = [
            {"type": "message_start", "message": begin},
            {"type": "content_block_start", "index": 0,
             "content_block": {"type": "text", "text": ""}},
            {"type": "content_block_delta", "index": 0,
             "delta": {"type": "text_delta", "text": "hello"}},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta",
             "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        self.reply("text/event-stream", "".join(
            f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events))

    def reply(self, kind, text):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.end_headers()
        self.wfile.write(text.encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
print(server.server_port, flush=True)
server.serve_forever()
END
coproc python3 stub.py
read -r port <&"${COPROC[0]}"

export HOME=$folder ANTHROPIC_BASE_URL=http://127.0.0.1:$port ANTHROPIC_API_KEY=none
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 DISABLE_AUTOUPDATER=1
unset CLAUDECODE CLAUDE_CODE_ENTRYPOINT
mkdir work
cd work

# run ARGUMENT…: one run; prints its result line
run() {
    timeout 120 "$program" -p "$@" --output-format stream-json --verbose </dev/null |
        grep '"type":"result"'
}

session=5fe3ab46-56ba-4027-9a6c-53ad0e0e0c6b
run hello --session-id "$session" >"$folder/1"
run hello --resume "$session" >"$folder/2"
run hello --resume "$session" >"$folder/3"
seen=$(python3 - "$folder"/[123] <<'END'
import json, sys

results = [json.load(open(path)) for path in sys.argv[1:]]
for result in results:
    times = result["total_cost_usd"] / results[0]["total_cost_usd"]
    usage = result["usage"]
    print(round(times), usage["input_tokens"], usage["output_tokens"], result["num_turns"])
END
)
printf '%s\n' "$seen"
[ "$seen" = $'1 12 7 1\n2 12 7 1\n3 12 7 1' ]
