// clients.mjs: mcp-remote and `serve --stdio`, each driven by the SDK's client over stdio; what Cursor and Claude do with GET; and
// a key that is disabled while a session, a stream and a call of it are open.
import { execFileSync } from 'node:child_process';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { bearer, check, connect, GATEWAY, KEY, plainClient, refused, text, want } from './lib.mjs';

const { SMG, T, PACKAGES, SECURE_MCP_GATEWAY_HOME, PATH, HOME } = process.env;
const smg = (...words) => execFileSync(SMG, words, { encoding: 'utf8' });
const children = [];
async function start(command, args, env) {
    const client = new Client({ name: 'desktop', version: '1' });
    const transport = new StdioClientTransport({ command, args, env: { PATH, HOME, ...env }, stderr: 'ignore' });
    children.push(client);
    await client.connect(transport);
    return { client, transport };
}

for (const [path, echo] of [['/mcp/everything', 'echo'], ['/mcp', 'everything__echo']]) {
    await check(`mcp-remote: ${path} over stdio`, async () => {
        const { client } = await start('node', [PACKAGES + '/node_modules/mcp-remote/dist/proxy.js', GATEWAY + path,
            '--transport', 'http-only', '--header', 'Authorization:${AUTH}'], { AUTH: 'Bearer ' + KEY, MCP_REMOTE_CONFIG_DIR: T + '/mcp-auth' });
        want((await client.listTools()).tools.some(tool => tool.name === echo), 'no ' + echo);
        const said = text(await client.callTool({ name: echo, arguments: { message: 'from afar' } }));
        want(said.includes('from afar'), said);
        await client.close();
    });
}

await check('serve --stdio: tools, a call, a prompt, a resource, progress', async () => {
    const { client, transport } = await start(SMG, ['serve', '--stdio'], { ENKRYPT_GATEWAY_KEY: KEY, SECURE_MCP_GATEWAY_HOME });
    want((await client.listTools()).tools.some(tool => tool.name === 'memory__read_graph'), 'no memory');
    want(text(await client.callTool({ name: 'everything__echo', arguments: { message: 'at home' } })).includes('at home'), 'no echo');
    want((await client.getPrompt({ name: 'everything__args-prompt', arguments: { city: 'Linz' } })).messages.length, 'no prompt');
    want((await client.readResource({ uri: 'test://static-text' })).contents[0].text, 'no resource');
    // As the lines come: the client forgets a last progress that comes together with the result.
    const seen = [], take = transport.onmessage;
    transport.onmessage = message => {
        seen.push(message.params?.progress ?? 'result');
        take(message);
    };
    await client.callTool({ name: 'everything__trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } }, undefined,
        { onprogress: () => {} });
    want(seen.join() === '1,2,3,result', 'progress: ' + seen);
    await client.close();
});
await check('serve --stdio: ends when its client has gone', async () => {
    const { client, transport } = await start(SMG, ['serve', '--stdio'], { ENKRYPT_GATEWAY_KEY: KEY, SECURE_MCP_GATEWAY_HOME });
    const { pid } = transport;
    await client.close();
    try {
        process.kill(pid, 0);
    } catch {
        return;
    }
    throw new Error('still there');
});
await check('serve --stdio: nothing without a key', () =>
    refused(async () => {
        const { client } = await start(SMG, ['serve', '--stdio'], { SECURE_MCP_GATEWAY_HOME });
        return client.listTools();
    }, /./));

// Requests by hand.
const ask = (method, path, headers = {}, body = undefined, signal = undefined) =>
    fetch(GATEWAY + path, { method, signal, headers: { ...bearer(), ...headers }, ...(body && { body: JSON.stringify(body) }) });
const both = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const initialize = { jsonrpc: '2.0', id: 0, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'by-hand', version: '1' } } };
async function open(path, headers = {}) {
    const answer = await ask('POST', path, { ...both, ...headers }, initialize);
    await answer.text();
    const session = { ...headers, 'mcp-session-id': answer.headers.get('mcp-session-id'), 'mcp-protocol-version': '2025-06-18' };
    const told = await ask('POST', path, { ...both, ...session }, { jsonrpc: '2.0', method: 'notifications/initialized' });
    want(told.status === 202 && (await told.text()) === '', 'initialized: ' + told.status);
    return session;
}

