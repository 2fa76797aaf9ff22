import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { type HookEvent, LlmqError, type Manager } from 'llmq';

import { CHAT, codeOf, collecting, managerFor, told, within } from './support';

const ONE = { models: [{ name: 'm', concurrency: 1 }] };
const USAGE = { inputTokens: 10, outputTokens: 20 };

test('a permit holds its place until it is released', async (t) => {
  const manager = managerFor(t, ONE);
  const first = await manager.acquire({ model: 'm', payload: CHAT });
  assert.equal(first.model, 'm');
  assert.equal(first.deployment, '');
  assert.equal(first.heartbeat(), true);
  assert.equal(manager.tryAcquire({ model: 'm' }), undefined);
  const second = manager.acquire({ model: 'm' });
  assert.equal(first.release(USAGE), true);
  assert.equal(first.release(USAGE), false);
  assert.equal(first.fail('LLMQ_ERR_SERVER'), false);
  const given = await within(5000, second, 'the second permit');
  assert.equal(given.release(), true);
  const third = manager.tryAcquire({ model: 'm', estInputTokens: 5 });
  assert.equal(third?.release(USAGE), true);
});

test('a permit ends with its block', async (t) => {
  const manager = managerFor(t, ONE);
  for (let i = 0; i < 3; ++i) {
    await using permit = await within(5000, manager.acquire({ model: 'm' }), 'a permit');
    assert.equal(permit.model, 'm');
  }
});

test('a wait for a permit is given up by its signal, its deadline, a shutdown', async (t) => {
  const manager = managerFor(t, ONE);
  const held = await manager.acquire({ model: 'm' });
  const controller = new AbortController();
  const reason = new Error('enough');
  const aborted = manager.acquire({ model: 'm', signal: controller.signal });
  const late = codeOf(manager.acquire({ model: 'm', deadline: 10 }));
  const shut = codeOf(manager.acquire({ model: 'm' }));
  setImmediate(() => controller.abort(reason));
  await assert.rejects(within(5000, aborted, 'the abort'), reason);
  assert.equal(await within(5000, late, 'the deadline'), 'LLMQ_ERR_DEADLINE');
  const closed = manager.shutdown({ mode: 'cancel' });
  assert.equal(await within(5000, shut, 'the shutdown'), 'LLMQ_ERR_CLOSING');
  assert.equal(held.release(USAGE), true);
  await within(5000, closed, 'the end');
  await assert.rejects(manager.acquire({ model: 'm' }), LlmqError);
});

test('an end that makes no sense is refused, and the permit still held', async (t) => {
  const manager = managerFor(t, ONE);
  const permit = await manager.acquire({ model: 'm' });
  const refused = (words: RegExp) => (error: unknown) =>
    error instanceof LlmqError &&
    error.code === 'LLMQ_ERR_INVALID_ARG' &&
    words.test(error.message);
  assert.throws(() => permit.fail('LLMQ_OK'), TypeError);
  for (const inputTokens of [-1, 0.5, NaN, '1'] as number[])
    assert.throws(
      () => permit.release({ inputTokens, outputTokens: 0 }),
      refused(new RegExp(`^usage: inputTokens is ${inputTokens}, and must be `)),
    );
  for (const retryAfter of [-1, NaN, Infinity, '1'] as number[])
    assert.throws(
      () => permit.fail('LLMQ_ERR_SERVER', '', { retryAfter }),
      refused(new RegExp(`^retryAfter is ${retryAfter}, and must be milliseconds`)),
    );
  assert.equal(manager.tryAcquire({ model: 'm' }), undefined, 'it is held');
  assert.equal(permit.heartbeat(), true);
  assert.equal(permit.release({ inputTokens: 0, outputTokens: 0 }), true);
  assert.equal(permit.release(), false);
  assert.equal(told(manager)['completed'], 1);
});

test('a permit that nobody has any more ends as abandoned', async (t) => {
  const manager = managerFor(t, ONE);
  const ended = once(manager.hooks(['completed']), 'completed');
  await acquireAndForget(manager);
  const next = manager.acquire({ model: 'm' });
  const permit = await within(30_000, collecting(next), 'the next permit');
  const [{ code }] = (await within(5000, ended, 'the end')) as [HookEvent];
  assert.equal(code, 'LLMQ_ERR_ABANDONED');
  assert.equal(permit.release(), true);
});

// One whose release was refused is still watched over.
async function acquireAndForget(manager: Manager): Promise<void> {
  const permit = await manager.acquire({ model: 'm', lease: Infinity });
  assert.throws(() => permit.release({ inputTokens: -1, outputTokens: 0 }), LlmqError);
}

test('the headers of an answer teach the deployment that was called', async (t) => {
  const deployments = ['east', 'west'].map((name) => ({ name, provider: 'mock', rpm: 1000 }));
  const manager = managerFor(t, { models: [{ name: 'm', deployments }] });
  const permit = await within(5000, manager.acquire({ model: 'm' }), 'the permit');
  assert.equal(permit.reportLimits([['x-ratelimit-limit-requests', '60']]), true);
  permit.release();
  assert.equal(permit.reportLimits([['x-ratelimit-limit-requests', '7']]), false);
  const info = manager.info('m') as {
    deployments: { name: string; limits: { kind: string; effective: number }[] }[];
  };
  const learnt = info.deployments.map(({ name, limits }) => [
    name,
    limits.find(({ kind }) => kind === 'requests')?.effective,
  ]);
  const amounts = deployments.map(({ name }) => [name, name === permit.deployment ? 60 : 1000]);
  assert.deepEqual(learnt, amounts);
});
