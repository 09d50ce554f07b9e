// sdk.mjs: the official client against server-everything behind the gateway, over stdio and over HTTP: what a server can be
// asked, and what it may ask. Then two clients at once, and the merged servers at /mcp.
import fs from 'node:fs';
import { answeringClient, check, connect, plainClient, refused, sleep, text, until, want } from './lib.mjs';

for (const server of ['everything', 'everything-web']) {
    const say = name => `${server}: ${name}`;
    const client = answeringClient();
    const changed = [];
    client.fallbackNotificationHandler = async notification => { changed.push(notification); };
    let transport;
    await check(say('connects, as the server itself would answer'), async () => {
        transport = await connect(client, '/mcp/' + server);
        want(client.getServerCapabilities().tools, 'no tools');
        want(transport.sessionId, 'no session');
    });
    await check(say('tools are listed, those for its capabilities too'), async () => {
        const { tools } = await until(() => client.listTools(), all => all.tools.some(tool => tool.name === 'get-roots-list'));
        for (const name of ['echo', 'get-sum', 'trigger-sampling-request', 'trigger-elicitation-request', 'get-roots-list'])
            want(tools.some(tool => tool.name === name), 'no ' + name);
    });
    await check(say('a tool is called'), async () =>
        want(text(await client.callTool({ name: 'get-sum', arguments: { a: 19, b: 23 } })).includes('42'), 'not 42'));
    await check(say('structured content arrives whole'), async () => {
        const result = await client.callTool({ name: 'get-structured-content', arguments: { location: 'New York' } });
        want(typeof result.structuredContent.temperature === 'number', JSON.stringify(result));
    });
    await check(say('an image arrives whole'), async () => {
        const { content } = await client.callTool({ name: 'get-tiny-image', arguments: {} });
        want(content.some(part => part.type === 'image' && part.data.length > 100), 'no image');
    });
    await check(say('a tool that is not there is an error'), async () => {
        const result = await client.callTool({ name: 'no-such-tool', arguments: {} }).catch(error => ({ isError: true, error }));
        want(result.isError, 'no error');
    });
    await check(say('prompts, and completion of their arguments'), async () => {
        want((await client.listPrompts()).prompts.some(prompt => prompt.name === 'args-prompt'), 'no args-prompt');
        const { messages } = await client.getPrompt({ name: 'args-prompt', arguments: { city: 'Vienna' } });
        want(messages[0].content.text.includes('Vienna'), JSON.stringify(messages));
        const { completion } = await client.complete({ ref: { type: 'ref/prompt', name: 'completable-prompt' }, argument: { name: 'department', value: 'E' } });
        want(completion.values.length > 0, JSON.stringify(completion));
    });
    await check(say('resources, templates and reading'), async () => {
        const { resources } = await client.listResources();
        want(resources.length > 0, 'no resources');
        want((await client.readResource({ uri: resources[0].uri })).contents[0].text.length > 0, 'an empty resource');
        want((await client.listResourceTemplates()).resourceTemplates.length > 0, 'no templates');
        want((await client.readResource({ uri: 'demo://resource/dynamic/text/7' })).contents[0].text.includes('7'), 'not number 7');
        await refused(() => client.readResource({ uri: 'demo://nowhere' }), /./);
    });
    await check(say('updates of a resource that is subscribed to'), async () => {
        const uri = 'demo://resource/dynamic/text/1';
        await client.subscribeResource({ uri });
        await client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
        await until(() => changed, all => all.some(one => one.method === 'notifications/resources/updated' && one.params.uri === uri));
        want(changed.some(one => one.params?.uri === uri), 'no update: ' + JSON.stringify(changed));
        await client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
        await client.unsubscribeResource({ uri });
    });
    await check(say('progress, in order and before the result'), async () => {
        const seen = [];
        await client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 0.5, steps: 5 } }, undefined,
            { onprogress: progress => seen.push(progress.progress) });
        want(seen.join() === '1,2,3,4,5', 'progress: ' + seen);
    });
    await check(say('a call is cancelled, and the next one is answered'), async () => {
        const abort = new AbortController();
        setTimeout(() => abort.abort('enough'), 200);
        await refused(() => client.callTool({ name: 'trigger-long-running-operation', arguments: { duration: 5, steps: 5 } }, undefined,
            { signal: abort.signal }), /enough|abort/i);
        want(text(await client.callTool({ name: 'echo', arguments: { message: 'after' } })).includes('after'), 'no echo');
    });
    await check(say('the server samples'), async () =>
        want(text(await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'a haiku', maxTokens: 10 } })).includes('a haiku'), 'no sample'));
    await check(say('the server elicits'), async () =>
        want(text(await client.callTool({ name: 'trigger-elicitation-request', arguments: {} })).includes('Ada Lovelace'), 'no answer'));
    await check(say('the server lists roots'), async () => {
        const roots = text(await client.callTool({ name: 'get-roots-list', arguments: {} }));
        want(roots.includes('real root'), roots);
    });
    await check(say('the session is ended'), async () => {
        await transport.terminateSession();
        await client.close();
    });
}

