// What a case of tests/scenarios expects, compared with what came.
import { isDeepStrictEqual } from 'node:util';

import type { Response, Usage } from 'llmq';
import { statusName } from 'llmq';

import type { Json, Scenario, Tracked } from './scenario';

/** What a runner says of a case that does not hold. */
export class Complaint extends Error {}

export function complain(words: string): never {
  throw new Complaint(words);
}

/** A member that is not understood must not pass. */
export function known(object: Json, names: string, what: string): void {
  for (const name of Object.keys(object))
    if (!names.split(' ').includes(name)) complain(`${what}: unknown member "${name}"`);
}

export function usageOf(usage: Json): Usage {
  known(
    usage,
    'input_tokens output_tokens cached_input_tokens cost_micros reasoning_tokens',
    'usage',
  );
  const of = (name: string): number => (usage[name] ?? 0) as number;
  return {
    inputTokens: of('input_tokens'),
    outputTokens: of('output_tokens'),
    cachedInputTokens: of('cached_input_tokens'),
    costMicros: of('cost_micros'),
    reasoningTokens: of('reasoning_tokens'),
  };
}

function same(what: string, got: unknown, expected: unknown): void {
  if (expected !== undefined && !isDeepStrictEqual(got, expected))
    complain(`${what} is ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
}

function contains(what: string, got: string, part: unknown): void {
  if (part !== undefined && !got.includes(part as string))
    complain(`${what} is ${JSON.stringify(got)}, expected to contain ${JSON.stringify(part)}`);
}

function expectUsage(ref: string, usage: Usage | undefined, expected: unknown): void {
  if (expected === undefined) return;
  if (expected === null) {
    if (usage !== undefined) complain(`${ref}: usage is known, expected none`);
    return;
  }
  if (usage === undefined) return complain(`${ref}: usage is not known`);
  const wanted = usageOf(expected as Json);
  const names: [keyof Usage, string][] = [
    ['inputTokens', 'input_tokens'],
    ['outputTokens', 'output_tokens'],
    ['cachedInputTokens', 'cached_input_tokens'],
    ['costMicros', 'cost_micros'],
    ['reasoningTokens', 'reasoning_tokens'],
  ];
  for (const [name, member] of names)
    if (member in (expected as Json)) same(`${ref}: ${member}`, usage[name], wanted[name]);
}

/** Compares one response. */
export function expectResponse(ref: string, is: Json, response: Response, chunks: string[]): void {
  known(
    is,
    'status state attempts data data_contains error_contains chunks chunks_at_least usage history ' +
      'http_status deployment fallback_model cached shared',
    ref,
  );
  same(`${ref}: status`, statusName(response.status), is['status']);
  same(`${ref}: state`, response.state, is['state']);
  same(`${ref}: attempts`, response.attempts, is['attempts']);
  same(`${ref}: data`, response.text, is['data']);
  contains(`${ref}: data`, response.text, is['data_contains']);
  contains(`${ref}: error`, response.error?.message ?? '', is['error_contains']);
  same(`${ref}: deployment`, response.deployment, is['deployment']);
  same(`${ref}: fallback_model`, response.fallbackModel, is['fallback_model']);
  same(`${ref}: http_status`, response.httpStatus, is['http_status']);
  same(`${ref}: cached`, response.cached, is['cached']);
  same(`${ref}: shared`, response.shared, is['shared']);
  same(`${ref}: chunks`, chunks, is['chunks']);
  if (chunks.length < ((is['chunks_at_least'] ?? 0) as number))
    complain(`${ref}: ${chunks.length} chunks, expected at least ${String(is['chunks_at_least'])}`);
  expectUsage(ref, response.usage, is['usage']);
  same(
    `${ref}: history`,
    response.history.map((attempt) => attempt.status),
    is['history'],
  );
}

// A permit that an AbortSignal took back rejects with the reason of the signal, without a response.
function expectGivenUp(scenario: Scenario, ref: string, is: Json): void {
  same(`${ref}: outcome`, is, {
    status: 'LLMQ_ERR_CANCELLED',
    state: 'cancelled',
    attempts: 0,
  });
  scenario.turn();
  const given = [...scenario.requests.values()].filter((request) => request.givenUp).length;
  same(`${ref}: cancelled requests`, scenario.manager.stats()['cancelled'], given);
}

function expectTotals(requests: Iterable<Tracked>, expected: unknown): void {
  const totals: { [status: string]: number } = {};
  for (const { response } of requests) {
    if (response === undefined) continue; // a permit
    const status = statusName(response.status);
    totals[status] = (totals[status] ?? 0) + 1;
  }
  same('totals', totals, expected);
}

function expectStats(scenario: Scenario, expected: Json): void {
  scenario.turn();
  const all = scenario.manager.stats();
  const models = all['models'] as { [name: string]: Json };
  for (const [model, counters] of Object.entries(expected)) {
    const stats = model === '' ? all : models[model];
    if (stats === undefined) return complain(`no stats of model "${model}"`);
    for (const [name, value] of Object.entries(counters as Json))
      same(`stats of "${model}": ${name}`, stats[name], value);
  }
}

/** Compares everything that has come. */
export function expectCase(scenario: Scenario, tookMs: number): void {
  const expect = scenario.root['expect'] as Json;
  known(expect, 'requests started permits done totals stats at_least_ms', 'expect');
  for (const [ref, is] of Object.entries((expect['requests'] ?? {}) as Json)) {
    const request = scenario.requests.get(ref);
    if (request === undefined) return complain(`"${ref}" was never accepted`);
    if (request.givenUp) expectGivenUp(scenario, ref, is as Json);
    else expectResponse(ref, is as Json, request.response as Response, request.chunks);
  }
  same('started', scenario.started, expect['started']);
  same('permits', scenario.permits, expect['permits']);
  same('done', scenario.done, expect['done']);
  expectTotals(scenario.requests.values(), expect['totals']);
  for (const { ref, response, metadata, submission } of scenario.requests.values()) {
    if (response === undefined || submission === undefined) continue; // a permit
    same(`${ref}: request_key`, response.requestKey, ref);
    same(`${ref}: metadata`, response.metadata.toString(), metadata);
    same(`${ref}: id`, response.id, submission.id);
  }
  expectStats(scenario, (expect['stats'] ?? {}) as Json);
  const least = (expect['at_least_ms'] ?? 0) as number;
  if (tookMs < least) complain(`took ${tookMs} ms, expected at least ${least}`);
}
