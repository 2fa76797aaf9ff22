// The steps of a case of tests/scenarios: see the README there. What was asked for and what came is
// kept for scenario_expect.ts.
import { once } from 'node:events';

import { AttemptError, type Attempt, LlmqError, Manager, type Permit, type Request } from 'llmq';
import type { Config, PermitRequest, Response, Submission, Usage } from 'llmq';

import { complain, expectCase, expectResponse, known, usageOf } from './scenario_expect';
import { within } from './support';

/** A JSON object of a case. */
export type Json = { [member: string]: unknown };

const WAIT_MS = 60_000;

/** What is known of one accepted request. */
export interface Tracked {
  ref: string;
  submission: Submission | undefined; // none of a permit
  permit: Permit | undefined;
  givenUp: boolean;
  abort: AbortController;
  metadata: string;
  payload: unknown;
  shares: boolean;
  script: Json[] | undefined;
  response: Response | undefined;
  chunks: string[];
  attempts: Set<number>;
  stopped: boolean;
  finish: ((outcome: Json) => void) | undefined;
}

function ended(request: Tracked): boolean {
  return request.response !== undefined || request.permit !== undefined || request.givenUp;
}

/** One run of one case. */
export class Scenario {
  readonly requests = new Map<string, Tracked>();
  readonly started: string[] = [];
  readonly done: string[] = [];
  readonly permits: string[] = [];
  readonly manager: Manager;
  private readonly scripts: { [model: string]: Json[] };
  private wakers: (() => void)[] = [];
  private closing: Promise<void> | undefined;

  constructor(readonly root: Json) {
    known(root, 'name why needs workers config processors steps expect complaint', 'case');
    this.manager = new Manager(root['config'] as Config);
    this.scripts = (root['processors'] ?? {}) as { [model: string]: Json[] };
    for (const model of this.manager.models()) this.work(model);
  }

  /** Does the steps, waits for all that was accepted, and compares. */
  async run(): Promise<void> {
    const begin = process.hrtime.bigint();
    for (const step of this.root['steps'] as Json[]) await this.step(step);
    await this.until(() => [...this.requests.values()].every(ended), 'the end');
    const tookMs = Number(process.hrtime.bigint() - begin) / 1e6;
    expectCase(this, tookMs);
    this.closing ??= this.manager.shutdown({ mode: 'abort' });
    await within(WAIT_MS, this.closing, 'the shutdown');
  }

  /** Lets one turn of the loop pass, if there still is one: the second answer is of a later one. */
  turn(): void {
    try {
      this.manager.info();
      this.manager.info();
    } catch (error) {
      if ((error as LlmqError).code !== 'LLMQ_ERR_CLOSED') throw error;
    }
  }

  /** Ends the manager of a case that has failed. */
  async abandon(): Promise<void> {
    await this.manager.shutdown({ mode: 'abort' });
  }

  // --- waiting ---

  private changed(): void {
    for (const wake of this.wakers.splice(0)) wake();
  }

  private async until(reached: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS;
    while (!reached()) {
      const change = new Promise<void>((resolve) => this.wakers.push(resolve));
      await within(Math.max(1, deadline - Date.now()), change, what);
    }
  }

  private tracked(step: Json): Tracked {
    const found = this.requests.get(step['ref'] as string);
    if (found === undefined) return complain(`"${String(step['ref'])}" was never accepted`);
    return found;
  }

  // --- processors ---

  private get lease(): number | undefined {
    return (this.root['workers'] as { lease_ms: number } | undefined)?.lease_ms;
  }

  private work(model: string): void {
    if (this.scripts[model] === undefined) return;
    const options = this.lease === undefined ? {} : { lease: this.lease };
    this.manager.worker(model, (attempt: Attempt) => this.process(model, attempt), options);
  }

  // Runs what is held, heard of until it ends.
  private async heard(attempt: Attempt, work: Promise<Json>): Promise<Json> {
    if (this.lease === undefined) return work;
    const beat = setInterval(() => attempt.heartbeat(), this.lease / 5);
    try {
      return await work;
    } finally {
      clearInterval(beat);
    }
  }

