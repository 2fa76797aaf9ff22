import { type Config, configText, type ModelConfig } from './config';
import { ShutdownMode } from './constants';
import { Core, type Logger, type LogLevelName, Sink, STREAM } from './core';
import { LlmqError } from './errors';
import { hookMask, type HookName, Hooks } from './hooks';
import type { KeyFunction } from './keys';
import { Model } from './model';
import { Permit, PermitWaiter } from './permit';
import {
  Kind,
  type PermitRequest,
  permitRequest,
  type Request,
  type RequestOptions,
} from './request';
import { usageNumbers } from './reported';
import { type Response, stateName, type StateName, type Usage } from './response';
import type { WorkerFunction, WorkerOptions } from './worker';
import { AbortableWaiter, Group, Nobody, Submission, SubmissionSink, Waiter } from './submission';

/** How a manager is made. */
export interface ManagerOptions {
  /** Where log lines go, as `console`. Without it llmq is silent. */
  logger?: Logger;
  /** Least level of them; `info` if not given. */
  logLevel?: LogLevelName;
  /**
   * Gives the provider's key of every model that names no other source of it, also of those that
   * are registered later. It is asked before each attempt, so that a key which has changed is used
   * at once, and once more when a key was refused. Without a key, or when the function throws or
   * rejects, the attempt fails with `LLMQ_ERR_AUTH` and the error's words. Only that attempt waits.
   */
  keys?: KeyFunction;
}

/** What becomes of requests that are still there. */
export interface ShutdownOptions {
  /**
   * `drain` (the default) runs everything to its end, `cancel` cancels what waits and lets running
   * attempts end, `abort` cancels everything at once.
   */
  mode?: 'drain' | 'cancel' | 'abort';
  /** Milliseconds from now: what still runs then is aborted. */
  deadline?: number;
}

const MODES: Record<'drain' | 'cancel' | 'abort', number> = {
  drain: ShutdownMode.DRAIN,
  cancel: ShutdownMode.CANCEL,
  abort: ShutdownMode.ABORT,
};

function shutdownMode(mode: 'drain' | 'cancel' | 'abort' | undefined): number {
  const value = MODES[mode ?? 'drain'] as number | undefined;
  if (value !== undefined) return value;
  throw new TypeError(`mode is drain, cancel or abort, not ${String(mode)}`);
}

type Executor<T> = (
  resolve: (value: T | PromiseLike<T>) => void,
  reject: (reason: unknown) => void,
) => void;

// What settles the promise that was made last: a closure less for each than one of its own.
const settlers: { resolve: (value: unknown) => void; reject: (reason: unknown) => void } = {
  resolve: () => undefined,
  reject: () => undefined,
};
const keepSettlers: Executor<unknown> = (resolve, reject) => {
  settlers.resolve = resolve;
  settlers.reject = reject;
};

class Closing extends Sink {
  constructor(private readonly resolve: () => void) {
    super();
  }
  override done(): void {
    this.resolve();
  }
  override refused(): void {
    this.resolve();
  }
}

/**
 * Owns the models, their queues and limits, and one thread of the library. Requests are handed over
 * with `submit` and its like, and each ends exactly once.
 *
 * A manager belongs to the thread that made it: another worker thread makes its own, or shares the
 * queues and limits of the process with `Manager.shared`. A process ends when nothing is pending,
 * whether its managers were shut down or not.
 */
export class Manager implements AsyncDisposable {
  /** @internal */
  readonly core: Core;
  private closed: Promise<void> | undefined;

  /**
   * A manager with the models of the configuration, an object or its JSON text.
   * Throws an LlmqError that names the key which is wrong.
   */
  constructor(config: Config | string = {}, options: ManagerOptions = {}) {
    this.core = coreOf(configText(config), false, options);
  }

  /**
   * The process's one manager, from any thread: made on first use. The first configuration wins;
   * without one it takes what is there, and one that differs is an LlmqError. Keys are asked of the
   * `keys` that were given last; the first configuration needs some.
   */
  static shared(config?: Config | string, options: ManagerOptions = {}): Manager {
    const made = Object.create(Manager.prototype) as { core: Core } & Manager;
    const json = config === undefined ? null : configText(config);
    made.core = coreOf(json, true, options);
    return made;
  }

  /**
   * Hands over a request. Resolves when it has completed; rejects with an LlmqError if it failed or
   * was not accepted, or with the signal's reason if that cancelled it.
   */
  submit<T = unknown, P = unknown>(request: Request<P>): Promise<Response<T>> {
    const promise = new Promise<Response<T>>(keepSettlers as Executor<Response<T>>);
    const { resolve, reject } = settlers;
    const { signal } = request;
    try {
      if (signal === undefined) {
        this.core.add(request, new Waiter<T>(promise, resolve, reject));
      } else {
        signal.throwIfAborted();
        const sink = new AbortableWaiter<T>(promise, resolve, reject, signal);
        this.core.add(request, sink);
        if (!sink.ended) sink.follow(this.core);
      }
    } catch (error) {
      reject(error);
    }
    return promise;
  }

