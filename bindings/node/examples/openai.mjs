// The SDK of OpenAI: one line, and its calls wait for the limits. LLMQ_MOCK_URL is the address of
// `llmq mock`; without it OpenAI itself is called.
import { Manager, wrap } from 'llmq';
import OpenAI from 'openai';

const manager = new Manager({ models: [{ name: 'gpt-4o-mini', rpm: 500, concurrency: 4 }] });
const mock = process.env.LLMQ_MOCK_URL;
const client = wrap(new OpenAI(mock ? { apiKey: 'none', baseURL: mock } : {}), { manager });

const questions = ['Name a river.', 'Name a lake.', 'Name a sea.'];
const answers = await Promise.all(
  questions.map((content) =>
    client.chat.completions.create({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content }],
      max_tokens: 20,
    }),
  ),
);
for (const answer of answers) console.log(answer.choices[0].message.content);
await manager.shutdown();
console.log(`${manager.stats().output_tokens} output tokens`);