  private async process(model: string, attempt: Attempt): Promise<string> {
    const request = this.requests.get(attempt.requestKey) ?? this.firstOfCall(attempt);
    if (request === undefined) return complain(`an attempt of "${attempt.requestKey}" came`);
    attempt.signal.addEventListener('abort', () => {
      request.stopped = true;
      this.changed();
    });
    this.started.push(request.ref);
    request.attempts.add(attempt.number);
    this.changed();
    const script = request.script ?? (this.scripts[model] as Json[]);
    return this.outcome(
      script[Math.min(attempt.number, script.length) - 1] as Json,
      attempt,
      request,
    );
  }

  // A shared call has no key: it is that of the first request which still asks for it.
  private firstOfCall(attempt: Attempt): Tracked | undefined {
    for (const request of this.requests.values())
      if (request.shares && request.payload === attempt.text && request.response === undefined)
        return request;
    return undefined;
  }

  private async outcome(outcome: Json, attempt: Attempt, request: Tracked): Promise<string> {
    known(
      outcome,
      'succeed usage fail message retry_after_ms throw hold vanish echo chunks',
      'outcome',
    );
    for (const chunk of (outcome['chunks'] ?? []) as string[]) await attempt.chunk(chunk);
    if (outcome['hold'] === true) {
      const held = new Promise<Json>((resolve, reject) => {
        request.finish = resolve;
        const stop = (): void => reject(attempt.signal.reason as Error);
        if (attempt.signal.aborted) stop();
        attempt.signal.addEventListener('abort', stop);
      });
      return this.outcome(await this.heard(attempt, held), attempt, request);
    }
    if (outcome['vanish'] === true) {
      await once(attempt.signal, 'abort');
      return 'nobody hears this';
    }
    if (outcome['usage'] !== undefined) attempt.usage = usageOf(outcome['usage'] as Json);
    if (typeof outcome['succeed'] === 'string') return outcome['succeed'];
    if (typeof outcome['throw'] === 'string') throw new Error(outcome['throw']);
    if (typeof outcome['fail'] === 'string') {
      const retryAfter = (outcome['retry_after_ms'] ?? 0) as number;
      throw new AttemptError(outcome['fail'], (outcome['message'] ?? '') as string, { retryAfter });
    }
    const seen: { [what: string]: string } = {
      model: attempt.model,
      tenant: attempt.tenant,
      request_key: attempt.requestKey,
      metadata: attempt.metadata.toString(),
      payload: attempt.text,
      payload_bytes: String(attempt.data.length),
    };
    return (
      seen[outcome['echo'] as string] ?? complain(`unknown outcome ${JSON.stringify(outcome)}`)
    );
  }

  // --- submits ---

  private request(step: Json): Request {
    known(
      step,
      'do ref model payload payload_bytes operation priority tenant dedup_key metadata deadline_ms ' +
        'timeout_ms est_input_tokens est_output_tokens max_attempts stream restart keep late_usage ' +
        'attempts on_done error',
      'submit',
    );
    const ref = step['ref'] as string;
    const model = (step['model'] ?? 'm') as string;
    const operation = (step['operation'] ?? 'custom') as 'custom';
    const chat = { model, messages: [{ role: 'user', content: ref }] };
    let payload = step['payload'] ?? ((operation as string) === 'chat' ? chat : ref);
    if (step['payload_bytes'] !== undefined) payload = 'x'.repeat(step['payload_bytes'] as number);
    const members: [string, unknown][] = [
      ['priority', step['priority']],
      ['tenant', step['tenant']],
      ['dedupKey', step['dedup_key']],
      ['metadata', step['metadata']],
      ['deadline', step['deadline_ms']],
      ['timeout', step['timeout_ms'] === -1 ? Infinity : step['timeout_ms']],
      ['estInputTokens', step['est_input_tokens'] === -1 ? 0 : step['est_input_tokens']],
      ['estOutputTokens', step['est_output_tokens'] === -1 ? 0 : step['est_output_tokens']],
      ['maxAttempts', step['max_attempts']],
      ['restart', step['restart']],
      ['keep', step['keep']],
      ['lateUsage', step['late_usage']],
    ];
    const options = Object.fromEntries(members.filter(([, value]) => value !== undefined));
    return { model, payload, operation, requestKey: ref, ...options };
  }

  private entry(step: Json, submission: Submission | undefined): Tracked {
    const ref = step['ref'] as string;
    const request: Tracked = {
      ref,
      submission,
      permit: undefined,
      givenUp: false,
      abort: new AbortController(),
      metadata: (step['metadata'] ?? '') as string,
      payload: step['payload'] ?? ref,
      shares: step['dedup_key'] !== undefined,
      script: step['attempts'] as Json[] | undefined,
      response: undefined,
      chunks: [],
      attempts: new Set(),
      stopped: false,
      finish: undefined,
    };
    this.requests.set(ref, request);
    return request;
  }

