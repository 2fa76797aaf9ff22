import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as path from 'node:path';
import { test, type TestContext } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { type Config, explain as explained, type HookEvent, type LimitConfig } from 'llmq';
import { type LlmqError, Manager, wrap } from 'llmq';
import OpenAI, { AzureOpenAI } from 'openai';

import { collecting, managerFor, serve, told, within } from './support';

const MESSAGES = [{ role: 'user' as const, content: 'Name a river.' }];
const ASK = { model: 'gpt', messages: MESSAGES, max_tokens: 20 };

function limited(limits: LimitConfig[]): Config {
  return { models: [{ name: 'gpt', limits, retry: { base_ms: 1 } }] };
}

test('the SDK of OpenAI keeps the limits, and its usage is counted', async (t) => {
  const server = await serve(t, ['--limit', 'concurrency=2', '--latency', '20ms']);
  const manager = managerFor(t, limited([{ concurrency: 2 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), { manager });
  assert.ok(client instanceof OpenAI);
  assert.equal(client.maxRetries, 0);
  const calls = Array.from({ length: 8 }, () => client.chat.completions.create(ASK));
  const answers = await within(30_000, Promise.all(calls), 'eight answers');
  const used = answers.reduce((sum, answer) => sum + (answer.usage?.completion_tokens ?? 0), 0);
  assert.ok(used > 0);
  assert.equal(told(manager)['output_tokens'], used);
  assert.equal(told(manager)['completed'], 8);
  const seen = await server.stats();
  assert.equal(seen['refused'], 0, JSON.stringify(seen));
});

test('a stream releases its permit at its end, when it is left, and when it is aborted', async (t) => {
  const server = await serve(t, ['--tokens-per-s', '500', '--output-tokens', '60']);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), { manager });
  const ask = {
    ...ASK,
    max_tokens: 60,
    stream: true as const,
    stream_options: { include_usage: true },
  };
  let used = 0;
  for await (const chunk of await client.chat.completions.create(ask))
    used += chunk.usage?.completion_tokens ?? 0;
  assert.ok(used > 0);
  assert.equal(
    manager.tryAcquire({ model: 'gpt' })?.release({ inputTokens: 0, outputTokens: 0 }),
    true,
  );
  assert.equal(told(manager)['output_tokens'], used);

  for await (const _chunk of await client.chat.completions.create(ask)) break;
  await within(10_000, manager.acquire({ model: 'gpt' }), 'a permit').then((p) => p.release());

  const stream = await client.chat.completions.create(ask);
  stream.controller.abort();
  for await (const _chunk of stream) assert.ok(true);
  await within(10_000, manager.acquire({ model: 'gpt' }), 'a permit').then((p) => p.release());
});

test('refusals are waited for, and tried again by llmq alone', async (t) => {
  const server = await serve(t, ['--limit', 'requests=2/1s']);
  const manager = managerFor(t, limited([{ requests: 1000, per: '1s' }]));
  const { fetch, retries } = counting();
  const inner = new OpenAI({ apiKey: 'k', baseURL: server.url, fetch });
  const client = wrap(inner, { manager, maxAttempts: 10 });
  const calls = Array.from({ length: 5 }, () => client.chat.completions.create(ASK));
  const answers = await within(60_000, Promise.all(calls), 'five answers');
  assert.equal(answers.length, 5);
  assert.ok((told(manager)['rate_limited'] as number) > 0, 'there were refusals');
  assert.ok(retries.length > 5);
  assert.deepEqual(new Set(retries), new Set(['0']), 'the SDK knows of one try');
});

/** A fetch that remembers which retry of the SDK each call was. */
function counting(): { fetch: typeof fetch; retries: (string | null)[] } {
  const retries: (string | null)[] = [];
  const counted = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    retries.push(new Headers(init?.headers).get('x-stainless-retry-count'));
    return fetch(input, init);
  };
  return { fetch: counted, retries };
}

const REFUSING = 'http://127.0.0.1:1/v1'; // nobody listens there

