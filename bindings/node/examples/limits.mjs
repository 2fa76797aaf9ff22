// Calls at a time, and calls per period: two limits of different kinds, and several at once.
import { Manager } from 'llmq';

const answers = { provider: 'mock', mock: { latency_ms: 50 } };
const manager = new Manager({
  models: [
    { name: 'at-a-time', ...answers, concurrency: 2 },
    { name: 'per-period', ...answers, limits: [{ requests: 20, per: '1s' }] },
    {
      name: 'both',
      ...answers,
      limits: [{ requests: 30, per: '1s' }, { tokens: 100000, per: '1m' }, { concurrency: 5 }],
      pool: ['account'],
    },
  ],
  pools: [{ name: 'account', limits: [{ tokens: 2000000, per: '1d' }] }],
});
for (const model of manager.models()) {
  const begin = performance.now();
  const payload = { messages: [{ role: 'user', content: 'Name a river.' }], max_tokens: 10 };
  const responses = await manager.submitMany(Array(20).fill({ model, payload }));
  const done = responses.filter((response) => response.ok).length;
  console.log(`${model}: ${done} of 20 in ${Math.round(performance.now() - begin)} ms`);
}
await manager.shutdown();
