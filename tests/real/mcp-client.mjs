// SPDX-License-Identifier: LGPL-2.1-or-later
// An official client of the Model Context Protocol drives `storkitctl mcp`:
//
//   node mcp-client.mjs MODULES PACKAGE REVISION STORKITCTL PROJECT
//
// PACKAGE is @modelcontextprotocol/sdk or @modelcontextprotocol/client; REVISION is one that is
// insisted on, or `legacy` for the handshake. Each line that it prints is a trial and what was seen,
// as JSON. The project's agent prints, waits for a file `go`, and ends.
import fs from 'node:fs';
const [modules, name, revision, storkitctl, project] = process.argv.slice(2);
const load = (path) => import(`${modules}/${name}/${path}`);
const isOld = name.endsWith('/sdk');
const { Client } = await load(isOld ? 'dist/esm/client/index.js' : 'dist/index.mjs');
const { StdioClientTransport } = await load(isOld ? 'dist/esm/client/stdio.js' : 'dist/stdio.mjs');

const tell = (what, found) => console.log(JSON.stringify([what, found]));
const negotiation = revision === 'legacy' ? {} : { versionNegotiation: { mode: { pin: revision } } };
const client = new Client({ name: 'tests', version: '1' }, { capabilities: {}, ...negotiation });
const errors = [];
client.onerror = (error) => errors.push(error.message);
const transport = new StdioClientTransport({
    command: storkitctl, args: ['mcp'], cwd: project, env: process.env });

async function call(tool, input, options = {}) {
    const params = { name: tool, arguments: input };
    return isOld ? client.callTool(params, undefined, options) : client.callTool(params, options);
}

async function connect() {
    await client.connect(transport);
    const agreed = isOld ? transport._protocolVersion : client.getNegotiatedProtocolVersion();
    return `${client.getServerVersion().name}${agreed ? `, revision ${agreed}` : ''}`;
}

async function listTools() {
    const { tools } = await client.listTools();
    return `${tools.length}: ${tools.map((tool) => tool.name).join(' ')}`;
}

async function start() {
    const started = await call('start_run', { run: "mcp" });
    return started.structuredContent;
}

async function follow(run) {
    const heard = [];
    const onprogress = ({ progress, message }) => {
        heard.push(`${progress} ${message}`);
        fs.writeFileSync(`${run.worktree_path}/go`, '');
    };
    const result = await call('follow_run', { run: 'mcp' }, { onprogress });
    const { events, run_ended } = result.structuredContent;
    return `${heard.length} notifications, the first “${heard[0]}”; ${events.length} events, `
        + `the last ${events.at(-1).type}${run_ended ? '' : ', NOT ENDED'}`;
}

async function wait() {
    const { structuredContent: { ended } } = await call('wait_for_runs', { runs: ['mcp'] });
    return ended.map((run) => `${run.story_id} ${run.status}`).join();
}

async function diff() {
    const { content: [{ text }] } = await call('show_diff', { story: 'mcp' });
    return text.split('\n').filter((line) => /^\+\w/.test(line)).join();
}

async function readResources(run) {
    const { resources } = await client.listResources();
    const { resourceTemplates } = await client.listResourceTemplates();
    const uri = resources.find((resource) => resource.uri.endsWith(run.run_id)).uri;
    const { contents: [{ text, mimeType }] } = await client.readResource({ uri });
    const types = text.trim().split('\n').map((line) => JSON.parse(line).type);
    return `${resources.length} and ${resourceTemplates.length} template; ${mimeType}: `
        + types.join(' ');
}

async function stop() {
    await call('start_run', { run: 'stopped' });
    const result = await call('stop_run', { run: 'stopped' });
    const { structuredContent: { runs } } = await call('list_runs', {});
    return `${result.isError ? 'NOT ' : ''}stopped; the list has ${runs.map((r) => r.story_id)}`;
}

/* A call that its client gives up is cancelled, and the next one is answered. */
async function cancel() {
    await call('start_run', { run: 'cancelled' });
    const begun = Date.now();
    const waiting = call('wait_for_runs', { runs: ['cancelled'] },
                         { signal: AbortSignal.timeout(1000) });
    const gaveUp = await waiting.then(() => 'ANSWERED', () => 'given up');
    await call('stop_run', { run: 'cancelled' });
    return `${gaveUp}, the next call answered after ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}

/* A wait that is longer than the minute that these clients wait for an answer. */
async function outlast() {
    await call('start_run', { run: 'long' });
    const begun = Date.now();
    const input = { runs: ['long'], timeout_seconds: 75 };
    const options = { onprogress: () => {}, resetTimeoutOnProgress: true };
    const answer = await call('wait_for_runs', input, options).then(
        ({ structuredContent }) => `timed_out ${structuredContent.timed_out}`,
        (error) => `NOT: ${error.message}`);
    await call('stop_run', { run: 'long' });
    return `${answer}, after ${((Date.now() - begun) / 1000).toFixed(0)} s`;
}

async function refuse() {
    const { isError, content: [{ text }] } = await call('show_run', { run: 'nobody' });
    const unknown = await call('nothing', {}).then(() => 'ACCEPTED', (error) => error.message);
    return `${isError ? '' : 'NOT '}an error: ${text}; ${unknown}`;
}

async function attempt(what, trial) {
    try {
        tell(what, await trial());
    } catch (error) {
        tell(what, `ERROR ${error.message}`);
    }
}

await attempt('initialize', connect);
await attempt('tools', listTools);
let run;
await attempt('start', async () => { run = await start(); return run.status; });
await attempt('follow', () => follow(run));
await attempt('wait', wait);
await attempt('diff', diff);
await attempt('resources', () => readResources(run));
await attempt('cancel', cancel);
await attempt('a long wait', outlast);
await attempt('stop', stop);
await attempt('refusals', refuse);
await attempt('close', async () => { await client.close(); return errors.join() || 'no errors'; });
