// A program that leaves without shutting anything down, in the way that its argument says.
import { Manager } from 'llmq';

const how = process.argv[2];
const manager = new Manager({
  models: [{ name: 'hang', provider: 'mock', mock: { fail_hang: 1 } }, { name: 'w' }],
});
manager.worker('w', () => 'done');

async function main(): Promise<void> {
  if (how === 'idle') {
    // Nothing is pending: the process ends by itself.
    await manager.submit({ model: 'w', payload: '' });
    manager.stream({ model: 'w', payload: '' });
    console.log('ready');
    return;
  }
  const hanging = { model: 'hang', payload: { messages: [] } };
  if (how === 'abort') {
    const controller = new AbortController();
    process.once('SIGINT', () => controller.abort());
    const aborted = manager.submit({ ...hanging, signal: controller.signal });
    await manager.submit({ model: 'w', payload: '' });
    console.log('ready');
    await aborted.catch(() => undefined);
    return; // nothing is pending any more
  }
  manager.submit(hanging).catch(() => undefined);
  manager.stream(hanging);
  await manager.submit({ model: 'w', payload: '' });
  console.log('ready');
  if (how === 'exit') process.exit(7);
  if (how === 'throw') throw new Error('on purpose');
  // signal: waits for it, kept alive by what hangs.
}

void main();
