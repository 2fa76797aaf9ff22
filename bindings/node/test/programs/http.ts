// One call over HTTP with the library's own client.
import { Manager } from 'llmq';

async function main(): Promise<void> {
  const base_url = process.argv[2] as string;
  const manager = new Manager({ models: [{ name: 'm', provider: 'openai', base_url }] });
  const payload = { model: 'm', messages: [{ role: 'user', content: 'x' }], max_tokens: 5 };
  const response = await manager.submit({ model: 'm', payload });
  console.log(response.httpStatus);
  await manager.shutdown();
}

void main();
