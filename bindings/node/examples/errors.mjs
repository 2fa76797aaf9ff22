// What can go wrong, and how it is told.
import { LlmqError, Manager } from 'llmq';

const payload = { messages: [{ role: 'user', content: 'Name a river.' }], max_tokens: 20 };
const manager = new Manager({
  models: [
    {
      name: 'broken',
      provider: 'mock',
      mock: { latency_ms: 1, fail_server: 1 },
      retry: { max_attempts: 2, base_ms: 1 },
    },
    { name: 'silent', provider: 'mock', mock: { fail_hang: 1 } },
  ],
});
const requests = [
  { model: 'unknown', payload },
  { model: 'broken', payload },
  { model: 'silent', payload, deadline: 50 },
  { model: 'silent', payload, signal: AbortSignal.timeout(50) },
];
for (const request of requests) {
  try {
    await manager.submit(request);
  } catch (error) {
    if (!(error instanceof LlmqError)) console.log(`${error.name}: ${error.message}`);
    else console.log(`${error.code}: ${error.message} (${error.response?.attempts ?? 0} attempts)`);
  }
}
try {
  manager.set('model.broken.rmp', 5);
} catch (error) {
  console.log(`${error.code}: ${error.key}`);
}
await manager.shutdown({ mode: 'abort' });
