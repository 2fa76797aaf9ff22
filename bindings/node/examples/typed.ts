// A model with types, run by a function of this program.
import { AttemptError, Manager } from 'llmq';

interface Question {
  text: string;
}
interface Answer {
  words: number;
}

const manager = new Manager({
  models: [{ name: 'count', concurrency: 4, retry: { base_ms: 10 } }],
});
manager.worker<Question, Answer>('count', (attempt) => {
  const { text } = attempt.json();
  if (text === '') throw new AttemptError('LLMQ_ERR_BAD_REQUEST', 'there are no words');
  attempt.usage = { inputTokens: text.length, outputTokens: 1 };
  return { words: text.split(' ').length };
});

async function main(): Promise<void> {
  const count = manager.model<Question, Answer>('count', { tenant: 'example' });
  const response = await count.submit({ text: 'how many words are these' });
  const { words }: Answer = response.json();
  console.log(`${words} words`);
  await manager.shutdown();
}

void main();
