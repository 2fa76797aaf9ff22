// What Node adds to the cost of a request. CPU time of the thread that runs JavaScript, so that the
// library's own thread and other processes do not count. Run by bench.sh.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';

import { Manager } from 'llmq';

const BATCH = 256;
const MANY = 10_000;
const costProgram = process.argv[2]; // of cost.c
const body = '{"messages":[{"role":"user","content":"Name a river."}],"max_tokens":1}';
const manager = new Manager({
  models: [{ name: 'm', provider: 'mock', mock: { latency_ms: 0 }, max_in_flight: 100000 }],
});
const request = { model: 'm', payload: body };

const inC = (many) => Number(execFileSync(costProgram, [many]));
const cpuNs = () =>
  Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]);
const threads = () => Number(/Threads:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);

async function cost(count, round) {
  await round(); // compiled, and its memory there
  const begin = cpuNs();
  let done = 0;
  while (done < count) done += await round();
  return (cpuNs() - begin) / done;
}

const batch = Array(BATCH).fill(request);
async function batches() {
  let read = 0;
  for (const response of await manager.submitMany(batch)) read += response.text.length > 0 ? 1 : 0;
  if (read !== BATCH) throw new Error(`${read} of ${BATCH} answers`);
  return BATCH;
}
async function awaits() {
  const all = await Promise.all(
    Array.from({ length: MANY }, async () => (await manager.submit(request)).ok),
  );
  return all.length;
}
async function immediates() {
  const all = await Promise.all(
    Array.from(
      { length: MANY },
      async () => await new Promise((resolve) => setImmediate(resolve, true)),
    ),
  );
  return all.length;
}

// What Node has for an answer that another thread gives: a message there, and one back.
const echo = new Worker(
  "const { parentPort } = require('node:worker_threads');" +
    "parentPort.on('message', (n) => parentPort.postMessage(n));",
  { eval: true },
);
const waiting = [];
echo.on('message', (n) => waiting[n](true));
async function messages() {
  const all = await Promise.all(
    Array.from(
      { length: MANY },
      async (_, n) =>
        await new Promise((resolve) => {
          waiting[n] = resolve;
          echo.postMessage(n);
        }),
    ),
  );
  return all.length;
}

const print = (what, value, unit) => console.log(`${what.padEnd(62)} ${value.padStart(8)} ${unit}`);
const median = (numbers) => numbers.sort((a, b) => a - b)[numbers.length >> 1];
// Each by itself, in turns, so that what else the machine does meets all alike.
async function inTurns(...measured) {
  const times = measured.map(() => []);
  for (let i = 0; i < 7; ++i)
    for (const [at, measure] of measured.entries()) times[at].push(await measure());
  return times.map(median);
}

const [batchNs, batchCNs] = await inTurns(
  () => cost(100_000, batches),
  () => inC(BATCH),
);
print('a request in batches of 256', batchNs.toFixed(0), 'ns');
print('the same in C', batchCNs.toFixed(0), 'ns');
print('Node beyond C (at most 1000)', (batchNs - batchCNs).toFixed(0), 'ns');

const [awaitNs, immediateNs, messageNs, manyCNs] = await inTurns(
  () => cost(50_000, awaits),
  () => cost(50_000, immediates),
  () => cost(20_000, messages),
  () => inC(MANY),
);
const beyondNs = awaitNs - manyCNs;
print('an awaited request, 10,000 at a time', awaitNs.toFixed(0), 'ns');
print('the same in C, 10,000 at a time', manyCNs.toFixed(0), 'ns');
print('awaited beyond C', beyondNs.toFixed(0), 'ns');
print('a promise and setImmediate', immediateNs.toFixed(0), 'ns');
print('a promise and messages to another thread and back', messageNs.toFixed(0), 'ns');
print(
  'awaited beyond C, by promise + setImmediate (at most 1.5)',
  (beyondNs / immediateNs).toFixed(2),
  '',
);
print('the same by promise + messages', (beyondNs / messageNs).toFixed(2), '');
print('awaited with C, by promise + setImmediate', (awaitNs / immediateNs).toFixed(2), '');

const before = threads();
let most = 0;
const watch = setInterval(() => (most = Math.max(most, threads())), 1);
await awaits();
clearInterval(watch);
print('threads more while 10,000 wait', String(Math.max(0, most - before)), '');
await manager.shutdown();
await echo.terminate();
