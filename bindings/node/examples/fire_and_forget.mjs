// Requests that nobody waits for: the process stays until they have ended.
import { Manager } from 'llmq';

const manager = new Manager({
  models: [{ name: 'm', provider: 'mock', mock: { latency_ms: 20 }, concurrency: 3 }],
});
for (let i = 0; i < 10; ++i)
  manager.post({ model: 'm', payload: { messages: [{ role: 'user', content: `Note ${i}.` }] } });
await manager.shutdown(); // drains
console.log(`${manager.stats().completed} done`);
