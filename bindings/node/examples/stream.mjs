// An answer while it comes. A reader that is slow slows the provider down; `break` cancels.
import { Manager } from 'llmq';

const manager = new Manager({
  models: [{ name: 'gpt-4o-mini', provider: 'mock', mock: { tokens_per_s: 500 } }],
});
const stream = manager.stream({
  model: 'gpt-4o-mini',
  payload: { messages: [{ role: 'user', content: 'Tell a story.' }], max_tokens: 60 },
});
for await (const chunk of stream)
  process.stdout.write(chunk.json().choices[0]?.delta?.content ?? '');
const response = await stream.response;
console.log(
  `\n${response.usage.outputTokens} tokens, the first after ${response.firstOutputMs} ms`,
);
await manager.shutdown();
