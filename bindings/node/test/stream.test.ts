import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Chunk, LlmqError, type Response } from 'llmq';

import { CHAT, codeOf, managerFor, mock, told, within } from './support';

interface Piece {
  choices: { delta: { content?: string } }[];
}

const LONG = { messages: [{ role: 'user', content: 'Tell.' }], max_tokens: 4000 };

test('a stream is read with for await, and its response is whole', async (t) => {
  const manager = managerFor(t, mock('m'));
  const stream = manager.stream<Piece>({ model: 'm', payload: CHAT });
  let text = '';
  for await (const chunk of stream) {
    assert.equal(chunk.attempt, 1);
    text += chunk.json().choices[0]?.delta.content ?? '';
  }
  const response = await stream.response;
  assert.equal(response.ok, true);
  assert.ok(text.length > 0);
  assert.ok(response.text.includes(text.slice(0, 20)));
  assert.ok(response.firstOutputMs >= 0);
});

test('a stream that nobody reads ends all the same, and is there to be read', async (t) => {
  const manager = managerFor(t, { ...mock('m'), stream_buffer_bytes: 1024 });
  const stream = manager.stream({ model: 'm', payload: LONG });
  const response = await within(30_000, stream.response, 'the response');
  assert.equal(response.ok, true);
  const chunks: Chunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  assert.ok(chunks.length > 1);
});

test('a slow reader makes the worker wait', async (t) => {
  const manager = managerFor(t, { models: [{ name: 'w' }], stream_buffer_bytes: 1024 });
  let handed = 0;
  manager.worker('w', async (attempt) => {
    for (let i = 0; i < 100; ++i) {
      await attempt.chunk('x'.repeat(512));
      ++handed;
    }
    return 'done';
  });
  const stream = manager.stream({ model: 'w', payload: '' });
  const iterator = stream[Symbol.asyncIterator]();
  assert.equal((await iterator.next()).value?.text.length, 512);
  assert.ok(handed <= 4, `${handed} chunks of 512 bytes, with room for 1024`);
  let read = 1;
  while (!(await iterator.next()).done) ++read;
  assert.equal(read, 100);
  assert.equal((await stream.response).text, 'done');
});

test('who breaks off cancels the request', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { tokens_per_s: 50 } }));
  const stream = manager.stream({ model: 'm', payload: LONG });
  for await (const chunk of stream) {
    assert.ok(chunk.data.length > 0);
    break;
  }
  const response = await within(5000, stream.response, 'the end');
  assert.equal(response.state, 'cancelled');
  assert.equal(stream.cancel(), false);
});

test('a stream that fails throws at its end', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { fail_cut: 1 } }));
  const stream = manager.stream({ model: 'm', payload: LONG });
  let chunks = 0;
  await assert.rejects(
    async () => {
      for await (const _chunk of stream) ++chunks;
    },
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_TRANSPORT',
  );
  assert.ok(chunks > 0);
});

test('a signal cancels what waits, what runs, and what streams, with its reason', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { fail_hang: 1 }, concurrency: 1 }));
  const controller = new AbortController();
  const { signal } = controller;
  const running = manager.submit({ model: 'm', payload: CHAT, signal });
  const waiting = manager.submit({ model: 'm', payload: CHAT, signal });
  const stream = manager.stream({ model: 'm', payload: CHAT, signal });
  const reading = stream[Symbol.asyncIterator]().next();
  const reason = new Error('enough');
  setImmediate(() => controller.abort(reason));
  const results = await within(
    5000,
    Promise.allSettled([running, waiting, reading]),
    'cancelled requests',
  );
  for (const result of results) assert.deepEqual(result, { status: 'rejected', reason });
  assert.equal((await stream.response).state, 'cancelled');
  await assert.rejects(manager.submit({ model: 'm', payload: CHAT, signal }), reason);
  assert.throws(() => manager.start({ model: 'm', payload: CHAT, signal }), reason);
  assert.equal(told(manager)['submitted'], 3);
});

test('a signal that aborts in the turn of the submit cancels it', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { fail_hang: 1 } }));
  const controller = new AbortController();
  const promise = manager.submit({ model: 'm', payload: CHAT, signal: controller.signal });
  controller.abort();
  await assert.rejects(within(5000, promise, 'the cancel'), { name: 'AbortError' });
});

test('a submission tells its id, its state and its wait', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { fail_hang: 1 }, concurrency: 1 }));
  const first = manager.start({ model: 'm', payload: CHAT });
  const second = manager.start({ model: 'm', payload: CHAT });
  const wait = second.waitEstimate();
  assert.equal(wait?.position, 1);
  assert.match(wait?.blockedBy ?? '', /concurrency/);
  assert.equal(first.state, 'processing');
  assert.equal(second.state, 'pending');
  assert.equal(manager.cancel(second.id), true);
  assert.equal(first.cancel(), true);
  const ends: Response[] = await Promise.all([first.response, second.response]);
  assert.deepEqual(
    ends.map((response) => response.state),
    ['cancelled', 'cancelled'],
  );
  assert.equal(first.state, 'cancelled');
  assert.equal(second.waitEstimate(), undefined);
  assert.equal(manager.cancel(second.id), false);
});

test('a response that was kept is read by its id, once', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { latency_ms: 20 } }));
  const submission = manager.start({ model: 'm', payload: CHAT, keep: true, requestKey: 'k' });
  assert.equal(manager.get(submission.id), undefined);
  const response = await submission.response;
  const kept = manager.get(submission.id);
  assert.equal(kept?.text, response.text);
  assert.equal(kept?.requestKey, 'k');
  assert.deepEqual(kept?.usage, response.usage);
  assert.throws(
    () => manager.get(submission.id),
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_STALE',
  );
  assert.equal(await codeOf(Promise.reject(kept?.error ?? new Error('none'))), 'Error: none');
});
