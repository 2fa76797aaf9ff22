import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { type Attempt, AttemptError, LlmqError } from 'llmq';

import { codeOf, managerFor, within } from './support';

const WORKERS = { models: [{ name: 'w', retry: { base_ms: 1, cap_ms: 1 } }] };

test('a typed model is run by a function of this program', async (t) => {
  const manager = managerFor(t, WORKERS);
  manager.worker<{ n: number }, { square: number }>('w', (attempt) => {
    const { n } = attempt.json();
    attempt.usage = { inputTokens: 1, outputTokens: n };
    return { square: n * n };
  });
  const model = manager.model<{ n: number }, { square: number }>('w', { tenant: 'me' });
  const response = await model.submit({ n: 7 });
  assert.equal(response.json().square, 49);
  assert.equal(response.usage?.outputTokens, 7);
  const many = await model.submitMany([{ n: 1 }, { n: 2 }, { n: 3 }]);
  assert.deepEqual(
    many.map((each) => each.json().square),
    [1, 4, 9],
  );
});

test('bytes go in and come out as they are', async (t) => {
  const manager = managerFor(t, WORKERS);
  manager.worker('w', (attempt) => new Uint8Array(attempt.data.map((byte) => 255 - byte)));
  const payload = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 256));
  const response = await manager.submit({ model: 'w', payload });
  assert.deepEqual(response.data, Buffer.from(payload.map((byte) => 255 - byte)));
});

test('what a worker throws fails the request, once, and disturbs no other', async (t) => {
  const manager = managerFor(t, WORKERS);
  manager.worker('w', (attempt) => {
    if (attempt.text === 'error') throw new Error('boom 17');
    if (attempt.text === 'text') throw 'plain words';
    if (attempt.text === 'cyclic') {
      const cyclic: { self?: unknown } = {};
      cyclic.self = cyclic;
      return cyclic;
    }
    if (attempt.text === 'again' && attempt.number === 1)
      throw new AttemptError('LLMQ_ERR_SERVER', 'not now', { retryAfter: 1 });
    return 'fine';
  });
  const payloads = ['error', 'text', 'cyclic', 'again', 'fine'];
  const responses = await manager.submitMany(payloads.map((payload) => ({ model: 'w', payload })));
  const words = responses.map((response) => response.error?.message ?? response.text);
  assert.match(words[0] ?? '', /boom 17/);
  assert.match(words[1] ?? '', /plain words/);
  assert.match(words[2] ?? '', /circular/i);
  assert.deepEqual(words.slice(3), ['fine', 'fine']);
  assert.equal(responses[0]?.error?.code, 'LLMQ_ERR_PROCESSING');
  assert.equal(responses[0]?.attempts, 1);
  assert.deepEqual(
    responses[3]?.history.map((attempt) => [attempt.status, attempt.message]),
    [
      ['LLMQ_ERR_SERVER', 'not now'],
      ['LLMQ_OK', undefined],
    ],
  );
  assert.throws(() => new AttemptError('LLMQ_OK'), /must be the name of a failure/);
});

test('a worker is told to stop; what it returns then is dropped', async (t) => {
  const manager = managerFor(t, WORKERS);
  let attempt: Attempt | undefined;
  const begun = new Promise<void>((resolve) => {
    manager.worker('w', async (given) => {
      attempt = given;
      resolve();
      await once(given.signal, 'abort');
      return 'too late';
    });
  });
  const submission = manager.start({ model: 'w', payload: '' });
  await begun;
  assert.equal(attempt?.heartbeat(), true);
  submission.cancel();
  const response = await within(5000, submission.response, 'the cancel');
  assert.equal(response.state, 'cancelled');
  assert.equal(attempt?.signal.aborted, true);
  assert.equal(attempt?.heartbeat(), false);
  assert.equal(await codeOf(attempt?.chunk('x') as Promise<void>), 'LLMQ_ERR_STALE');
});

test('an attempt of which nothing is heard is lost when its lease is over', async (t) => {
  const manager = managerFor(t, WORKERS);
  const silent: Attempt[] = [];
  manager.worker(
    'w',
    async (attempt) => {
      if (attempt.number > 1) return 'the second one';
      silent.push(attempt);
      await once(attempt.signal, 'abort');
      return 'never';
    },
    { lease: 20 },
  );
  const response = await within(10_000, manager.submit({ model: 'w', payload: '' }), 'the retry');
  assert.equal(response.text, 'the second one');
  assert.equal(response.history[0]?.status, 'LLMQ_ERR_ABANDONED');
  assert.equal(silent.length, 1);
});

test('chunks are refused where the caller takes none', async (t) => {
  const manager = managerFor(t, WORKERS);
  manager.worker('w', async (attempt) => {
    assert.equal(attempt.streaming, false);
    await attempt.chunk('x');
  });
  const promise = manager.submit({ model: 'w', payload: '' });
  assert.equal(await codeOf(promise), 'LLMQ_ERR_PROCESSING');
});

test('workers need a model without a provider', (t) => {
  const manager = managerFor(t, { models: [{ name: 'm', provider: 'mock' }] });
  const code = (name: string) => (error: unknown) =>
    error instanceof LlmqError && error.code === name;
  assert.throws(() => manager.worker('m', () => 'x'), code('LLMQ_ERR_UNSUPPORTED'));
  assert.throws(() => manager.worker('x', () => 'x'), code('LLMQ_ERR_UNKNOWN_MODEL'));
});
