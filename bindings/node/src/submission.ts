import { Status } from './constants';
import { type Core, Sink } from './core';
import type { LlmqError } from './errors';
import { Response, stateName, type StateName } from './response';

/** A piece of a streamed response. */
export class Chunk<T = unknown> {
  /** The bytes: JSON of one event of the provider's stream, or what a worker gave. */
  readonly data: Buffer;
  /** Which attempt it is of, from 1. A larger number than before: the response begins anew. */
  readonly attempt: number;
  /** Output tokens until now, where the provider tells; else 0. */
  readonly outputTokens: number;

  /** @internal */
  constructor(data: Buffer, attempt: number, outputTokens: number) {
    this.data = data;
    this.attempt = attempt;
    this.outputTokens = outputTokens;
  }

  /** The bytes as a string. */
  get text(): string {
    return this.data.toString();
  }

  /** The bytes, parsed. Throws a SyntaxError if they are not JSON. */
  json(): T {
    return JSON.parse(this.text) as T;
  }
}

/** When a request that waits may start, as things stand. */
export interface WaitEstimate {
  /** Place in line, from 1; 0 = it runs. */
  position: number;
  /** Milliseconds from now: as likely earlier as later. */
  p50Ms: number;
  /** Milliseconds from now: nine times out of ten earlier. */
  p90Ms: number;
  /** The limit that decides, as `tokens/1m of pool account`; empty if none does. */
  blockedBy: string;
}

