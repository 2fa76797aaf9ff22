import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { AttemptError, type HookEvent, type HookName, LlmqError, Manager } from 'llmq';

import { CHAT, managerFor, mock, within } from './support';

test('hooks are told the life of a request', async (t) => {
  const manager = managerFor(t, mock('m', { mock: { latency_ms: 1 } }));
  const hooks = manager.hooks();
  const events: HookEvent[] = [];
  const types: HookName[] = [
    'requestSubmitted',
    'admitted',
    'attemptStarted',
    'attemptFinished',
    'completed',
  ];
  for (const type of types) hooks.on(type, (event) => events.push(event));
  const completed = once(hooks, 'completed');
  const before = Date.now();
  const submission = manager.start({ model: 'm', payload: CHAT, tenant: 'ann' });
  const response = await submission.response;
  const [last] = (await within(20_000, completed, 'the end')) as [HookEvent];
  assert.deepEqual(
    events.map((event) => event.type),
    types,
  );
  for (const event of events) {
    assert.equal(event.requestId, submission.id);
    assert.equal(event.model, 'm');
    assert.equal(event.tenant, 'ann');
    assert.equal(event.lost, 0);
    assert.ok(Math.abs(event.timeMs - before) < 60_000, `${event.timeMs} against ${before}`);
  }
  assert.equal(last.code, 'LLMQ_OK');
  assert.equal(last.state, 'completed');
  assert.equal(last.attempt, 1);
  assert.deepEqual(last.usage, response.usage);
});

test('hooks are told of retries and of limits that change', async (t) => {
  const manager = managerFor(t, { models: [{ name: 'm', rpm: 100, retry: { base_ms: 1 } }] });
  manager.worker('m', (attempt) => {
    if (attempt.number > 1) return 'well';
    throw new AttemptError('LLMQ_ERR_SERVER', 'busy');
  });
  const hooks = manager.hooks(['limitChanged', 'retried', 'completed']);
  const changed = once(hooks, 'limitChanged');
  const tried = once(hooks, 'retried');
  const completed = once(hooks, 'completed');
  manager.set('model.m.rpm', 50);
  const [limit] = (await within(20_000, changed, 'the change')) as [HookEvent];
  assert.equal(limit.limit, 'requests/1m');
  assert.equal(limit.newValue, 50);
  assert.equal(limit.requestId, undefined);
  await manager.submit({ model: 'm', payload: '', operation: 'custom' });
  const [again] = (await within(20_000, tried, 'the retry')) as [HookEvent];
  assert.equal(again.code, 'LLMQ_ERR_SERVER');
  assert.equal(again.attempt, 1);
  assert.ok((again.delayMs ?? -1) >= 0);
  const [end] = (await within(20_000, completed, 'the end')) as [HookEvent];
  assert.equal(end.code, 'LLMQ_OK');
  assert.equal(end.attempt, 2);
});

test('the next hooks take the place of the first; both say when nothing more comes', async () => {
  const manager = new Manager(mock('m'));
  const first = manager.hooks(['completed']);
  const closed = once(first, 'close');
  first.on('completed', () => assert.fail('the first is told no more'));
  const second = manager.hooks(['completed']);
  await within(20_000, closed, 'the end of the first');
  first.close(); // of no effect on the second
  let told = 0;
  second.on('completed', () => ++told);
  const ended = once(second, 'close');
  await manager.submitMany(Array(1000).fill({ model: 'm', payload: CHAT }));
  await manager.shutdown();
  await within(20_000, ended, 'the end of the second');
  assert.equal(told, 1000);
  assert.throws(() => manager.hooks(), LlmqError);
  assert.throws(() => new Manager().hooks(['complete' as 'completed']), /hooks are/);
});

test('hooks that are closed are told nothing, and keep no process alive', async (t) => {
  const manager = managerFor(t, mock('m'));
  const hooks = manager.hooks(['completed']);
  const closed = once(hooks, 'close');
  hooks.close();
  await within(20_000, closed, 'the end');
  hooks.on('completed', () => assert.fail('told after the end'));
  await manager.submit({ model: 'm', payload: CHAT });
});

test('a listener that ends the manager ends the hooks', async () => {
  const manager = new Manager(mock('m'));
  const hooks = manager.hooks();
  let ended: Promise<void> | undefined;
  hooks.on('completed', () => (ended ??= manager.shutdown({ mode: 'abort' })));
  const closed = once(hooks, 'close');
  await manager.submitMany(Array(100).fill({ model: 'm', payload: CHAT }));
  await within(20_000, closed, 'the end');
  await ended;
});

test('what there is no room for is counted', async (t) => {
  const manager = managerFor(t, mock('m'));
  const hooks = manager.hooks(['completed']);
  let told = 0;
  let lost = 0;
  let tries = 0;
  hooks.on('completed', (event) => {
    ++told;
    lost += event.lost;
  });
  const threads = manager.startMany(Array(40_000).fill({ model: 'm', payload: CHAT }));
  // Node's loop stands still until all have ended, as the library sees it.
  const stands = new Int32Array(new SharedArrayBuffer(4));
  while ((manager.stats()['completed'] as number) < threads.length) {
    manager.info();
    Atomics.wait(stands, 0, 0, 5);
    assert.ok(++tries < 20_000);
  }
  while (told + lost <= threads.length) await manager.submit({ model: 'm', payload: CHAT });
  assert.ok(lost > 0);
});
