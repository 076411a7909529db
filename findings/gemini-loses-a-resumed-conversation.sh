#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @google/gemini-cli 0.61.0 (npm)
# Behaviour: a session that was resumed once, in a later clock minute than it was begun in, is lost
#            at the next fresh start in that folder: the resume leaves a second, empty file of the
#            session beside the conversation, and the next start removes both. The id can then not
#            be resumed. A session that was never resumed survives any number of fresh starts.
# Seen:      2026-11-29, exit statuses of: begin, resume, resume in a later minute, begin another,
#            resume
#              0 0 0 0 42
# For us:    nothing may begin a fresh gemini session in a worktree whose conversation is to go on.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @google/gemini-cli@0.61.0 >/dev/null || exit 77

cat >stub.py <<'END'
import http.server, json


class Model(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path.partition("?")[0].endswith(":countTokens"):
            return self.reply("application/json", '{"totalTokens": 12}')
        kind = asked.get("generationConfig", {}).get("responseMimeType", "")
        text = "hello"
        if "json" in kind:  # which model to take
            text = json.dumps({"reasoning": "none", "model_choice": "flash",
                               "complexity_score": 1, "complexity_reasoning": "none"})
        answer = {
            "candidates": [{"index": 0, "finishReason": "STOP",
                            "content": {"role": "model", "parts": [{"text": text}]}}],
            "usageMetadata": {"promptTokenCount": 12, "candidatesTokenCount": 7,
                              "totalTokenCount": 19},
        }
        if ":streamGenerateContent" in self.path:
            return self.reply("text/event-stream", f"data: {json.dumps(answer)}\n\n")
        self.reply("application/json", json.dumps(answer))

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

export HOME=$folder GEMINI_API_KEY=none GOOGLE_GEMINI_BASE_URL=http://127.0.0.1:$port
export GEMINI_CLI_TRUST_WORKSPACE=true
mkdir -p "$folder/.gemini" work
printf '{"security": {"auth": {"selectedType": "gemini-api-key"}}}\n' >"$folder/.gemini/settings.json"
cd work

# run ARGUMENT…: one run; prints its exit status
run() {
    local status=0
    timeout 300 "$folder/node_modules/.bin/gemini" --output-format stream-json --skip-trust "$@" \
        </dev/null >"$folder/last" 2>"$folder/stderr" || status=$?
    echo $status
}

in_a_later_minute() {
    sleep $((61 - 10#$(date +%S)))
}

seen=$(run -p hello)
session=$(python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin if line.startswith("{")]
print(next(line["session_id"] for line in lines if line["type"] == "init"))
' <"$folder/last")
in_a_later_minute
seen+=" $(run --resume "$session" -p hello)"
in_a_later_minute
seen+=" $(run --resume "$session" -p hello) $(run -p another) $(run --resume "$session" -p hello)"
printf '%s\n' "$seen"
[ "$seen" = '0 0 0 0 42' ]
