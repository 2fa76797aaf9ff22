// A worker thread with a manager of its own, or with the shared one; left as its data says.
import { parentPort, workerData } from 'node:worker_threads';

import { Manager } from 'llmq';

const { how } = workerData as { how: 'own' | 'shared' | 'hang' };
const config = { models: [{ name: 'm', provider: 'mock', mock: { latency_ms: 0 } }] };
const payload = { messages: [{ role: 'user', content: 'x' }] };

async function main(): Promise<void> {
  const manager = how === 'shared' ? Manager.shared() : new Manager(config);
  const responses = await manager.submitMany(Array(300).fill({ model: 'm', payload }));
  if (how === 'hang') {
    manager.registerModels([{ name: 'hang', provider: 'mock', mock: { fail_hang: 1 } }]);
    void manager.submit({ model: 'hang', payload });
  }
  parentPort?.postMessage(responses.filter((response) => response.ok).length);
  if (how === 'own') await manager.shutdown();
}

void main();
