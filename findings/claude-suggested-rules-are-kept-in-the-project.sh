#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @anthropic-ai/claude-code 2.1.332 (npm), `claude -p --input-format stream-json
#            --permission-prompt-tool stdio --permission-mode default`
# Behaviour: a `can_use_tool` request comes with `permission_suggestions`; who allows the tool and
#            gives them back as `updatedPermissions`, as they came, to be asked no more in this
#            session, has them written into the project: their destination is `localSettings`, a file
#            .claude/settings.local.json in the working folder, which an agent's next commit of all
#            files may take along. With the destination set to `session` nothing is written.
# Seen:      2026-11-30, the files of the working folder behind each run (the tool makes `made`):
#              as they came: .claude/settings.local.json made
#              for the session: made
# For us:    src/agents/claude-questions.c gives rules back for the session only.
set -euo pipefail

folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @anthropic-ai/claude-code@2.1.332 >/dev/null || exit 77
# The native program is a package of its own, which the install script would link.
program=$(find "$folder/node_modules" -path '*claude-code-linux-*/claude' -type f | grep -v musl |
    head -1)
[ -n "$program" ] || program=$folder/node_modules/.bin/claude

# A model that has one command run, and then is done.
cat >stub.py <<'END'
import http.server, itertools, json

numbers = itertools.count()
TOOL = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {}}
INPUT = {"command": "touch made", "description": "Makes a file"}
USAGE = {"input_tokens": 12, "output_tokens": 7}


class Model(http.server.BaseHTTPRequestHandler):
    def log_message(self, *arguments):
        pass

    def do_HEAD(self):
        self.reply("application/json", "")

    def do_GET(self):
        self.reply("application/json", "{}")

    def do_POST(self):
        text = self.rfile.read(int(self.headers["content-length"])).decode()
        asked = json.loads(text)
        if "count_tokens" in self.path:
            return self.reply("application/json", '{"input_tokens": 12}')
        if asked.get("tools") and "tool_result" not in text:
            block, delta = TOOL, {"type": "input_json_delta", "partial_json": json.dumps(INPUT)}
            reason = "tool_use"
        else:
            block, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": "done"}
            reason = "end_turn"
        message = {"id": f"msg_{next(numbers)}", "type": "message", "role": "assistant",
                   "model": asked.get("model"), "content": [], "stop_reason": None,
                   "stop_sequence": None, "usage": USAGE}
        if not asked.get("stream"):
            message |= {"content": [{"type": "text", "text": "done"}], "stop_reason": "end_turn"}
            return self.reply("application/json", json.dumps(message))
        events = [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None},
             "usage": USAGE},
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

# Allows what it is asked for, with the rules that were suggested; $1: "" or their destination.
cat >allow.py <<'END'
import json, subprocess, sys

program, destination = sys.argv[1:]
agent = subprocess.Popen(
    [program, "-p", "--output-format", "stream-json", "--verbose", "--input-format", "stream-json",
     "--permission-prompt-tool", "stdio", "--permission-mode", "default"],
    stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def send(message):
    agent.stdin.write(json.dumps(message) + "\n")
    agent.stdin.flush()


send({"type": "user", "message": {"role": "user", "content": "do it"}})
for line in agent.stdout:
    message = json.loads(line)
    if message["type"] == "result":
        agent.stdin.close()
    if message["type"] != "control_request":
        continue
    request = message["request"]
    rules = request["permission_suggestions"]
    if destination:
        rules = [rule | {"destination": destination} for rule in rules]
    send({"type": "control_response", "response": {
        "subtype": "success", "request_id": message["request_id"],
        "response": {"behavior": "allow", "updatedInput": request["input"],
                     "updatedPermissions": rules}}})
sys.exit(agent.wait())
END

# files FOLDER [DESTINATION]: what a run leaves in a new folder
files() {
    mkdir "$1"
    (cd "$1" && timeout 120 python3 ../allow.py "$program" "${2:-}" >/dev/null 2>&1 &&
        find . -type f -printf '%P\n' | sort | paste -sd ' ')
}

came=$(files came) session=$(files session session)
printf 'as they came: %s\nfor the session: %s\n' "$came" "$session"
[ "$came" = ".claude/settings.local.json made" ] && [ "$session" = made ]