await check('fixture: a cancellation reaches the server', async () => {
    const client = plainClient();
    await connect(client, '/mcp/fixture');
    const abort = new AbortController();
    setTimeout(() => abort.abort('enough'), 300);
    await refused(() => client.callTool({ name: 'test_slow', arguments: { ms: 8000 } }, undefined, { signal: abort.signal }), /enough|abort/i);
    const stats = await until(() => client.callTool({ name: 'test_stats', arguments: {} }), all => all.structuredContent.cancelled > 0);
    want(stats.structuredContent.cancelled === 1, JSON.stringify(stats));
    await client.close();
});

// The server has its client poll, so the gateway's has to; it does so by the SDK's own rules.
await check('fixture-web: the client polls when the server has it polled', async () => {
    const client = plainClient(), gets = [];
    await connect(client, '/mcp/fixture-web', undefined, async (url, init) => {
        const response = await fetch(url, init);
        if (init.method === 'GET') gets.push([new Headers(init.headers).get('last-event-id'), response.status]);
        return response;
    });
    want(text(await client.callTool({ name: 'test_reconnection', arguments: {} })) === 'reconnected', 'no answer');
    const [id, status] = gets.at(-1);
    want(/^\d+-0$/.test(id) && status === 200, 'it did not poll: ' + JSON.stringify(gets));
    // The SDK takes no error for an answer, and asks for more.
    await refused(() => client.getPrompt({ name: 'none' }), /Unknown prompt/);
    await sleep(1500);
    want(gets.length <= 3 && gets.at(-1)[1] === 405, 'it asks on: ' + JSON.stringify(gets));
    await client.close();
});

// Both count their requests from 0, so that one's answer could pass for the other's.
for (const server of ['everything', 'everything-web', 'fixture', 'fixture-web']) {
    await check(`${server}: two clients at once get their own answers`, async () => {
        const clients = [plainClient(), plainClient()];
        await Promise.all(clients.map(client => connect(client, '/mcp/' + server)));
        const calls = clients.flatMap((client, who) => Array.from({ length: 25 }, async (_, i) => {
            const message = `client ${who} call ${i}`;
            const got = text(await client.callTool({ name: 'echo', arguments: { message } }));
            want(got.endsWith(message), `${message} got ${got}`);
        }));
        await Promise.all(calls);
        await Promise.all(clients.map(client => client.close()));
    });
}

const merged = plainClient();
await check('merged: every server has its tools, prefixed', async () => {
    await connect(merged, '/mcp');
    const names = (await merged.listTools()).tools.map(tool => tool.name);
    for (const name of ['everything__echo', 'everything-web__echo', 'filesystem__read_text_file', 'memory__create_entities',
        'thinking__sequentialthinking', 'fixture__who'])
        want(names.includes(name), `no ${name} in ${names.length}`);
});
await check('merged: server-filesystem writes and reads a file', async () => {
    const path = process.env.FILES + '/note.txt';
    await merged.callTool({ name: 'filesystem__write_file', arguments: { path, content: 'written through the gateway' } });
    want(fs.readFileSync(path, 'utf8') === 'written through the gateway', 'not in the file');
    want(text(await merged.callTool({ name: 'filesystem__read_text_file', arguments: { path } })).includes('through the gateway'), 'not read');
    const outside = await merged.callTool({ name: 'filesystem__read_text_file', arguments: { path: '/etc/passwd' } });
    want(outside.isError, 'reads what it must not');
});
await check('merged: server-memory remembers', async () => {
    await merged.callTool({ name: 'memory__create_entities', arguments: { entities: [{ name: 'gateway', entityType: 'program', observations: ['is tested'] }] } });
    want(text(await merged.callTool({ name: 'memory__search_nodes', arguments: { query: 'gateway' } })).includes('is tested'), 'forgotten');
});
await check('merged: server-sequential-thinking thinks', async () => {
    const thought = { thought: 'one', nextThoughtNeeded: false, thoughtNumber: 1, totalThoughts: 1 };
    const result = await merged.callTool({ name: 'thinking__sequentialthinking', arguments: thought });
    want(!result.isError && text(result).includes('"thoughtNumber": 1'), JSON.stringify(result));
});
await check('merged: prompts and resources of several servers', async () => {
    want((await merged.listPrompts()).prompts.some(prompt => prompt.name === 'everything__args-prompt'), 'no prompt');
    const { messages } = await merged.getPrompt({ name: 'everything__args-prompt', arguments: { city: 'Graz' } });
    want(messages[0].content.text.includes('Graz'), JSON.stringify(messages));
    want((await merged.readResource({ uri: 'test://static-text' })).contents[0].text.includes('static text'), 'not the resource');
});
await check('merged: a tool without its prefix is unknown', () => refused(() => merged.callTool({ name: 'echo', arguments: { message: 'x' } }), /./));
await check('merged: progress through the prefixed name', async () => {
    const seen = [];
    await merged.callTool({ name: 'everything__trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } }, undefined,
        { onprogress: progress => seen.push(progress.progress) });
    want(seen.join() === '1,2,3', 'progress: ' + seen);
});
await merged.close();
await sleep(0);
process.exit(0);