  private end(request: Tracked, response: Response): void {
    if (request.response !== undefined) complain(`${request.ref} has ended twice`);
    request.response = response;
    this.done.push(request.ref);
    this.changed();
  }

  // Whoever aborts gets the signal's reason in this binding; what llmq did shows in the counters.
  private givenUp(entry: Tracked): void {
    entry.givenUp = true;
    this.done.push(entry.ref);
    this.changed();
  }

  private async acquire(step: Json): Promise<void> {
    const { lease, ...request } = { ...this.request(step), lease: step['timeout_ms'] };
    const entry = this.entry(step, undefined);
    const asked = { ...request, payload: undefined, signal: entry.abort.signal } as PermitRequest;
    let refused: unknown;
    this.manager.acquire(lease === undefined ? asked : { ...asked, lease: lease as number }).then(
      (permit) => {
        entry.permit = permit;
        this.permits.push(entry.ref);
        this.changed();
      },
      (error: unknown) => {
        const response = (error as LlmqError).response;
        if (error === entry.abort.signal.reason) this.givenUp(entry);
        else if (response === undefined) refused = error;
        else this.end(entry, response);
      },
    );
    await new Promise((resolve) => setImmediate(resolve)); // it is handed over by now
    if (refused === undefined) return;
    this.requests.delete(entry.ref);
    throw refused as Error;
  }

  private permitRelease(step: Json): void {
    known(step, 'do ref usage fail retry_after_ms error', 'release');
    const permit =
      this.tracked(step).permit ?? complain(`there is no permit of ${String(step['ref'])}`);
    const usage = step['usage'] === undefined ? undefined : usageOf(step['usage'] as Json);
    const retryAfter = (step['retry_after_ms'] ?? 0) as number;
    const ended =
      step['fail'] === undefined
        ? permit.release(usage)
        : permit.fail(step['fail'] as string, '', { retryAfter });
    if (!ended) throw new LlmqError(-16, 'false in this binding');
  }

  private track(step: Json, submission: Submission): void {
    const request = this.entry(step, submission);
    if (step['stream'] === true) void this.read(request);
    void submission.response.then((response) => this.end(request, response));
    // A waiter that throws is its own business.
    if (step['on_done'] === 'throw')
      submission.response
        .then(() => {
          throw new Error('on_done');
        })
        .catch(() => undefined);
  }

  private async read(request: Tracked): Promise<void> {
    try {
      for await (const chunk of request.submission ?? []) {
        request.chunks.push(chunk.text);
        this.changed();
      }
    } catch (error) {
      if (!(error instanceof LlmqError)) throw error;
    }
  }

  private submit(step: Json): void {
    const request = this.request(step);
    this.track(
      step,
      step['stream'] === true ? this.manager.stream(request) : this.manager.start(request),
    );
  }

  private submitBatch(step: Json): void {
    known(step, 'do requests accepted error', 'submit_batch');
    const steps = step['requests'] as Json[];
    const submissions = this.manager.startMany(steps.map((member) => this.request(member)));
    const accepted = submissions.filter((submission) => submission.id !== 0n).length;
    submissions
      .slice(0, accepted)
      .forEach((submission, i) => this.track(steps[i] as Json, submission));
    const wanted = (step['accepted'] ?? steps.length) as number;
    if (accepted !== wanted) complain(`submit_batch: ${accepted} accepted, expected ${wanted}`);
    const refused = submissions[accepted]?.state;
    if (refused !== undefined) this.refused = submissions[accepted]?.response;
  }

  private refused: Promise<Response> | undefined;

  // --- steps ---

  private async step(step: Json): Promise<void> {
    let status = 'LLMQ_OK';
    try {
      await this.perform(step);
      status = (await this.refused)?.error?.code ?? status;
      this.refused = undefined;
    } catch (error) {
      if (!(error instanceof LlmqError)) throw error;
      status = error.code;
    }
    const wanted = step['error'] ?? 'LLMQ_OK';
    if (status !== wanted)
      complain(
        `${String(step['do'])} ${String(step['ref'])}: ${status}, expected ${String(wanted)}`,
      );
  }

