import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';

import { type KeyFunction, LlmqError, Manager, type ModelConfig } from 'llmq';

import { CHAT, codeOf, line, managerFor, run, within } from './support';

const LONG_MS = 60_000;
const GOOD = JSON.stringify({
  choices: [{ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});

/** A provider that takes one key, or every one; `seen` are those that it was sent. */
async function provider(t: TestContext, good?: string): Promise<{ url: string; seen: string[] }> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const key = (request.headers.authorization ?? '').replace('Bearer ', '');
    seen.push(key);
    request.resume().on('end', () => {
      const fits = good === undefined || key === good;
      response.writeHead(fits ? 200 : 401, { 'content-type': 'application/json' });
      response.end(fits ? GOOD : '{"error": {"code": "invalid_api_key"}}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

function model(url: string, name = 'm', more: Partial<ModelConfig> = {}): ModelConfig {
  return { name, provider: 'openai', base_url: url, ...more };
}

const ASK = { model: 'm', payload: CHAT };

test('each attempt has the key of its deployment', async (t) => {
  const { url, seen } = await provider(t);
  let count = 0;
  const keys: KeyFunction = (name, deployment) => `${++count}/${name}/${deployment}`;
  const models = [model(url), model(url, 'places', { deployments: [{ name: 'east' }] })];
  const manager = managerFor(t, { models }, { keys });
  manager.registerModels([model(url, 'later')]);
  for (const name of ['m', 'm', 'places', 'later'])
    await within(LONG_MS, manager.submit({ ...ASK, model: name }), name);
  assert.deepEqual(seen, ['1/m/', '2/m/', '3/places/east', '4/later/']);
});

const NONE: [string, KeyFunction, RegExp][] = [
  ['undefined', () => undefined, /no key for model m/],
  ['null, later', () => Promise.resolve(null), /no key for model m/],
  ['an empty text', () => '', /no key for model m/],
  ['a number', (() => 7) as unknown as KeyFunction, /a key is a string, not number/],
  [
    'an error',
    () => {
      throw new Error('the vault is sealed');
    },
    /the vault is sealed/,
  ],
  ['a rejection', () => Promise.reject(new Error('no vault')), /no vault/],
  // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors
  ['a rejection that is no error', () => Promise.reject('a word'), /a word/],
];

for (const [what, keys, words] of NONE)
  test(`${what} in place of a key fails the request in words`, async (t) => {
    const { url, seen } = await provider(t);
    const manager = managerFor(t, { models: [model(url)] }, { keys });
    await assert.rejects(within(LONG_MS, manager.submit(ASK), 'the end'), (error: unknown) => {
      assert.ok(error instanceof LlmqError);
      assert.equal(error.code, 'LLMQ_ERR_AUTH');
      assert.match(error.message, words);
      return true;
    });
    assert.deepEqual(seen, []);
  });

test('a key that was replaced is tried after a refusal', async (t) => {
  const { url, seen } = await provider(t, 'new');
  const given = ['old'];
  const manager = managerFor(t, { models: [model(url)] }, { keys: () => given.pop() ?? 'new' });
  const response = await within(LONG_MS, manager.submit(ASK), 'the answer');
  assert.equal(response.attempts, 2);
  assert.deepEqual(seen, ['old', 'new']);
});

test('a key that is the same is not tried again', async (t) => {
  const { url, seen } = await provider(t, 'new');
  const manager = managerFor(t, { models: [model(url)] }, { keys: () => 'old' });
  assert.equal(await codeOf(manager.submit(ASK)), 'LLMQ_ERR_AUTH');
  assert.deepEqual(seen, ['old']);
});

test('keys are waited for beside each other, and may come from the manager', async (t) => {
  const { url, seen } = await provider(t);
  const names = ['a', 'b', 'c'];
  const models = [...names.map((name) => model(url, name)), { name: 'vault' }];
  const asked: string[] = [];
  let go: () => void;
  const all = new Promise<void>((resolve) => (go = resolve));
  const manager = managerFor(
    t,
    { models },
    {
      keys: async (name) => {
        if (asked.push(name) === names.length) go();
        await all;
        return (await manager.submit({ model: 'vault', payload: name })).text;
      },
    },
  );
  manager.worker('vault', (attempt) => `key-${attempt.text}`);
  const calls = names.map((name) => manager.submit({ ...ASK, model: name }));
  await within(LONG_MS, Promise.all(calls), 'three answers');
  assert.deepEqual(seen.sort(), ['key-a', 'key-b', 'key-c']);
});

test('a shutdown ends what waits for a key', async (t) => {
  const { url, seen } = await provider(t);
  let asked: () => void;
  let answer: (key: string) => void;
  const question = new Promise<void>((resolve) => (asked = resolve));
  const key = new Promise<string>((resolve) => (answer = resolve));
  const manager = new Manager(
    { models: [model(url)] },
    {
      keys: () => {
        asked();
        return key;
      },
    },
  );
  const code = codeOf(manager.submit(ASK));
  await within(LONG_MS, question, 'the question');
  await within(LONG_MS, manager.shutdown({ mode: 'abort' }), 'the shutdown');
  assert.equal(await code, 'LLMQ_ERR_CLOSING');
  answer!('late'); // comes to a closed manager
  await new Promise(setImmediate);
  assert.deepEqual(seen, []);
});

test('a drain waits for keys', async (t) => {
  const { url } = await provider(t);
  let answer: (key: string) => void;
  const key = new Promise<string>((resolve) => (answer = resolve));
  const manager = new Manager({ models: [model(url)] }, { keys: () => key });
  const response = manager.submit(ASK);
  const ended = manager.shutdown();
  answer!('k');
  assert.equal((await within(LONG_MS, response, 'the answer')).ok, true);
  await within(LONG_MS, ended, 'the shutdown');
});

test('the shared manager asks who was given last', async (t) => {
  const { url, seen } = await provider(t);
  const shared = Manager.shared({ models: [model(url)] }, { keys: () => 'first' });
  t.after(() => shared.shutdown());
  await within(LONG_MS, shared.submit(ASK), 'an answer');
  const again = Manager.shared(undefined, { keys: () => 'second' });
  await within(LONG_MS, shared.submit(ASK), 'an answer');
  await again.shutdown();
  assert.deepEqual(seen, ['first', 'second']);
});

test('a process may exit while a key is asked for', async (t) => {
  const { url } = await provider(t);
  const child = run(t, 'key.js', [url]);
  assert.equal(await line(child), 'asked');
  assert.equal(await within(LONG_MS, child.ended, 'the exit'), 7);
});
