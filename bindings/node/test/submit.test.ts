import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';

import { LlmqError, type Request, type Response, Status } from 'llmq';

import { CHAT, codeOf, managerFor, mock, told, within } from './support';

interface Answer {
  choices: { message: { content: string } }[];
}

test('a request is answered, with usage and the provider’s id', async (t) => {
  const manager = managerFor(t, mock('m'));
  const response = await manager.submit<Answer>({ model: 'm', payload: CHAT });
  assert.equal(response.ok, true);
  assert.equal(response.status, Status.OK);
  assert.equal(response.state, 'completed');
  assert.equal(response.attempts, 1);
  assert.equal(typeof response.json().choices[0]?.message.content, 'string');
  assert.equal(response.text, response.data.toString());
  assert.ok((response.usage?.outputTokens ?? 0) > 0);
  assert.equal(response.httpStatus, 200);
  assert.match(response.providerRequestId, /^req-mock-/);
  assert.ok(response.id > 0n);
  assert.equal(response.error, undefined);
  assert.deepEqual(response.history, []);
  assert.equal(manager.state(response.id), 'completed');
});

test('text, bytes and objects are payloads; key and metadata come back', async (t) => {
  const manager = managerFor(t, mock('m'));
  const text = JSON.stringify(CHAT);
  const metadata = Buffer.from([0, 255, 1, 128]);
  for (const payload of [CHAT, text, Buffer.from(text)]) {
    const response = await manager.submit({ model: 'm', payload, requestKey: 'kéy-1', metadata });
    assert.equal(response.requestKey, 'kéy-1');
    assert.deepEqual(response.metadata, metadata);
  }
});

test('a long payload and a long answer pass through', async (t) => {
  const manager = managerFor(t, mock('m'));
  const content = 'ä'.repeat(3_000_000);
  const payload = { messages: [{ role: 'user', content }], max_tokens: 5000 };
  const [response] = await manager.submitMany([{ model: 'm', payload }]);
  assert.equal(response?.ok, true);
  assert.ok((response?.usage?.inputTokens ?? 0) > 500_000);
  assert.doesNotThrow(() => response?.json());
});

test('many at once are answered in order; one that is refused refuses only itself', async (t) => {
  const manager = managerFor(t, mock('m'));
  const requests = Array.from({ length: 1000 }, (_, i) => ({
    model: i === 700 ? 'unknown' : 'm',
    payload: CHAT,
    metadata: String(i),
  }));
  const responses = await manager.submitMany(requests);
  assert.equal(responses.length, 1000);
  responses.forEach((response, i) => {
    if (i !== 700) assert.equal(response.metadata.toString(), String(i));
    assert.equal(response.error?.code, i === 700 ? 'LLMQ_ERR_UNKNOWN_MODEL' : undefined);
  });
  assert.match(responses[700]?.error?.message ?? '', /"unknown"/);
  assert.equal(told(manager)['submitted'], 999);
  assert.deepEqual(await manager.submitMany([]), []);
});

test('one of many that makes no sense says why, and the others go on', async (t) => {
  const manager = managerFor(t, mock('m'));
  const wrong = { priority: 'fast' as 'high', payload: CHAT };
  const others = { model: 'm', payload: CHAT };
  const responses = await manager.submitMany([others, { model: 'm', ...wrong }, others]);
  assert.deepEqual(
    responses.map((response) => response.error?.code),
    [undefined, 'LLMQ_ERR_INVALID_ARG', undefined],
  );
  assert.match(responses[1]?.error?.message ?? '', /priority is urgent, high, .*, not fast/);
  const started = manager.startMany([others, { model: 'm', ...wrong }, others]);
  assert.deepEqual(
    started.map(({ id }) => id > 0n),
    [true, false, false],
  );
  assert.match(
    (await started[2]?.response)?.error?.message ?? '',
    /not handed over: one before it was refused: priority is urgent/,
  );
  assert.equal(told(manager)['submitted'], 3);
});

test('what an iterable throws comes before anything is handed over', async (t) => {
  const manager = managerFor(t, mock('m'));
  function* failing(): Generator<Request> {
    for (let i = 0; i < 300; ++i) yield { model: 'm', payload: CHAT };
    throw new Error('no more');
  }
  await assert.rejects(manager.submitMany(failing()), /no more/);
  assert.equal(told(manager)['submitted'], 0);
});