for (const [how, options, wraps, tries] of [
  ['as often as the SDK would', {}, {}, 3],
  ['as often as the client says', { maxRetries: 4 }, {}, 5],
  ['never, if the client says so', { maxRetries: 0 }, {}, 1],
  ['as often as wrap says', {}, { maxAttempts: 2 }, 2],
] as const)
  test(`a call is tried ${how}, by llmq alone`, async (t) => {
    t.mock.method(Math, 'random', () => 0); // no pauses
    const server = await serve(t, ['--fail-server', '1']);
    for (const [baseURL, error] of [
      [server.url, OpenAI.InternalServerError],
      [REFUSING, OpenAI.APIConnectionError],
    ] as const) {
      const manager = managerFor(t, limited([{ concurrency: 1 }]));
      const { fetch, retries } = counting();
      const inner = new OpenAI({ apiKey: 'k', baseURL, fetch, ...options });
      const client = wrap(inner, { manager, ...wraps });
      for (const own of [{}, { maxRetries: 7 }])
        await assert.rejects(client.chat.completions.create(ASK, own), error);
      assert.equal(retries.length, 2 * tries);
      assert.equal(told(manager)['failed'], 2 * tries);
      assert.equal(manager.tryAcquire({ model: 'gpt' })?.release(), true);
    }
  });

test('what has no permit is not asked for again', async (t) => {
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const acquire = t.mock.method(manager, 'acquire');
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: REFUSING }), { manager });
  const unknown = client.chat.completions.create({ ...ASK, model: 'other' });
  await assert.rejects(within(10_000, unknown, 'the refusal'), OpenAI.APIConnectionError);
  assert.equal(acquire.mock.callCount(), 1);
});

/** A provider whose answers begin so and then bring nothing more, until the test is over. */
async function stalling(t: TestContext, type: string, begin: string): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': type }).write(begin);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
}

const PIECE = 'data: {"id":"x","choices":[{"index":0,"delta":{"content":"Rhine"}}]}\n\n';

test('an answer whose body stalls ends with the time-out, and so does its permit', async (t) => {
  const baseURL = await stalling(t, 'application/json', '{"id":');
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const inner = new OpenAI({ apiKey: 'k', baseURL, timeout: 100, maxRetries: 0 });
  const client = wrap(inner, { manager });
  const call = within(20_000, client.chat.completions.create(ASK), 'the time-out');
  await assert.rejects(call, OpenAI.APIConnectionTimeoutError);
  assert.equal(told(manager)['failed'], 1);
  assert.equal(manager.tryAcquire({ model: 'gpt' })?.release(), true);
});

test('a stream that stalls ends with the time-out, and so does its permit', async (t) => {
  const baseURL = await stalling(t, 'text/event-stream', PIECE);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL, timeout: 100 }), { manager });
  const ended = once(manager.hooks(['completed']), 'completed');
  const pieces: unknown[] = [];
  const read = async (): Promise<void> => {
    const stream = await client.chat.completions.create({ ...ASK, stream: true });
    for await (const chunk of stream) pieces.push(chunk.choices[0]?.delta.content);
  };
  await within(
    20_000,
    read().catch((error: unknown) => pieces.push(String(error))),
    'the end',
  );
  assert.equal(pieces[0], 'Rhine');
  const [{ code }] = (await within(20_000, ended, 'the end')) as [HookEvent];
  assert.equal(code, 'LLMQ_ERR_TIMEOUT');
  assert.equal(manager.tryAcquire({ model: 'gpt' })?.release(), true);
});

test('a stream that nobody reads loses its permit', async (t) => {
  const baseURL = await stalling(t, 'text/event-stream', PIECE.repeat(2));
  const manager = managerFor(t, { models: [{ name: 'gpt', concurrency: 1, timeout_ms: 500 }] });
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL }), { manager });
  const stream = await client.chat.completions.create({ ...ASK, stream: true });
  assert.equal(manager.tryAcquire({ model: 'gpt' }), undefined);
  const ended = once(manager.hooks(['completed']), 'completed');
  const [{ code }] = (await within(20_000, ended, 'the end')) as [HookEvent];
  assert.equal(code, 'LLMQ_ERR_ABANDONED');
  assert.equal(manager.tryAcquire({ model: 'gpt' })?.release(), true);
  stream.controller.abort();
});