  private async perform(step: Json): Promise<void> {
    switch (step['do']) {
      case 'submit':
        return this.submit(step);
      case 'submit_many': {
        known(step, 'do ref count model operation', 'submit_many');
        const requests = Array.from({ length: step['count'] as number }, (_, i) => {
          const { do: _do, count: _count, ...rest } = step;
          return { ...rest, ref: `${String(step['ref'])}${i}` };
        });
        return this.submitBatch({ do: 'submit_batch', requests });
      }
      case 'submit_batch':
        return this.submitBatch(step);
      case 'acquire':
        return this.acquire(step);
      case 'release':
        return this.permitRelease(step);
      case 'wait':
        return this.wait(step);
      case 'cancel':
        if (!this.cancel(this.tracked(step)) && step['error'] !== 'LLMQ_ERR_STALE')
          complain(`cancel ${String(step['ref'])}: it has ended`);
        if (step['error'] === 'LLMQ_ERR_STALE')
          throw new LlmqError(-16, 'a boolean in this binding');
        return;
      case 'finish': {
        const request = this.tracked(step);
        await this.until(() => request.finish !== undefined, 'a held attempt');
        request.finish?.(step['with'] as Json);
        request.finish = undefined;
        return;
      }
      case 'set':
        return this.manager.set(step['key'] as string, step['value'] as string);
      case 'add_models': {
        const config = step['config'] as Config;
        this.manager.registerModels(config);
        for (const { name } of config.models ?? []) this.work(name);
        return;
      }
      case 'remove_model':
        return this.manager.removeModel(step['model'] as string, step['mode'] as 'drain');
      case 'usage_update':
        return this.manager.updateUsage(this.idOf(step), usageOf(step['usage'] as Json) as Usage);
      case 'response_get': {
        const response = this.manager.get(this.idOf(step));
        if (response === undefined) throw new LlmqError(-6, 'undefined in this binding');
        return expectResponse(step['ref'] as string, step['is'] as Json, response, []);
      }
      case 'shutdown':
        this.closing = this.manager.shutdown({
          mode: step['mode'] as 'drain',
          ...(step['deadline_ms'] === undefined ? {} : { deadline: step['deadline_ms'] as number }),
        });
        return;
      default:
        complain(`unknown step "${String(step['do'])}"`);
    }
  }

  private cancel(request: Tracked): boolean {
    if (request.submission !== undefined) return request.submission.cancel();
    request.abort.abort(new LlmqError(-8, 'cancelled'));
    return request.response === undefined;
  }

  private idOf(step: Json): bigint {
    return this.tracked(step).submission?.id ?? complain(`${String(step['ref'])} is a permit`);
  }

  private async wait(step: Json): Promise<void> {
    known(step, 'do for ref attempt count model is', 'wait');
    const what = `wait for ${String(step['for'])} of ${String(step['ref'])}`;
    const attempt = step['attempt'] as number | undefined;
    switch (step['for']) {
      case 'done': {
        const request = this.tracked(step);
        return this.until(() => request.response !== undefined || request.givenUp, what);
      }
      case 'started': {
        const { attempts } = this.tracked(step);
        return this.until(
          () => (attempt === undefined ? attempts.size > 0 : attempts.has(attempt)),
          what,
        );
      }
      case 'permit': {
        const request = this.tracked(step);
        return this.until(() => request.permit !== undefined, what);
      }
      case 'stopped': {
        const request = this.tracked(step);
        return this.until(() => request.stopped, what);
      }
      case 'chunks': {
        const { chunks } = this.tracked(step);
        return this.until(() => chunks.length >= ((step['count'] ?? 1) as number), what);
      }
      case 'stats': {
        // Nothing tells when a counter changes: the case says to ask again and again.
        const deadline = Date.now() + WAIT_MS;
        while (!this.statsAre(step['model'] as string | undefined, step['is'] as Json)) {
          if (Date.now() > deadline) complain(`${what}: not within ${WAIT_MS} ms`);
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        return;
      }
      default:
        complain(`unknown wait "${String(step['for'])}"`);
    }
  }

  private statsAre(model: string | undefined, wanted: Json): boolean {
    const all = this.manager.stats();
    const stats = model === undefined ? all : ((all['models'] as Json)[model] as Json);
    return Object.entries(wanted).every(([name, value]) => stats[name] === value);
  }
}
