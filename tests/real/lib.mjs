// lib.mjs: what the scripts of real clients share: checks that are counted by their `ok` and `FAIL` lines, and clients of the SDK.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

export const { GATEWAY, KEY } = process.env;
export const bearer = (key = KEY) => ({ authorization: 'Bearer ' + key });
export const sleep = ms => new Promise(done => setTimeout(done, ms));
export const text = result => result.content.map(part => part.text ?? '').join('');

export function want(value, message) {
    if (!value) throw new Error(message);
}
// Runs `run` for at most 20 seconds; whatever it throws is the failure.
export async function check(name, run) {
    let timer;
    const late = new Promise((_, fail) => { timer = setTimeout(() => fail(new Error('no end after 20 s')), 20000); });
    try {
        await Promise.race([run(), late]);
        console.log('ok   ' + name);
    } catch (error) {
        const cause = error?.cause; // of a request that failed
        console.log(`FAIL ${name}: ${error?.message ?? error}${cause ? `: ${cause.code} ${cause.message}` : ''}`);
    }
    clearTimeout(timer);
}
export async function refused(run, pattern) {
    let answer;
    try {
        answer = await run();
    } catch (error) {
        want(pattern.test(error.message), 'refused, but so: ' + error.message);
        return;
    }
    throw new Error('not refused: ' + JSON.stringify(answer).slice(0, 200));
}
// until(ask, good): asks until the answer is good, for at most 10 seconds; the last answer.
export async function until(ask, good) {
    let answer;
    for (let i = 0; i < 50 && !good((answer = await ask())); i++) await sleep(200);
    return answer;
}

// A client that answers what servers may ask of it.
export function answeringClient() {
    const client = new Client({ name: 'real-client', version: '1' },
        { capabilities: { sampling: {}, elicitation: { form: {}, url: {} }, roots: { listChanged: true } } });
    client.setRequestHandler(types.CreateMessageRequestSchema, ({ params }) =>
        ({ role: 'assistant', model: 'none', content: { type: 'text', text: 'sampled: ' + params.messages[0].content.text } }));
    client.setRequestHandler(types.ElicitRequestSchema, () =>
        ({ action: 'accept', content: { name: 'Ada Lovelace', check: true } }));
    client.setRequestHandler(types.ListRootsRequestSchema, () => ({ roots: [{ uri: 'file:///tmp/real-root', name: 'real root' }] }));
    return client;
}
export const plainClient = () => new Client({ name: 'plain-client', version: '1' });

export async function connect(client, path, key = KEY, fetch = globalThis.fetch) {
    const transport = new StreamableHTTPClientTransport(new URL(GATEWAY + path), { requestInit: { headers: bearer(key) }, fetch });
    await client.connect(transport);
    return transport;
}