test('a stream that nobody has any more loses its permit when it is collected', async (t) => {
  const baseURL = await stalling(t, 'text/event-stream', PIECE);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL }), { manager });
  const ended = once(manager.hooks(['completed']), 'completed');
  const forget = async (): Promise<void> => {
    await client.chat.completions.create({ ...ASK, stream: true });
  };
  await forget();
  const next = await within(20_000, collecting(manager.acquire({ model: 'gpt' })), 'a permit');
  const [{ code }] = (await within(20_000, ended, 'the end')) as [HookEvent];
  assert.equal(code, 'LLMQ_ERR_ABANDONED');
  next.release();
});

test('a stream that is aborted before it is read releases its permit at once', async (t) => {
  const baseURL = await stalling(t, 'text/event-stream', PIECE);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL }), { manager });
  const stream = await client.chat.completions.create({ ...ASK, stream: true });
  stream.controller.abort();
  assert.equal(manager.tryAcquire({ model: 'gpt' })?.release(), true);
});

test('an answer in no form that llmq knows comes as it is, once', async (t) => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  let calls = 0;
  const answer = (): Promise<Response> => {
    ++calls;
    return Promise.resolve(new Response(bytes, { headers: { 'content-type': 'audio/mpeg' } }));
  };
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: REFUSING, fetch: answer }), { manager });
  const speech = await client.audio.speech.create({ model: 'gpt', voice: 'ash', input: 'Rhine' });
  assert.deepEqual(new Uint8Array(await speech.arrayBuffer()), bytes);
  assert.equal(calls, 1);
  assert.equal(told(manager)['completed'], 1);
});

test('whose answers they are is told from the client, else from the address', async (t) => {
  const library = path.join(path.dirname(require.resolve('llmq')), 'library.js');
  const explain = t.mock.method(require(library) as { explain: typeof explained }, 'explain');
  const manager = managerFor(t, { models: [{ name: 'gpt' }] });
  const called: string[] = [];
  const answer = (input: string | URL | Request): Promise<Response> => {
    called.push(String(input));
    return Promise.resolve(Response.json({ choices: [] }));
  };
  const made = { apiKey: 'k', fetch: answer };
  const url = 'https://there.example/v1';
  const azure = { ...made, endpoint: url, apiVersion: '2024-10-21' };
  const ask = { body: { model: 'gpt' } };
  for (const [client, at, provider] of [
    [new OpenAI({ ...made, baseURL: url }), '/chat/completions', 'openai'],
    [new OpenAI({ ...made, baseURL: url }), '/messages', 'anthropic'],
    [new OpenAI({ ...made, baseURL: 'https://x.openai.azure.com' }), '/responses', 'azure'],
    [new OpenAI({ ...made, baseURL: `${url}/openai/deployments/m` }), '/embeddings', 'azure'],
    [new OpenAI({ ...made, baseURL: 'https://x.services.ai.azure.com' }), '/messages', 'anthropic'],
    [new AzureOpenAI(azure), '/chat/completions', 'azure'],
    [new AzureOpenAI({ ...azure, deployment: 'east' }), '/chat/completions', 'azure'],
    [new Anthropic({ ...made, baseURL: url }), '/v1/messages/count_tokens', 'anthropic'],
  ] as const) {
    const wrapped = wrap(client, { manager }) as OpenAI;
    await wrapped.post(at, ask);
    assert.equal(explain.mock.calls.at(-1)?.arguments[0], provider, at);
  }
  assert.equal(explain.mock.callCount(), 8);
  assert.deepEqual(
    called.slice(5, 7),
    ['gpt', 'east'].map(
      (name) => `${url}/openai/deployments/${name}/chat/completions?api-version=2024-10-21`,
    ),
  );
});

test('what is final reaches the caller as the SDK’s own error', async (t) => {
  const server = await serve(t, ['--fail-server', '1']);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), {
    manager,
    maxAttempts: 2,
  });
  await assert.rejects(client.chat.completions.create(ASK), OpenAI.InternalServerError);
  assert.equal(told(manager)['failed'], 2);
  const unknown = client.chat.completions.create({ ...ASK, model: 'other' });
  await assert.rejects(unknown, (error: unknown) => {
    assert.ok(error instanceof OpenAI.APIConnectionError);
    assert.equal((error.cause as LlmqError).code, 'LLMQ_ERR_UNKNOWN_MODEL');
    return true;
  });
});

