import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { type Config, Manager, type ManagerOptions } from 'llmq';

/** A chat request of the form that providers take. */
export const CHAT = { messages: [{ role: 'user', content: 'Name a river.' }], max_tokens: 20 };

/** A model that the in-process mock answers at once. */
export function mock(name: string, settings: Record<string, unknown> = {}): Config {
  const { mock: answers, ...rest } = settings;
  const how = { latency_ms: 0, tokens_per_s: 0, ...(answers as object | undefined) };
  return { models: [{ name, provider: 'mock', mock: how, ...rest }] };
}

/** A manager that is gone when the test is over. */
export function managerFor(t: TestContext, config: Config, options?: ManagerOptions): Manager {
  const manager = new Manager(config, options);
  t.after(() => manager.shutdown({ mode: 'abort' }));
  return manager;
}

/** Counters once everything that was reported has been told: the second answer is of a later turn. */
export function told(manager: Manager): Record<string, unknown> {
  manager.info();
  manager.info();
  return manager.stats();
}

/** Rejects unless the promise settles in time: a bound for what should be quick, no measure. */
export function within<T>(ms: number, promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

/** Collects garbage, and lets what was told of it run. */
export async function collect(): Promise<void> {
  gc();
  await new Promise((resolve) => setImmediate(resolve));
}

/** The promise's value, while garbage is collected again and again. */
export async function collecting<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const end = (): void => void (settled = true);
  promise.then(end, end);
  while (!settled) await collect();
  return promise;
}

/** The code that the promise is rejected with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}

/** A child program of this folder. */
export interface Child {
  process: ChildProcess;
  /** Its lines, as they come. */
  lines: AsyncIterableIterator<string>;
  /** Resolves to its exit code, or the signal that ended it. */
  ended: Promise<number | string>;
}

/** Runs a program of this folder. Its standard error is that of the test. */
export function run(t: TestContext, file: string, args: string[] = [], env = {}): Child {
  const child = spawn(process.execPath, [path.join(__dirname, 'programs', file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill('SIGKILL'));
  const ended = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return { process: child, lines, ended };
}

/** The next line of a child. */
export async function line(child: Child): Promise<string> {
  const next = await within(20_000, child.lines.next(), 'a line of the child');
  assert.notEqual(next.done, true, 'the child has ended without that line');
  return next.value as string;
}

/** A mock provider over HTTP, of the installed program. */
export interface MockServer {
  /** With /v1. */
  url: string;
  /** What it has seen. */
  stats(): Promise<Record<string, unknown>>;
}

/** Serves until the test is over. */
export async function serve(t: TestContext, args: string[] = []): Promise<MockServer> {
  const program = process.env['LLMQ_PROGRAM'] as string;
  const server = spawn(program, ['mock', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => server.kill());
  const lines = createInterface(server.stdout);
  const [first] = (await once(lines, 'line')) as [string];
  const url = /http:\/\/[0-9.:]+\/v1/.exec(first)?.[0];
  assert.ok(url, `the mock tells its address: ${first}`);
  const stats = async (): Promise<Record<string, unknown>> =>
    (await (await fetch(url.replace('/v1', '/stats'))).json()) as Record<string, unknown>;
  return { url, stats };
}
