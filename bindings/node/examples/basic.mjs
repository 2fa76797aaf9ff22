// One request, its answer and what it used. `provider: mock` needs no key: put openai there, and
// OPENAI_API_KEY into the environment.
import { Manager } from 'llmq';

const manager = new Manager({
  models: [{ name: 'gpt-4o-mini', provider: 'mock', rpm: 500, concurrency: 8 }],
});
const response = await manager.submit({
  model: 'gpt-4o-mini',
  payload: { messages: [{ role: 'user', content: 'Name a river.' }], max_tokens: 20 },
});
console.log(response.json().choices[0].message.content);
console.log(`${response.usage.outputTokens} tokens, waited ${response.queuedMs.toFixed(1)} ms`);
await manager.shutdown();