for (const path of ['/mcp', '/mcp/', '/mcp/everything']) {
    await check(`GET ${path} without a session is 405 or a stream`, async () => {
        const end = new AbortController();
        const { status, headers } = await ask('GET', path, { accept: 'text/event-stream' }, undefined, end.signal);
        end.abort();
        want(status === 405 || (status === 200 && /event-stream/.test(headers.get('content-type'))), 'status ' + status);
    });
    await check(`GET ${path} with a session is a stream at once, DELETE ends it`, async () => {
        const session = await open(path);
        const stream = await ask('GET', path, { accept: 'text/event-stream', ...session });
        want(stream.status === 200 && /event-stream/.test(stream.headers.get('content-type')), 'status ' + stream.status);
        const gone = await ask('DELETE', path, session);
        want([200, 204].includes(gone.status), 'DELETE: ' + gone.status);
        for await (const _ of stream.body); // its end
        const late = await ask('POST', path, { ...both, ...session }, { jsonrpc: '2.0', id: 1, method: 'ping' });
        want(late.status === 404, 'afterwards: ' + late.status);
    });
    await check(`GET ${path} that wants no events is 406 or 405`, async () => {
        const { status } = await ask('GET', path, { accept: 'application/json' });
        want([405, 406].includes(status), 'status ' + status);
    });
}
await check('no page for OAuth is promised: 404', async () => {
    for (const path of ['/.well-known/oauth-protected-resource', '/.well-known/oauth-authorization-server'])
        want((await fetch(GATEWAY + path)).status === 404, path);
});
await check('the three ways to send a key', async () => {
    for (const headers of [bearer(), { apikey: KEY }, { ENKRYPT_GATEWAY_KEY: KEY }]) {
        const answer = await fetch(GATEWAY + '/mcp', { method: 'POST', headers: { ...both, ...headers }, body: JSON.stringify(initialize) });
        want(answer.status === 200, `${Object.keys(headers)}: ${answer.status}`);
    }
});
await check('no key and a wrong key: the same 401', async () => {
    const wrong = 'smg_' + 'x'.repeat(KEY.length - 4);
    const answers = [];
    for (const headers of [{}, bearer(wrong), bearer(KEY.slice(0, -1) + (KEY.endsWith('A') ? 'B' : 'A'))]) {
        const answer = await fetch(GATEWAY + '/mcp', { method: 'POST', headers: { ...both, ...headers }, body: JSON.stringify(initialize) });
        want(answer.status === 401 && /^Bearer/.test(answer.headers.get('www-authenticate')), 'status ' + answer.status);
        answers.push(await answer.text());
    }
    want(answers[1] === answers[2], answers.join('\n'));
});

// The end of a key.
const other = JSON.parse(smg('user', 'generate-api-key', '--email', 'ada@example.com', '--project-name', 'servers')).api_key;
await check('a session is nothing to another key', async () => {
    const session = await open('/mcp/everything');
    for (const method of ['POST', 'GET', 'DELETE']) {
        const body = method === 'POST' ? { jsonrpc: '2.0', id: 1, method: 'ping' } : undefined;
        const { status } = await ask(method, '/mcp/everything', { ...both, ...session, ...bearer(other) }, body);
        want(status === 404, `${method}: ${status}`);
    }
});
await check('disable-api-key: the next request is refused, streams and calls end within a second', async () => {
    const session = await open('/mcp/everything', bearer(other));
    const stream = await ask('GET', '/mcp/everything', { accept: 'text/event-stream', ...session });
    const call = ask('POST', '/mcp/everything', { ...both, ...session }, { jsonrpc: '2.0', id: 7, method: 'tools/call',
        params: { name: 'trigger-long-running-operation', arguments: { duration: 10, steps: 2 } } });
    const ended = Promise.all([stream, call].map(async answer => {
        await (await answer).text().catch(() => {});
        return Date.now();
    }));
    await new Promise(done => setTimeout(done, 300));
    smg('user', 'disable-api-key', '--api-key', other);
    const disabled = Date.now();
    const next = await ask('POST', '/mcp/everything', { ...both, ...session }, { jsonrpc: '2.0', id: 8, method: 'ping' });
    want(next.status === 401, 'the next request: ' + next.status);
    const late = Math.max(...(await ended)) - disabled;
    want(late < 1000, `the streams ended after ${late} ms`);
});
await check('the other key goes on', async () => {
    const client = plainClient();
    await connect(client, '/mcp/everything');
    want((await client.listTools()).tools.length > 5, 'no tools');
    await client.close();
});
await check('enable-api-key: it works again', async () => {
    smg('user', 'enable-api-key', '--api-key', other);
    const client = plainClient();
    await connect(client, '/mcp', other);
    await client.close();
});
await Promise.all(children.map(client => client.close().catch(() => {})));
process.exit(0);
