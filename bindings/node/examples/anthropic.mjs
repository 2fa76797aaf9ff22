// The SDK of Anthropic, in the same way. LLMQ_MOCK_URL is the address of `llmq mock`.
import Anthropic from '@anthropic-ai/sdk';
import { Manager, wrap } from 'llmq';

const manager = new Manager({
  models: [
    { name: 'claude-sonnet-4', limits: [{ output_tokens: 8000, per: '1m' }, { concurrency: 4 }] },
  ],
});
const mock = process.env.LLMQ_MOCK_URL?.replace('/v1', '');
const client = wrap(new Anthropic(mock ? { apiKey: 'none', baseURL: mock } : {}), { manager });

const stream = client.messages.stream({
  model: 'claude-sonnet-4',
  messages: [{ role: 'user', content: 'Name a river.' }],
  max_tokens: 40,
});
stream.on('text', (text) => process.stdout.write(text));
await stream.finalMessage();
console.log();
await manager.shutdown();