/** Cancels when the signal aborts, until the returned function is called. */
function watch(signal: AbortSignal, abort: () => void): () => void {
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

/** A request whose outcome settles a promise. @internal */
export class Waiter<T> extends Sink {
  // Undefined at first, so that V8 does not take what they hold for known, and `touch` reads it.
  private readonly promise: Promise<Response<T>> | undefined = undefined;
  private readonly resolve: ((response: Response<T>) => void) | undefined = undefined;
  private readonly reject: ((reason: unknown) => void) | undefined = undefined;

  constructor(
    promise: Promise<Response<T>>,
    resolve: (response: Response<T>) => void,
    reject: (reason: unknown) => void,
  ) {
    super();
    this.promise = promise;
    this.resolve = resolve;
    this.reject = reject;
  }

  override touch(): number {
    const { promise, resolve, reject } = this;
    return (
      this.slot +
      (typeof promise === 'object' ? 1 : 0) +
      (typeof resolve === 'function' ? 1 : 0) +
      (typeof reject === 'function' ? 1 : 0)
    );
  }

  override done(response: Response): void {
    if (response.status === Status.OK) this.resolve?.(response as Response<T>);
    else this.reject?.(response.error);
  }

  override refused(error: LlmqError): void {
    this.reject?.(error);
  }
}

/** One that a signal cancels; the promise is rejected with the signal's reason then. @internal */
export class AbortableWaiter<T> extends Waiter<T> {
  private unwatch: (() => void) | undefined;
  private readonly signal: AbortSignal;
  private readonly rejectWith: (reason: unknown) => void;

  constructor(
    promise: Promise<Response<T>>,
    resolve: (response: Response<T>) => void,
    reject: (reason: unknown) => void,
    signal: AbortSignal,
  ) {
    super(promise, resolve, reject);
    this.rejectWith = reject;
    this.signal = signal;
  }

  /** Cancels the request when the signal aborts. */
  follow(core: Core): void {
    this.unwatch = watch(this.signal, () => core.cancel(this));
  }

  override done(response: Response): void {
    this.unwatch?.();
    if (this.signal.aborted && response.state === 'cancelled') this.rejectWith(this.signal.reason);
    else super.done(response);
  }

  override refused(error: LlmqError): void {
    this.unwatch?.();
    super.refused(error);
  }
}

/** Requests of one submitMany: one promise for all. @internal */
export class Group<T> {
  private readonly responses: Response<T>[] = [];
  private left = 1; // until it is sealed

  constructor(private readonly resolve: (responses: Response<T>[]) => void) {}

  /** One more. */
  member(index: number): Sink {
    ++this.left;
    return new Member(this, index);
  }

  settle(index: number, response: Response<T>): void {
    this.responses[index] = response;
    this.seal();
  }

  /** No more members come. */
  seal(): void {
    if (--this.left === 0) this.resolve(this.responses);
  }
}

class Member<T> extends Sink {
  constructor(
    private readonly group: Group<T>,
    private readonly index: number,
  ) {
    super();
  }

  override done(response: Response): void {
    this.group.settle(this.index, response as Response<T>);
  }

  override refused(error: LlmqError): void {
    this.group.settle(this.index, Response.refused(error));
  }
}

/** A request that nobody waits for. @internal */
export class Nobody extends Sink {
  override done(): void {}
  override refused(): void {}
}

interface HeldChunk<T> {
  readonly held: number;
  readonly value: Chunk<T>;
}

/**
 * A request that has been handed over. Its chunks, if it is a stream, are read with `for await`;
 * its outcome is `response`.
 */
export class Submission<T = unknown, C = unknown> implements AsyncIterable<Chunk<C>> {
  private readonly core: Core;
  private readonly sink: SubmissionSink<T, C>;

  /** @internal */
  constructor(core: Core, sink: SubmissionSink<T, C>) {
    this.core = core;
    this.sink = sink;
  }

  /** Id of the request: never 0n, and never of another one. */
  get id(): bigint {
    return (BigInt(this.sink.idHigh >>> 0) << 32n) | BigInt(this.sink.idLow >>> 0);
  }

  /** The outcome, whatever it is: not rejected if the request failed. */
  get response(): Promise<Response<T>> {
    this.sink.flow(this.core);
    return this.sink.outcome;
  }

  /** Cancels the request; false if it has ended before. */
  cancel(): boolean {
    return this.core.cancel(this.sink);
  }

  /** Where it is in its life. */
  get state(): StateName {
    const { sink, core } = this;
    if (sink.response !== undefined) return sink.response.state;
    return stateName(core.native.state(core.handle, sink.idLow, sink.idHigh)) ?? 'pending';
  }

  /** When it may start, and which limit it waits for; undefined if it has ended. */
  waitEstimate(): WaitEstimate | undefined {
    const { sink, core } = this;
    if (sink.ended) return undefined;
    const wait = core.native.waitEstimate(core.handle, sink.idLow, sink.idHigh);
    if (wait === undefined) return undefined;
    return {
      position: wait[0],
      p50Ms: wait[1] / 1e6,
      p90Ms: wait[2] / 1e6,
      blockedBy: wait[3],
    };
  }

  /**
   * The chunks in order. Throws why the request failed, after its last chunk. Who stops reading
   * (`break`) cancels the request. A slow reader slows the provider down.
   */
  [Symbol.asyncIterator](): AsyncIterator<Chunk<C>, undefined> {
    const { sink, core } = this;
    sink.reading = true;
    return {
      next: () => sink.next(core),
      return: () => {
        core.cancel(sink);
        sink.drop(core);
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

interface Reader<C> {
  readonly resolve: (result: IteratorResult<Chunk<C>, undefined>) => void;
  readonly reject: (reason: unknown) => void;
}

/** What a Submission reads from. @internal */
export class SubmissionSink<T, C> extends Sink {
  readonly outcome: Promise<Response<T>>;
  response: Response<T> | undefined;
  idLow = 0;
  idHigh = 0;
  reading = false;
  private settle: (response: Response<T>) => void = () => undefined;
  private chunks: HeldChunk<C>[] = [];
  private readers: Reader<C>[] = [];
  private flowing = false;
  private dropped = false;
  private thrown = false;
  private unwatch: (() => void) | undefined;
  private signal: AbortSignal | undefined;

  constructor() {
    super();
    this.outcome = new Promise((resolve) => (this.settle = resolve));
  }

  override accepted(idLow: number, idHigh: number): void {
    this.idLow = idLow;
    this.idHigh = idHigh;
  }

  follow(core: Core, signal: AbortSignal): void {
    this.signal = signal;
    this.unwatch = watch(signal, () => core.cancel(this));
  }

  /** Who waits for the outcome without reading must not hold the provider up: chunks only queue. */
  flow(core: Core): void {
    if (this.reading || this.flowing) return;
    this.flowing = true;
    for (const chunk of this.chunks) core.releaseChunk(chunk.held);
    this.chunks = this.chunks.map((chunk) => ({ held: -1, value: chunk.value }));
  }

  /** Nobody will read the chunks. */
  drop(core: Core): void {
    this.dropped = true;
    for (const chunk of this.chunks) core.releaseChunk(chunk.held);
    this.chunks = [];
  }

  override chunk(
    core: Core,
    held: number,
    data: Buffer,
    attempt: number,
    outputTokens: number,
  ): void {
    if (this.dropped) {
      core.releaseChunk(held);
      return;
    }
    const value = new Chunk<C>(data, attempt, outputTokens);
    const reader = this.readers.shift();
    if (reader !== undefined) {
      core.releaseChunk(held);
      reader.resolve({ done: false, value });
    } else if (this.flowing && !this.reading) {
      core.releaseChunk(held);
      this.chunks.push({ held: -1, value });
    } else {
      this.chunks.push({ held, value });
    }
  }

  next(core: Core): Promise<IteratorResult<Chunk<C>, undefined>> {
    const chunk = this.chunks.shift();
    if (chunk !== undefined) {
      core.releaseChunk(chunk.held);
      return Promise.resolve({ done: false, value: chunk.value });
    }
    if (this.response === undefined && !this.dropped)
      return new Promise((resolve, reject) => this.readers.push({ resolve, reject }));
    return this.end();
  }

  // The last result: thrown once, as generators do.
  private end(): Promise<IteratorResult<Chunk<C>, undefined>> {
    const failed = this.dropped || this.thrown ? undefined : this.response?.error;
    if (failed === undefined) return Promise.resolve({ done: true, value: undefined });
    this.thrown = true;
    if (this.signal?.aborted === true && this.response?.state === 'cancelled')
      return Promise.reject(this.signal.reason as Error);
    return Promise.reject(failed);
  }

  override done(response: Response): void {
    this.unwatch?.();
    this.response = response as Response<T>;
    this.settle(this.response);
    for (const reader of this.readers.splice(0)) this.end().then(reader.resolve, reader.reject);
  }

  override refused(error: LlmqError): void {
    this.done(Response.refused(error));
  }
}
