// Many requests at once: one promise, all responses in order, those that failed among them.
import { Manager } from 'llmq';

const manager = new Manager({
  models: [
    {
      name: 'm',
      provider: 'mock',
      mock: { latency_ms: 1, fail_server: 0.2 },
      max_in_flight: 100,
      retry: { max_attempts: 1 },
    },
  ],
});
const requests = Array.from({ length: 500 }, (_, i) => ({
  model: 'm',
  payload: { messages: [{ role: 'user', content: `Question ${i}` }], max_tokens: 10 },
  requestKey: String(i),
  priority: i < 10 ? 'high' : 'batch',
}));
const responses = await manager.submitMany(requests);
const failed = responses.filter((response) => !response.ok);
console.log(`${responses.length - failed.length} completed, ${failed.length} failed`);
await manager.shutdown();