  /**
   * Hands over many requests at once. Resolves when all have ended, with their responses in order:
   * look at `ok` of each. One that is not accepted says why; the others go on. Cheaper than as many calls of `submit`; signals are not looked at.
   */
  submitMany<T = unknown, P = unknown>(requests: Iterable<Request<P>>): Promise<Response<T>[]> {
    return new Promise((resolve) => {
      const group = new Group<T>(resolve);
      this.core.addAll(requests, false, (index) => group.member(index));
      group.seal();
    });
  }

  /** Hands over a request that nobody waits for: what becomes of it shows in `stats`. */
  post<P = unknown>(request: Request<P>): void {
    this.core.add(request, new Nobody());
  }

  /**
   * Hands over a request at once, and gives what is known of it: its id, its state, its response.
   * Throws an LlmqError if it is not accepted.
   */
  start<T = unknown, P = unknown>(request: Request<P>): Submission<T> {
    return this.begin<T, unknown, P>(request, 0);
  }

  /** As `start`, and the response is handed over while it comes: `for await (const chunk of ...)`. */
  stream<C = unknown, T = unknown, P = unknown>(request: Request<P>): Submission<T, C> {
    return this.begin<T, C, P>(request, STREAM);
  }

  /**
   * As `start`, of many at once. What is not accepted, and what follows it, has the id 0n and a
   * response that tells why.
   */
  startMany<T = unknown, P = unknown>(requests: Iterable<Request<P>>): Submission<T>[] {
    const sinks: SubmissionSink<T, unknown>[] = [];
    this.core.addAll(requests, true, (index) => (sinks[index] = new SubmissionSink<T, unknown>()));
    return sinks.map((sink) => new Submission(this.core, sink));
  }

  private begin<T, C, P>(request: Request<P>, flags: number): Submission<T, C> {
    request.signal?.throwIfAborted();
    const sink = new SubmissionSink<T, C>();
    this.core.add(request, sink, flags);
    this.core.flush();
    if (sink.response?.error !== undefined) throw sink.response.error;
    if (request.signal !== undefined) sink.follow(this.core, request.signal);
    return new Submission(this.core, sink);
  }