test('a call that falls back names the model of its permit', async (t) => {
  const server = await serve(t);
  const manager = managerFor(t, {
    models: [
      {
        name: 'gpt',
        limits: [{ requests: 1, per: '1h' }],
        fallback: { models: ['second'], after_ms: 1 },
      },
      { name: 'second' },
    ],
  });
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), { manager });
  const models: string[] = [];
  for (let call = 0; call < 2; ++call)
    models.push((await within(30_000, client.chat.completions.create(ASK), 'an answer')).model);
  assert.deepEqual(models, ['gpt', 'second']);
});

test('a signal ends the wait for a permit', async (t) => {
  const server = await serve(t);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const held = await manager.acquire({ model: 'gpt' });
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), { manager });
  const controller = new AbortController();
  const call = client.chat.completions.create(ASK, { signal: controller.signal });
  setImmediate(() => controller.abort());
  await assert.rejects(within(5000, call, 'the abort'), OpenAI.APIUserAbortError);
  held.release();
});

test('a shutdown ends the pause between tries', async (t) => {
  const server = await serve(t, ['--fail-server', '1']);
  const manager = new Manager(limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), { manager });
  t.mock.method(Math, 'random', () => 1e6); // pauses are days
  const failed = once(manager.hooks(['completed']), 'completed');
  const call = client.chat.completions.create(ASK);
  const ended = assert.rejects(call, (error: unknown) => {
    assert.equal(((error as Error).cause as LlmqError).code, 'LLMQ_ERR_CLOSED');
    return true;
  });
  await within(30_000, failed, 'the first failure');
  await within(30_000, manager.shutdown(), 'the shutdown');
  await within(30_000, ended, 'the end of the call');
});

test('a signal ends the pause between tries', async (t) => {
  const server = await serve(t, ['--fail-server', '1']);
  const manager = managerFor(t, limited([{ concurrency: 1 }]));
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }), { manager });
  t.mock.method(Math, 'random', () => 1e6);
  const failed = once(manager.hooks(['completed']), 'completed');
  const controller = new AbortController();
  const call = client.chat.completions.create(ASK, { signal: controller.signal });
  const ended = assert.rejects(call, OpenAI.APIUserAbortError);
  await within(30_000, failed, 'the first failure');
  controller.abort();
  await within(30_000, ended, 'the abort');
});

test('without a manager the shared one finds the limits', async (t) => {
  const server = await serve(t, ['--limit', 'requests=500/1m']);
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url }));
  const answer = await within(30_000, client.chat.completions.create(ASK), 'an answer');
  assert.ok(answer.choices.length > 0);
  const embedding = await client.embeddings.create({ model: 'emb', input: 'x' });
  assert.ok(embedding.data.length > 0);
  const shared = Manager.shared();
  t.after(() => shared.shutdown());
  assert.deepEqual(shared.models(), ['gpt', 'emb']);
  assert.match(JSON.stringify(shared.info('gpt')), /"requests[^}]*500/);
  // What the provider counts is as docs/configuration.md has it.
  const baseURL = server.url.replace('/v1', '');
  const ask = { model: 'claude', messages: MESSAGES, max_tokens: 20 };
  await within(30_000, wrap(new Anthropic({ apiKey: 'k', baseURL })).messages.create(ask), 'one');
  for (const [model, charge] of [
    ['gpt', 'arrival'],
    ['claude', 'realtime'],
  ] as const) {
    shared.set(`model.${model}.tpm`, 1000);
    assert.match(JSON.stringify(shared.info(model)), new RegExp(`"charge":"${charge}"`));
  }
});

test('the SDK of Anthropic too', async (t) => {
  const server = await serve(t);
  const manager = managerFor(t, { models: [{ name: 'claude', concurrency: 1 }] });
  const baseURL = server.url.replace('/v1', '');
  const client = wrap(new Anthropic({ apiKey: 'k', baseURL }), { manager });
  const ask = { model: 'claude', messages: MESSAGES, max_tokens: 20 };
  const answer = await within(30_000, client.messages.create(ask), 'an answer');
  assert.equal(told(manager)['output_tokens'], answer.usage.output_tokens);
  const kinds = new Set<string>();
  for await (const event of await client.messages.create({ ...ask, stream: true }))
    kinds.add(event.type);
  assert.ok(kinds.has('message_stop'));
  const stats = told(manager);
  assert.equal(stats['completed'], 2);
  assert.ok((stats['output_tokens'] as number) > answer.usage.output_tokens);
});