test('what is begun in order ends with the first that is refused', async (t) => {
  const manager = managerFor(t, mock('m'));
  const requests = Array.from({ length: 600 }, (_, i) => ({
    model: i === 400 || i === 401 ? 'unknown' : 'm',
    payload: CHAT,
  }));
  const submissions = manager.startMany(requests);
  submissions.forEach(({ id }, i) => assert.equal(id > 0n, i < 400, String(i)));
  const after = await submissions[402]?.response;
  assert.match(after?.error?.message ?? '', /not handed over: one before it was refused: .*"unkn/);
  assert.equal(told(manager)['submitted'], 400);
});

test('requests of one turn go together, and are refused one by one', async (t) => {
  const manager = managerFor(t, mock('m'));
  const codes = Array.from({ length: 600 }, (_, i) =>
    codeOf(manager.submit({ model: i % 2 === 0 ? 'm' : 'unknown', payload: CHAT })),
  );
  (await Promise.all(codes)).forEach((code, i) =>
    assert.equal(code, i % 2 === 0 ? 'no error' : 'LLMQ_ERR_UNKNOWN_MODEL'),
  );
});

const threads = (): number => readdirSync('/proc/self/task').length;

test('10,000 promises wait at a time, without a thread for each', async (t) => {
  const manager = managerFor(t, { models: [{ name: 'w', max_in_flight: 10_000 }] });
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  let running = 0;
  let most = 0;
  manager.worker('w', async () => {
    if (++running === 10_000) {
      most = threads();
      open();
    }
    await gate;
    return '';
  });
  const before = threads();
  const waiting: Promise<Response>[] = [];
  for (let i = 0; i < 10_000; ++i) waiting.push(manager.submit({ model: 'w', payload: '' }));
  const responses = await within(60_000, Promise.all(waiting), '10,000 responses');
  assert.equal(new Set(responses.map((response) => response.id)).size, 10_000);
  assert.equal(told(manager)['completed'], 10_000);
  // Node itself may begin some: collectors of garbage, compilers, its pool of four.
  assert.ok(most - before <= 8, `${most - before} threads more`);
});

test('whoever waits, and however, is told of its own end', async (t) => {
  const manager = managerFor(t, mock('m'));
  const { signal } = new AbortController();
  const waiting: Promise<Response>[] = [];
  for (let i = 0; i < 400; ++i) {
    const request = { model: 'm', payload: CHAT, requestKey: String(i) };
    if (i % 4 === 0) waiting.push(manager.submit(request));
    else if (i % 4 === 1) waiting.push(manager.submit({ ...request, signal }));
    else if (i % 4 === 2) waiting.push(manager.start(request).response);
    else waiting.push(manager.submitMany([request]).then((all) => all[0] as Response));
    manager.post({ model: 'm', payload: CHAT });
  }
  const responses = await within(60_000, Promise.all(waiting), '400 responses');
  responses.forEach((response, i) => assert.equal(response.requestKey, String(i)));
  await manager.shutdown();
  assert.equal(manager.stats()['completed'], 800);
});

test('what is refused names the status and what was wrong', async (t) => {
  const manager = managerFor(t, { ...mock('m', { tpm: 1000 }), max_pending_bytes: 4000 });
  const unknown = await manager.submit({ model: 'x', payload: CHAT }).catch((e: unknown) => e);
  assert.ok(unknown instanceof LlmqError);
  assert.equal(unknown.code, 'LLMQ_ERR_UNKNOWN_MODEL');
  assert.equal(unknown.status, Status.UNKNOWN_MODEL);
  assert.equal(unknown.key, 'model');
  assert.match(unknown.message, /"x"/);
  assert.equal(unknown.response, undefined);
  assert.equal(
    await codeOf(manager.submit({ model: 'm', payload: CHAT, estInputTokens: 2000 })),
    'LLMQ_ERR_OVERSIZE',
  );
  assert.equal(
    await codeOf(manager.submit({ model: 'm', payload: { ...CHAT, x: 'y'.repeat(5000) } })),
    'LLMQ_ERR_QUEUE_FULL',
  );
  assert.equal(
    await codeOf(manager.submit({ model: 'm', payload: 'no JSON' })),
    'LLMQ_ERR_INVALID_VALUE',
  );
});

test('members that make no sense are told at once', (t) => {
  const manager = managerFor(t, mock('m'));
  const wrong: [object, RegExp][] = [
    [{ priority: 'fast' }, /priority is urgent, high, normal, batch, not fast/],
    [{ operation: 'talk' }, /operation is chat/],
    [{ timeout: 0 }, /timeout must be milliseconds above 0/],
    [{ deadline: NaN }, /deadline must be/],
    [{ deadline: new Date('x') }, /deadline must be/],
    [{ maxAttempts: 61 }, /maxAttempts must be a whole number from 1 to 60, not 61/],
    [{ estInputTokens: -1 }, /estInputTokens must be/],
    [{ estOutputTokens: 1.5 }, /estOutputTokens must be/],
    [{ payload: 1n }, /BigInt/],
    [{ payload: () => 1 }, /payload must be text, bytes or a value of JSON, not a function/],
    [{ model: 7 }, /model must be a string/],
  ];
  for (const [members, message] of wrong)
    assert.throws(() => manager.start({ model: 'm', payload: CHAT, ...members }), message);
  assert.equal(told(manager)['submitted'], 0);
});

test('a failure rejects with the response, its history and the provider’s words', async (t) => {
  const manager = managerFor(
    t,
    mock('m', { mock: { fail_server: 1 }, retry: { max_attempts: 3, base_ms: 1, cap_ms: 2 } }),
  );
  const error = await manager.submit({ model: 'm', payload: CHAT }).catch((e: unknown) => e);
  assert.ok(error instanceof LlmqError);
  assert.equal(error.code, 'LLMQ_ERR_SERVER');
  assert.equal(error.response?.state, 'failed');
  assert.equal(error.response?.attempts, 3);
  assert.equal(error.response?.httpStatus, 500);
  assert.deepEqual(
    error.response?.history.map((attempt) => attempt.status),
    ['LLMQ_ERR_SERVER', 'LLMQ_ERR_SERVER', 'LLMQ_ERR_SERVER'],
  );
  assert.throws(() => error.response?.orThrow(), error);
});

test('a deadline ends what waits and what runs', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { fail_hang: 1 }, concurrency: 1 }));
  const first = manager.submit({ model: 'm', payload: CHAT, deadline: 50 });
  const second = manager.submit({ model: 'm', payload: CHAT, deadline: new Date(Date.now() + 20) });
  const late = manager.submit({ model: 'm', payload: CHAT, deadline: 0 });
  const codes = Promise.all([first, second, late].map(codeOf));
  assert.deepEqual(await within(5000, codes, 'the deadlines'), Array(3).fill('LLMQ_ERR_DEADLINE'));
});

test('an attempt that takes too long is a time-out', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { fail_hang: 1 } }));
  const promise = manager.submit({ model: 'm', payload: CHAT, timeout: 20, maxAttempts: 1 });
  assert.equal(await within(5000, codeOf(promise), 'the time-out'), 'LLMQ_ERR_TIMEOUT');
});

test('equal requests share a call', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { latency_ms: 50 } }));
  const requests = Array.from({ length: 5 }, () => ({ model: 'm', payload: CHAT, dedupKey: 'k' }));
  const responses = await manager.submitMany(requests);
  assert.equal(responses.filter((response) => response.shared).length, 4);
  assert.equal(told(manager)['attempts'], 1);
});

test('late usage corrects what was charged', async (t) => {
  const manager = managerFor(t, { models: [...(mock('m', { tpm: 100_000 }).models ?? [])] });
  const { id } = await manager.submit({ model: 'm', payload: CHAT, lateUsage: true });
  assert.throws(
    () => manager.updateUsage(id, { inputTokens: -1, outputTokens: 1 }),
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_INVALID_ARG',
  );
  assert.throws(
    () => manager.updateUsage(123n, { inputTokens: 1, outputTokens: 1 }),
    (error: unknown) => error instanceof LlmqError,
  );
});
