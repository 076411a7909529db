#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @openai/codex 0.171.0 (npm), `codex exec --json`
# Behaviour: the usage in `turn.completed` is that of the whole thread. A run that resumes a thread
#            reports the tokens of the runs before it again, though each turn of the model used the
#            same. Adding up what runs report counts a thread of n equal runs n(n+1)/2 times.
# Seen:      2026-11-29, three runs of one thread, each with one answer of 12 tokens in, 7 out:
#              12 7
#              24 14
#              36 21
# For us:    src/agents/kind-codex.c: a run's own tokens are the difference to the run before.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @openai/codex@0.171.0 >/dev/null || exit 77

cat >stub.py <<'END'
import http.server, itertools, json

numbers = itertools.count()
USAGE = {
    "input_tokens": 12, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 19,
}


class Model(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.reply("application/json", '{"object": "list", "data": [], "models": []}')

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        text = {"type": "output_text", "text": "hello", "annotations": []}
        item = {"type": "message", "id": f"msg_{next(numbers)}", "role": "assistant",
                "status": "completed", "content": [text]}
        response = {"id": f"resp_{next(numbers)}", "object": "response", "created_at": 1}
        whole = response | {"status": "completed", "output": [item], "usage": USAGE}
        events = [
            {"type": "response.created", "response": response | {"status": "in_progress"}},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": whole},
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

export HOME=$folder CODEX_HOME=$folder/.codex STUB_KEY=none
mkdir -p "$CODEX_HOME" work
cat >"$CODEX_HOME/config.toml" <<END
model = "stub-model"
model_provider = "stub"
[model_providers.stub]
name = "stub"
base_url = "http://127.0.0.1:$port/v1"
wire_api = "responses"
env_key = "STUB_KEY"
END
cd work

# run ARGUMENT…: one run; prints the tokens in and out that it reports
run() {
    timeout 120 "$folder/node_modules/.bin/codex" exec --json --skip-git-repo-check "$@" \
        </dev/null 2>"$folder/stderr" |
        tee "$folder/last" |
        python3 -c '
import json, sys
for line in sys.stdin:
    event = json.loads(line)
    if event["type"] == "turn.completed":
        print(event["usage"]["input_tokens"], event["usage"]["output_tokens"])
'
}

first=$(run hello)
thread=$(python3 -c '
import json, sys
print(next(e["thread_id"] for e in map(json.loads, sys.stdin) if e["type"] == "thread.started"))
' <"$folder/last")
seen=$(printf '%s\n' "$first" "$(run resume "$thread" hello)" "$(run resume "$thread" hello)")
printf '%s\n' "$seen"
[ "$seen" = $'12 7\n24 14\n36 21' ]
