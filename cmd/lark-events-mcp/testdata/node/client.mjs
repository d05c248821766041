// Listens to events as an agent's program does, through one of the official TypeScript SDKs, and fails where an answer
// is not as it should be:
//
//	node client.mjs SDK URL               over Streamable HTTP
//	node client.mjs SDK COMMAND ARG...    over stdio

import assert from 'node:assert/strict';

const patience = 60_000; // milliseconds for what takes moments on an idle machine
const key = 'im.message.receive_v1';

// What differs from one SDK to the next. The first speaks protocol 2025-11-25, the second finds out that the server has
// a later one.
const sdks = {
	'@modelcontextprotocol/sdk': async name => {
		const { Client } = await import(`${name}/client/index.js`);
		const { StdioClientTransport } = await import(`${name}/client/stdio.js`);
		const { StreamableHTTPClientTransport } = await import(`${name}/client/streamableHttp.js`);
		const { ResourceUpdatedNotificationSchema } = await import(`${name}/types.js`);
		return {
			Client, StdioClientTransport, StreamableHTTPClientTransport,
			onUpdated: (client, handler) => client.setNotificationHandler(ResourceUpdatedNotificationSchema, handler),
			version: transport => transport.protocolVersion ?? '2025-11-25', // not told over stdio
			protocol: '2025-11-25',
			async watch(client, uri) {
				await client.subscribeResource({ uri });
				return () => client.unsubscribeResource({ uri });
			},
		};
	},
	'@modelcontextprotocol/client': async name => {
		const { Client, StreamableHTTPClientTransport } = await import(name);
		const { StdioClientTransport } = await import(`${name}/stdio`);
		return {
			Client, StdioClientTransport, StreamableHTTPClientTransport,
			options: { versionNegotiation: { mode: 'auto' } },
			onUpdated: (client, handler) => client.setNotificationHandler('notifications/resources/updated', handler),
			version: (_, client) => client.getNegotiatedProtocolVersion(),
			protocol: '2026-07-28',
			async watch(client, uri) {
				const stream = await client.listen({ resourceSubscriptions: [uri] });
				assert.deepEqual(stream.honoredFilter.resourceSubscriptions, [uri]);
				return () => stream.close();
			},
		};
	},
};

const [name, target, ...args] = process.argv.slice(2);
const sdk = await sdks[name](name);
const client = new sdk.Client({ name: 'lark-events-test', version: '1' }, sdk.options);
client.onerror = error => { throw error; };
const { promise: updated, resolve: tell } = Promise.withResolvers();
sdk.onUpdated(client, notification => tell(notification.params.uri));

const transport = target.startsWith('http://')
	? new sdk.StreamableHTTPClientTransport(new URL(target))
	: new sdk.StdioClientTransport({ command: target, args });
await client.connect(transport);
assert.equal(client.getServerVersion().name, 'lark-events-mcp');
assert.equal(sdk.version(transport, client), sdk.protocol);

const names = list => list.map(item => item.name).sort();
assert.deepEqual(names((await client.listTools()).tools), ['describe_event_key', 'event_status', 'list_event_keys',
	'poll_events', 'subscribe_event', 'unsubscribe_event']);
assert.deepEqual(names((await client.listResources()).resources), ['keys', 'status']);
assert.deepEqual(names((await client.listResourceTemplates()).resourceTemplates), ['key', 'schema', 'subscription']);
assert.deepEqual(names((await client.listPrompts()).prompts), ['digest', 'triage', 'watch']);

// The SDKs check structured content against the tool's output schema.
async function call(tool, args) {
	const result = await client.callTool({ name: tool, arguments: args });
	assert.ok(!result.isError, JSON.stringify(result));
	return result.structuredContent;
}

const { subscription_id } = await call('subscribe_event', { key });
const uri = `lark-event://subscriptions/${subscription_id}`;
const unwatch = await sdk.watch(client, uri);
const limit = setTimeout(() => { throw new Error(`no notification of ${uri}`); }, patience);
assert.equal(await updated, uri);
clearTimeout(limit);
await unwatch();

const { contents: [peek] } = await client.readResource({ uri });
const [unread] = JSON.parse(peek.text).events;
const page = await call('poll_events', { subscription_id, wait_seconds: 50 });
assert.equal(page.events[0].key, key);
assert.equal(page.events[0].event_id, unread.event_id, 'reading the resource consumes nothing');
const next = await call('poll_events', { subscription_id, wait_seconds: 50 });
assert.notEqual(next.events[0].event_id, unread.event_id, 'a poll goes on where the last one ended');
assert.equal((await call('unsubscribe_event', { subscription_id })).subscription_id, subscription_id);
client.onerror = undefined; // the streams that close cuts off
await client.close();
