// Tenants, priorities, permits, live changes, log lines and counters.
import { Manager } from 'llmq';

const manager = new Manager(
  {
    tenants: [
      { name: 'live', weight: 4 },
      { name: 'nightly', weight: 1 },
    ],
    models: [
      { name: 'm', provider: 'mock', mock: { latency_ms: 5 }, concurrency: 1 },
      { name: 'own', concurrency: 1 },
    ],
  },
  { logger: console, logLevel: 'info' },
);
const payload = { messages: [{ role: 'user', content: 'Name a river.' }], max_tokens: 5 };
const order = [];
const ask = (tenant, priority) =>
  manager
    .submit({ model: 'm', payload, tenant, priority })
    .then(() => order.push(`${tenant}/${priority}`));
await Promise.all([
  ...Array.from({ length: 4 }, () => ask('nightly', 'batch')),
  ...Array.from({ length: 4 }, () => ask('live', 'normal')),
]);
console.log(order.join(' '));

// A call of your own takes a permit: the limits hold, nothing else is llmq's.
const permit = await manager.acquire({ model: 'own', estInputTokens: 5, estOutputTokens: 5 });
permit.release({ inputTokens: 5, outputTokens: 3 });

manager.set('model.m.concurrency', 4);
console.log(manager.stats().completed, 'completed');
await manager.shutdown();
