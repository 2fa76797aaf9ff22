import assert from 'node:assert/strict';
import { once } from 'node:events';
import * as path from 'node:path';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';

import { type Config, LlmqError, Manager } from 'llmq';

import { CHAT, type Child, line, managerFor, mock, run, told, within } from './support';

// How long a process may take to leave. The median of a few tries counts: one that was held up by
// what else the machine does is no fault, and one that was quick by chance no proof.
const LEAVE_MS = 1000;
const TRIES = 5;

async function leaving(
  t: TestContext,
  how: string,
  end: (child: Child) => unknown,
  expected: number | string,
): Promise<void> {
  const took: number[] = [];
  for (let i = 0; i < TRIES; ++i) {
    const child = run(t, 'hold.js', [how]);
    assert.equal(await line(child), 'ready');
    const begin = performance.now();
    end(child);
    assert.equal(await within(20_000, child.ended, 'the exit'), expected);
    took.push(performance.now() - begin);
  }
  const median = took.sort((a, b) => a - b)[TRIES >> 1] as number;
  t.diagnostic(`it took ${median.toFixed(0)} ms`);
  assert.ok(median <= LEAVE_MS, `it took ${took.map(Math.round).join(', ')} ms`);
}

for (const [how, code] of [
  ['idle', 0],
  ['exit', 7],
] as const)
  test(`a process that never shuts down leaves within a second: ${how}`, (t) =>
    leaving(t, how, () => undefined, code));

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  test(`${signal} ends a process with pending requests within a second`, (t) =>
    leaving(t, 'signal', (child) => child.process.kill(signal), signal));

test('a signal that a program turns into an abort ends it within a second', (t) =>
  leaving(t, 'abort', (child) => child.process.kill('SIGINT'), 0));

function thread(how: string): Worker {
  return new Worker(path.join(__dirname, 'programs', 'thread.js'), { workerData: { how } });
}

test('worker threads have managers of their own', async () => {
  const threads = [thread('own'), thread('own'), thread('own')].map(async (worker) => {
    const exit = once(worker, 'exit');
    const message = await within(20_000, once(worker, 'message'), 'a message');
    return [message, await within(20_000, exit, 'the exit')];
  });
  assert.deepEqual(await Promise.all(threads), Array(3).fill([[300], [0]]));
});

test('worker threads share the limits of the process', async (t) => {
  const shared = Manager.shared(mock('m'));
  t.after(() => shared.shutdown());
  assert.throws(
    () => Manager.shared(mock('another')),
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_INVALID_VALUE',
  );
  const worker = thread('shared');
  const exit = once(worker, 'exit');
  assert.deepEqual(await within(20_000, once(worker, 'message'), 'a message'), [300]);
  assert.deepEqual(await within(20_000, exit, 'the exit'), [0]);
  const response = await shared.submit({ model: 'm', payload: CHAT });
  assert.equal(response.ok, true);
  assert.equal(told(shared)['completed'], 301);
});

test('a worker thread that is terminated takes its manager along', async () => {
  const worker = thread('hang');
  assert.deepEqual(await within(20_000, once(worker, 'message'), 'a message'), [300]);
  await within(20_000, worker.terminate(), 'the end');
});

test('shutdown lets requests end as its mode says, and can be asked for twice', async () => {
  const manager = new Manager(mock('m', { mock: { latency_ms: 30 }, concurrency: 1 }));
  const submissions = manager.startMany(Array(3).fill({ model: 'm', payload: CHAT }));
  const ended = manager.shutdown();
  const again = manager.shutdown();
  await assert.rejects(
    manager.submit({ model: 'm', payload: CHAT }),
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_CLOSING',
  );
  await within(10_000, Promise.all([ended, again]), 'the shutdown');
  for (const submission of submissions) assert.equal((await submission.response).ok, true);
  assert.equal(manager.stats()['completed'], 3);
  await manager.shutdown();
  await assert.rejects(
    manager.submit({ model: 'm', payload: CHAT }),
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_CLOSED',
  );
  assert.throws(() => manager.info(), LlmqError);
});

test('await using shuts a manager down', async () => {
  let kept: Manager;
  {
    await using manager = new Manager(mock('m'));
    kept = manager;
    void manager.submit({ model: 'm', payload: CHAT });
  }
  assert.equal(kept.stats()['completed'], 1);
});

test('models, deployments and settings change while everything runs', async (t) => {
  const manager = managerFor(t, mock('a'));
  manager.registerModels(mock('b'));
  assert.deepEqual(manager.models(), ['a', 'b']);
  assert.throws(
    () => manager.registerModels(mock('b')),
    (error: unknown) => error instanceof LlmqError && error.code === 'LLMQ_ERR_MODEL_EXISTS',
  );
  manager.registerModels(mock('b'), { skipExisting: true });
  manager.set('model.b.rpm', 500);
  assert.match(JSON.stringify(manager.info('b')), /500/);
  assert.throws(
    () => manager.set('model.b.rmp', 1),
    (error: unknown) => error instanceof LlmqError && error.key === 'model.b.rmp',
  );
  manager.addDeployment('b', 'east', { weight: 2 });
  assert.match(JSON.stringify(manager.info('b')), /"east"/);
  manager.removeDeployment('b', 'east');
  manager.removeModel('a');
  assert.deepEqual(manager.models(), ['b']);
  assert.throws(
    () => manager.removeModel('a', 'later' as 'abort'),
    /mode is drain, cancel or abort/,
  );
  assert.ok(manager.estimate({ model: 'b', payload: CHAT }).outputTokens > 0);
  manager.check({ model: 'b', payload: CHAT });
  assert.throws(() => manager.check({ model: 'a', payload: CHAT }), /no model "a"/);
});

test('a configuration that is wrong names its key', () => {
  const wrong: [Config, RegExp][] = [
    [{ models: [{ name: 'm', rmp: 5 }] }, /rmp/],
    [{ max_pending: -1 }, /max_pending/],
  ];
  for (const [config, key] of wrong)
    assert.throws(
      () => new Manager(config),
      (error: unknown) => error instanceof LlmqError && key.test(error.key),
    );
  assert.throws(() => new Manager('{'), LlmqError);
});

test('log lines reach the logger by their level', async () => {
  const lines: string[] = [];
  const at = (level: string) => (text: string) => void lines.push(`${level} ${text}`);
  const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  const manager = new Manager(mock('m'), { logger, logLevel: 'info' });
  await manager.submit({ model: 'm', payload: CHAT });
  await manager.shutdown();
  assert.ok(
    lines.some((text) => text.startsWith('info model m: registered')),
    lines.join('\n'),
  );
  assert.ok(
    lines.some((text) => /^info .*closed/.test(text)),
    lines.join('\n'),
  );
  assert.throws(() => new Manager({}, { logger, logLevel: 'loud' as 'info' }), /logLevel is trace/);
});