  /**
   * Waits until the limits of the model have room for a call that you make yourself. Rejects with an
   * LlmqError if there is none (deadline, shutdown, oversize), or with the signal's reason.
   */
  acquire(request: PermitRequest): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const sink = new PermitWaiter(resolve, reject);
      request.signal?.throwIfAborted();
      this.core.add(permitRequest(request), sink, 0, Kind.ACQUIRE);
      if (request.signal !== undefined && !sink.ended) sink.follow(this.core, request.signal);
    });
  }

  /** A permit if there is room now; else undefined. Passes nobody who waits. */
  tryAcquire(request: PermitRequest): Permit | undefined {
    const { core } = this;
    const given = core.withRequest(permitRequest(request), (buffer) =>
      core.native.tryAcquire(core.handle, buffer),
    );
    if (typeof given === 'number') return undefined;
    const [idLow, idHigh, deployment] = given;
    return new Permit(core, { idLow, idHigh, model: request.model, deployment });
  }

  /**
   * Runs the attempts of a model that has no provider, as many at a time as its limits and
   * `max_in_flight` allow. What `worker` throws fails the attempt: an {@link AttemptError} as it
   * says, anything else for good. Takes the place of an earlier worker of the model.
   */
  worker<In = unknown, Out = unknown>(
    model: string,
    worker: WorkerFunction<In, Out>,
    options: WorkerOptions = {},
  ): void {
    this.core.work(model, worker as WorkerFunction<unknown, unknown>, options.lease ?? -1);
  }

  /** The model with types for what goes in and what comes out, and with options for all requests. */
  model<In = unknown, Out = unknown, C = unknown>(
    name: string,
    defaults: RequestOptions = {},
  ): Model<In, Out, C> {
    return new Model<In, Out, C>(this, name, defaults);
  }

  /** Throws what would refuse the request, in words, without handing it over. */
  check<P = unknown>(request: Request<P>): void {
    const { core } = this;
    core.withRequest(request, (buffer) => core.native.check(core.handle, buffer));
  }

  /** What the request will probably use. */
  estimate<P = unknown>(request: Request<P>): Required<Usage> {
    const { core } = this;
    const found = core.withRequest(request, (buffer) => core.native.estimate(core.handle, buffer));
    return {
      inputTokens: found[0],
      outputTokens: found[1],
      cachedInputTokens: found[2],
      costMicros: found[3],
      reasoningTokens: found[4],
    };
  }

  /** Cancels a request by its id; false if it has ended before. */
  cancel(id: bigint): boolean {
    return this.core.native.cancel(this.core.handle, ...halves(id));
  }

  /** State of a request that is live or ended a short while ago; undefined if it is forgotten. */
  state(id: bigint): StateName | undefined {
    return stateName(this.core.native.state(this.core.handle, ...halves(id)));
  }

  /**
   * Takes out the response of a request that was handed over with `keep`; undefined while it is
   * pending. Throws an LlmqError (STALE) if it was taken before, or is not kept any more.
   */
  get<T = unknown>(id: bigint): Response<T> | undefined {
    return this.core.kept(...halves(id)) as Response<T> | undefined;
  }

  /** Reports the usage of a finished request that was handed over with `lateUsage`. */
  updateUsage(id: bigint, usage: Usage): void {
    this.core.native.updateUsage(this.core.handle, ...halves(id), usageNumbers(usage));
  }

  /** Registers models, all or none. Known ones are an error unless `skipExisting` leaves them. */
  registerModels(models: ModelConfig[] | Config, options: { skipExisting?: boolean } = {}): void {
    const config = Array.isArray(models) ? { models } : models;
    const skip = options.skipExisting ?? false;
    this.core.native.registerModels(this.core.handle, configText(config), skip);
  }

  /** Removes a model; its requests end as `mode` says (see {@link ShutdownOptions}). */
  removeModel(model: string, mode?: 'drain' | 'cancel' | 'abort'): void {
    this.core.native.removeModel(this.core.handle, model, shutdownMode(mode));
  }

  /** Adds a place where a model is called; `settings` are those of a deployment. */
  addDeployment(model: string, name: string, settings: Record<string, unknown>): void {
    const config = { models: [{ name: model, deployments: [{ ...settings, name }] }] };
    this.core.native.addDeployment(this.core.handle, model, name, configText(config));
  }

  /** Removes a deployment. With `cancel` or `abort` what runs there is tried elsewhere. */
  removeDeployment(model: string, name: string, mode?: 'drain' | 'cancel' | 'abort'): void {
    this.core.native.removeDeployment(this.core.handle, model, name, shutdownMode(mode));
  }

  /** Changes one setting while everything runs, as `model.gpt-4o.rpm`. */
  set(key: string, value: string | number | boolean): void {
    this.core.native.set(this.core.handle, key, String(value));
  }

  /**
   * What happens to requests, limits and circuit breakers, as events; of the types that are named,
   * of all if none are. A manager has one such object: the next one takes its place, and so it does
   * for the one manager of a process.
   */
  hooks(types?: readonly HookName[]): Hooks {
    const hooks = new Hooks(this.core);
    this.core.hook(hookMask(types), hooks);
    return hooks;
  }

  /** Names of the registered models. */
  models(): string[] {
    return JSON.parse(this.core.native.models(this.core.handle)) as string[];
  }

  /** Counters of the manager and of every model; after the shutdown the last ones. */
  stats(): Record<string, unknown> {
    return JSON.parse(this.core.stats()) as Record<string, unknown>;
  }

  /** Settings, queue and limits of a model, or of all. */
  info(model?: string): Record<string, unknown> {
    this.core.flush();
    const json = this.core.native.info(this.core.handle, model ?? null);
    return JSON.parse(json) as Record<string, unknown>;
  }

  /**
   * Tells what an answer to a call of your own showed of the model's limits: all its headers, of
   * which others than those of limits are skipped.
   */
  reportLimits(model: string, headers: Iterable<readonly [string, string]>): void {
    this.core.native.reportLimits(this.core.handle, model, [...headers].flat());
  }

  /**
   * Ends the manager: refuses new requests, and lets those that are there end as `mode` says.
   * Resolves when every one has ended. A second call may only sharpen the first.
   */
  shutdown(options: ShutdownOptions = {}): Promise<void> {
    const mode = shutdownMode(options.mode);
    const deadline = options.deadline ?? -1;
    const { core } = this;
    const ended = new Promise<void>((resolve, reject) => {
      try {
        if (!core.shutdown(mode, deadline, new Closing(resolve))) resolve();
      } catch (error) {
        if (error instanceof LlmqError && error.code === 'LLMQ_ERR_CLOSED') resolve();
        else reject(error as Error);
      }
    });
    const first = this.closed;
    if (first !== undefined) return ended.then(() => first);
    this.closed = ended.then(() => core.destroy());
    return this.closed;
  }

  /** Ends the manager when everything is done: `await using manager = new Manager(...)`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.shutdown();
  }
}

function coreOf(json: string | null, shared: boolean, options: ManagerOptions): Core {
  return new Core(json, shared, options.logger, options.logLevel ?? 'info', options.keys);
}

function halves(id: bigint): [number, number] {
  return [Number(id & 0xffffffffn), Number((id >> 32n) & 0xffffffffn)];
}
