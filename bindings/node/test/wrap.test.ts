import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import Anthropic from '@anthropic-ai/sdk';
import { type Config, type LimitConfig, type LlmqError, Manager, wrap } from 'llmq';
import OpenAI from 'openai';

import { managerFor, serve, told, within } from './support';

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
  assert.equal(seen['refused'] ?? seen['rate_limited'] ?? 0, 0, JSON.stringify(seen));
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
  const client = wrap(new OpenAI({ apiKey: 'k', baseURL: server.url, maxRetries: 0 }), { manager });
  const calls = Array.from({ length: 5 }, () => client.chat.completions.create(ASK));
  const answers = await within(60_000, Promise.all(calls), 'five answers');
  assert.equal(answers.length, 5);
  assert.ok((told(manager)['rate_limited'] as number) > 0, 'there were refusals');
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
