import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';

import { type Json, Scenario } from './scenario';
import { Complaint } from './scenario_expect';

const folder = process.env['LLMQ_SCENARIOS'] as string;

function cases(where: string): Json[] {
  return readdirSync(where)
    .filter((name) => name.endsWith('.json'))
    .map((name) => JSON.parse(readFileSync(path.join(where, name), 'utf8')) as Json);
}

async function run(root: Json): Promise<void> {
  const scenario = new Scenario(root);
  try {
    await scenario.run();
  } catch (error) {
    await scenario.abandon();
    throw error;
  }
}

const all = cases(folder);
const wrong = cases(path.join(folder, 'wrong'));
test('there are cases', () => {
  assert.ok(all.length >= 40, String(all.length));
  assert.ok(wrong.length >= 10, String(wrong.length));
});
for (const root of all) test(`scenario ${String(root['name'])}`, () => run(root));
// By the runner's own words: any other error would be a fault of the runner.
for (const root of wrong)
  test(`wrong scenario ${String(root['name'])}`, () => assert.rejects(run(root), Complaint));
