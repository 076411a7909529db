#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Software:  @zed-industries/codex-acp 0.16.0 (npm), an agent that speaks ACP on stdin and stdout;
#            beside it @agentclientprotocol/claude-agent-acp 0.101.0, on node 20
# Behaviour: an ACP agent is its client's child, and the end of its input is how it learns that the
#            client is gone. codex-acp stays, even after `initialize` alone, until a signal ends it:
#            each client that crashes leaves one behind. claude-agent-acp ends.
# Seen:      2026-11-30, 10 s after the end of the input behind the answer to `initialize`:
#              claude-agent-acp: ended
#              codex-acp: alive, and ended by SIGTERM
# For us:    src/store/shim-client.c: an agent that was told that no more is to come has five
#            seconds, then it is signalled.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" \
    @zed-industries/codex-acp@0.16.0 @agentclientprotocol/claude-agent-acp@0.101.0 \
    >/dev/null || exit 77
export HOME=$folder
modules=$folder/node_modules

cat >client.py <<'END'
import json, subprocess, sys

request = {"jsonrpc": "2.0", "id": 0, "method": "initialize",
           "params": {"protocolVersion": 1, "clientCapabilities": {}}}
agent = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
agent.stdin.write(json.dumps(request).encode() + b"\n")
agent.stdin.flush()
assert json.loads(agent.stdout.readline())["result"]["protocolVersion"] == 1
agent.stdin.close()
try:
    agent.wait(10)
    print("ended")
except subprocess.TimeoutExpired:
    agent.terminate()
    agent.wait(10)
    print("alive, and ended by SIGTERM")
END

# ask NAME COMMAND…
ask() {
    printf '%s: %s\n' "$1" "$(timeout 60 python3 client.py "${@:2}")"
}

seen=$(
    ask claude-agent-acp node "$modules/@agentclientprotocol/claude-agent-acp/dist/index.js"
    ask codex-acp "$modules"/@zed-industries/codex-acp-linux-*/bin/codex-acp
)
printf '%s\n' "$seen"
[ "$seen" = "claude-agent-acp: ended
codex-acp: alive, and ended by SIGTERM" ]
