import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CHAT, collect, managerFor, mock } from './support';

const BATCH = 256;
const WARM = 200_000;
const ALL = 1_000_000;
const MORE_MIB = 16;

test('after 1,000,000 requests the process is as large as after the first 200,000', async (t) => {
  const manager = managerFor(t, mock('m', { max_in_flight: 1000 }));
  const batch = Array<object>(BATCH).fill({ model: 'm', payload: JSON.stringify(CHAT) }) as [];
  let done = 0;
  async function until(count: number): Promise<number> {
    while (done < count)
      for (const response of await manager.submitMany(batch)) done += response.ok ? 1 : 0;
    await collect(); // what no one holds any more is not asked about
    return process.memoryUsage.rss() / 2 ** 20;
  }
  const warm = await until(WARM);
  const last = await until(ALL);
  t.diagnostic(`${warm.toFixed(1)} MiB, then ${last.toFixed(1)}`);
  assert.ok(last - warm <= MORE_MIB, `${(last - warm).toFixed(1)} MiB more`);
});
