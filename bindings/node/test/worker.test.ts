import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { type Attempt, AttemptError, LlmqError, type Usage } from 'llmq';

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

const ONE_AT_A_TIME = { models: [{ name: 'w', concurrency: 1 }] };

test('a success that cannot be taken ends the attempt, and frees its place', async (t) => {
  const manager = managerFor(t, ONE_AT_A_TIME);
  const fine = { inputTokens: 1, outputTokens: 1 };
  const cases: [unknown, unknown, RegExp][] = [
    [{ inputTokens: -1, outputTokens: 1 }, '', /^usage: inputTokens is -1, and must be 0 or more$/],
    [{ inputTokens: 5 }, '', /^usage: outputTokens is undefined, and must be a whole number$/],
    [{ ...fine, outputTokens: 1.5 }, '', /^usage: outputTokens is 1\.5, and must be a whole/],
    [{ ...fine, costMicros: NaN }, '', /^usage: costMicros is NaN, and must be a whole number$/],
    [{ ...fine, cachedInputTokens: '7' }, '', /^usage: cachedInputTokens is 7, and must be a/],
    [
      { ...fine, reasoningTokens: 2 ** 53 },
      '',
      /^usage: reasoningTokens is 9\d+, and must be less/,
    ],
    [{ ...fine, inputTokens: Object.create(null) }, '', /^usage: inputTokens is object, and must/],
    [17, '', /^usage is 17, and must be an object$/],
    [null, '', /^usage is null, and must be an object$/],
    [fine, () => 1, /^the result must be text, bytes or a value of JSON, not a function$/],
    [fine, Symbol('s'), /^the result must be .* not a symbol$/],
    [fine, 1n, /BigInt/],
  ];
  for (const [usage, result, words] of cases) {
    manager.worker('w', (attempt) => {
      if (attempt.text === 'fine') return 'fine';
      attempt.usage = usage as Usage;
      return result as string;
    });
    const wrong = manager.submit({ model: 'w', payload: 'wrong' });
    await assert.rejects(within(20_000, wrong, String(words)), (error: unknown) => {
      assert.ok(error instanceof LlmqError);
      assert.equal(error.code, 'LLMQ_ERR_PROCESSING');
      assert.match(error.message, words);
      return true;
    });
    const next = manager.submit({ model: 'w', payload: 'fine' });
    assert.equal((await within(20_000, next, 'the next one')).text, 'fine');
  }
});

test('a retryAfter that is no time is left out, with a warning', async (t) => {
  const warnings: string[] = [];
  const quiet = (): void => undefined;
  const warn = (text: string): void => void warnings.push(text);
  const logger = { debug: quiet, info: quiet, warn, error: quiet };
  const manager = managerFor(t, ONE_AT_A_TIME, { logger, logLevel: 'warn' });
  for (const retryAfter of [-5, NaN, Infinity, 'soon']) {
    manager.worker('w', (attempt) => {
      if (attempt.text === 'fine') return 'fine';
      throw new AttemptError('LLMQ_ERR_BAD_REQUEST', 'no', { retryAfter: retryAfter as number });
    });
    const wrong = manager.submit({ model: 'w', payload: 'wrong' });
    const error = await within(20_000, wrong, String(retryAfter)).catch((e: unknown) => e);
    assert.ok(error instanceof LlmqError);
    assert.equal(error.code, 'LLMQ_ERR_BAD_REQUEST');
    assert.equal(error.message, 'no');
    assert.equal(error.response?.retryAfterMs, 0);
    const next = manager.submit({ model: 'w', payload: 'fine' });
    assert.equal((await within(20_000, next, 'the next one')).text, 'fine');
    const id = String(error.response?.id);
    assert.equal(
      warnings.at(-1),
      `model w: attempt 1 of request ${id}: retryAfter is ${retryAfter}, ` +
        `and must be milliseconds, 0 or more and finite: it is left out`,
    );
  }
  assert.equal(warnings.length, 4);
});

test('whatever is thrown ends the attempt', async (t) => {
  const manager = managerFor(t, ONE_AT_A_TIME);
  class Odd extends AttemptError {
    override readonly code = 'ODD';
  }
  const cases: [unknown, RegExp][] = [
    [undefined, /^undefined$/],
    [Symbol('s'), /^Symbol\(s\)$/],
    [Object.create(null), /^object$/],
    [Object.assign(new Error(), { message: 5 }), /^5$/],
    [new Odd('LLMQ_ERR_SERVER', 'odd'), /^odd$/],
  ];
  for (const [thrown, words] of cases) {
    manager.worker('w', () => {
      throw thrown;
    });
    const error = await within(20_000, manager.submit({ model: 'w' }), String(words)).catch(
      (e: unknown) => e,
    );
    assert.ok(error instanceof LlmqError);
    assert.equal(error.code, 'LLMQ_ERR_PROCESSING');
    assert.match(error.message, words);
  }
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
