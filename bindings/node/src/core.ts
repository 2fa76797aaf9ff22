import { EventType, LogLevel, RequestFlags, Status } from './constants';
import { LlmqError } from './errors';
import type { Hooks } from './hooks';
import { answerKey, type KeyFunction } from './keys';
import { native } from './library';
import type { Native, NativeManager } from './native';
import { BATCH, EventField, Events, RequestField } from './records';
import { encode, wordsOf } from './reported';
import { Kind, RequestBuffer, type Request } from './request';
import { Response } from './response';
import { Attempt, runAttempt, wholeId, type WorkerFunction } from './worker';

/** What `console` and most loggers are: llmq's lines go to the function of their level. */
export interface Logger {
  /** Gets trace and debug lines. */
  debug(message: string): void;
  /** Gets info lines. */
  info(message: string): void;
  /** Gets warnings. */
  warn(message: string): void;
  /** Gets errors. */
  error(message: string): void;
}

/** Least level of lines that are logged. */
export type LogLevelName = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'off';

/** A permit that was given. @internal */
export interface SinkPermit {
  readonly idLow: number;
  readonly idHigh: number;
  readonly model: string;
  readonly deployment: string;
}

/** Where the events of one request go. They come one after the other, `done` last. */
export abstract class Sink {
  /** Its place among those that have not ended; see ENDED. */
  slot = -1;

  /** It will have no more events. */
  get ended(): boolean {
    return this.slot === ENDED;
  }

  /** Reads from each object that `done` will reach for; the number means nothing. See `fetchAhead`. */
  touch(): number {
    return this.slot;
  }

  /** It was handed over. */
  accepted(_idLow: number, _idHigh: number): void {}
  /** The terminal event. */
  abstract done(response: Response): void;
  /** The request was not accepted: no event follows. */
  abstract refused(error: LlmqError): void;
  /** The permit that was asked for, in place of `done`. */
  permit(_core: Core, _given: SinkPermit): void {}
  /** A piece of a stream. Whoever keeps `held` owes it to `Core.releaseChunk`. */
  chunk(core: Core, held: number, _data: Buffer, _attempt: number, _outputTokens: number): void {
    core.releaseChunk(held);
  }
}

// The slot of a sink that has ended.
const ENDED = -2;
// Events whose sinks are read together: few enough to stay in the first cache, enough to let their
// waits for memory overlap.
const FETCH_AHEAD = 16;
// A reader on another thread tells nobody here that it has read.
const ROOM_RECHECK_MS = 10;
const LOG_LEVELS = Object.keys(LogLevel).map((name) => name.toLowerCase());

// Managers that are open: they must have ended before the process unloads the library.
const open = new Set<Core>();
process.on('exit', () => {
  for (const core of open) core.destroy();
});

/**
 * The machinery of a manager: gathers the requests of a turn into one submit, and hands the events
 * of a turn to their sinks. Everything runs on the thread that made it.
 */
export class Core {
  readonly native: Native;
  readonly handle: NativeManager;
  private readonly requests = new RequestBuffer();
  private unsent: Sink[] = [];
  private readonly cancelWanted = new Set<Sink>(); // of those that are still to be handed over
  flushPlanned = false;
  private readonly sinks: (Sink | undefined)[] = [];
  private readonly freeSlots: number[] = [];
  private ids = new Int32Array(2 * BATCH); // of the requests by slot, low and high
  private pending = 0;
  fetched = 0; // of fetchAhead, which nobody needs
  // While addAll runs: a refusal ends what is handed over in order.
  private inOrder = false;
  private refusal: LlmqError | undefined;
  private readonly workers = new Map<string, WorkerFunction<unknown, unknown>>();
  private readonly running = new Map<bigint, Attempt>();
  private hooks: Hooks | undefined;
  private lastStats = '{}';
  private roomWaiters: (() => void)[] = [];
  private readonly shared: boolean;
  private readonly warns: boolean;
  private ending = false;
  private readonly pauses = new Set<() => void>(); // what ends them

  constructor(
    json: string | null,
    shared: boolean,
    private readonly logger: Logger | undefined,
    logLevel: LogLevelName,
    private readonly keys: KeyFunction | undefined,
  ) {
    this.shared = shared;
    const level = LOG_LEVELS.indexOf(logLevel);
    if (level < 0) throw new TypeError(`logLevel is ${LOG_LEVELS.join(', ')}, not ${logLevel}`);
    this.warns = level <= LogLevel.WARN;
    this.native = native();
    this.handle = this.native.create(
      json,
      shared,
      (count, buffer, long) => this.onEvents(count, buffer, long),
      level,
      logger === undefined ? null : (lines, dropped) => log(logger, lines, dropped),
      keys !== undefined,
    );
    open.add(this);
  }

  /** Adds the request to those of this turn. Throws if one of its members is wrong. */
  add(request: Request, sink: Sink, flags = 0, kind = Kind.SUBMIT): void {
    const payload = encode(request.payload, 'payload');
    const slot = this.freeSlots.pop() ?? this.sinks.length;
    try {
      while (!this.requests.add(request, payload, slot, kind, flags)) this.flush();
    } catch (error) {
      if (slot < this.sinks.length) this.freeSlots.push(slot);
      throw error;
    }
    sink.slot = slot;
    this.sinks[slot] = sink;
    this.unsent.push(sink);
    if (this.pending++ === 0) this.native.keepAlive(this.handle, true);
    if (this.requests.count === BATCH) {
      this.flush();
    } else if (!this.flushPlanned) {
      this.flushPlanned = true;
      process.nextTick(flushPlanned, this);
    }
  }

  /**
   * Adds and hands over many. One that is refused, or wrong, refuses only itself; with `inOrder`
   * what follows it too. What the iterable throws is thrown before anything is handed over.
   */
  addAll(requests: Iterable<Request>, inOrder: boolean, sinkOf: (index: number) => Sink): void {
    const all = [...requests];
    this.flush();
    this.inOrder = inOrder;
    try {
      for (let i = 0; i < all.length; ++i) this.addOne(all[i] as Request, sinkOf(i));
      this.flush();
    } finally {
      this.inOrder = false;
      this.refusal = undefined;
    }
  }

  private addOne(request: Request, sink: Sink): void {
    let refusal = this.refusal;
    try {
      if (refusal === undefined) this.add(request, sink);
    } catch (error) {
      this.flush(); // those before it may be refused first
      refusal = this.refusal ?? new LlmqError(Status.INVALID_ARG, wordsOf(error));
      this.endOrder(refusal);
    }
    if (refusal === undefined) return;
    sink.slot = ENDED;
    sink.refused(refusal);
  }

  // What follows, if it goes in order.
  private endOrder(refusal: LlmqError): void {
    if (!this.inOrder || this.refusal !== undefined) return;
    const { status, message, key } = refusal;
    const words = `not handed over: one before it was refused: ${message}`;
    this.refusal = new LlmqError(status, words, key);
  }

  /** Hands over what has been added. */
  flush(): void {
    const { count, words } = this.requests;
    if (count === 0) return;
    const sinks = this.unsent;
    this.unsent = [];
    let refusals: (number | Error)[] | undefined;
    try {
      refusals = this.native.submit(this.handle, this.requests.buffer, count, !this.inOrder);
    } catch (error) {
      refusals = sinks.flatMap((_, index) => [index, error as Error]);
    }
    if (this.ids.length < 2 * this.sinks.length) {
      const larger = new Int32Array(4 * this.sinks.length);
      larger.set(this.ids);
      this.ids = larger;
    }
    const { ids } = this;
    for (let i = 0, w: number = RequestField.W_ID; i < count; ++i, w += RequestField.WORDS) {
      const sink = sinks[i] as Sink;
      const low = words[w] as number;
      const high = words[w + 1] as number;
      ids[2 * sink.slot] = low;
      ids[2 * sink.slot + 1] = high;
      sink.accepted(low, high);
    }
    this.requests.clear();
    if (refusals !== undefined) this.refuse(sinks, refusals);
    if (this.cancelWanted.size === 0) return;
    const cancelled = [...this.cancelWanted];
    this.cancelWanted.clear();
    for (const sink of cancelled) this.cancel(sink);
  }

  private refuse(sinks: Sink[], refusals: (number | Error)[]): void {
    for (let i = 0; i < refusals.length; i += 2) {
      const sink = sinks[refusals[i] as number] as Sink;
      this.release(sink);
      sink.refused(refusals[i + 1] as LlmqError);
    }
    this.endOrder(refusals[1] as LlmqError);
    if (this.refusal === undefined) return;
    for (const sink of sinks.slice((refusals[0] as number) + 1)) {
      if (sink.ended) continue;
      this.release(sink);
      sink.refused(this.refusal);
    }
  }

  private release(sink: Sink): void {
    const { slot } = sink;
    sink.slot = ENDED;
    this.sinks[slot] = undefined;
    this.ids[2 * slot] = this.ids[2 * slot + 1] = 0;
    this.freeSlots.push(slot);
    if (--this.pending === 0) this.native.keepAlive(this.handle, false);
  }

  /** Asks for the cancel of a request; false if it has ended. */
  cancel(sink: Sink): boolean {
    const { slot } = sink;
    if (slot === ENDED) return false;
    const low = this.ids[2 * slot] ?? 0;
    const high = this.ids[2 * slot + 1] ?? 0;
    if (low === 0 && high === 0) {
      this.cancelWanted.add(sink); // it is still to be handed over
      return true;
    }
    return this.native.cancel(this.handle, low, high);
  }

  /** Gives back the memory of a chunk, so that the provider may go on. */
  releaseChunk(held: number): void {
    if (held < 0) return;
    this.native.releaseChunk(this.handle, held);
    if (this.roomWaiters.length > 0) for (const wake of this.roomWaiters.splice(0)) wake();
  }

  /** Begins to shut down; `sink` is done when that is complete. False if it was already. */
  shutdown(mode: number, deadlineMs: number, sink: Sink): boolean {
    this.flush();
    for (const core of open) if (core === this || (this.shared && core.shared)) core.endPauses();
    const slot = this.freeSlots.pop() ?? this.sinks.length;
    sink.slot = slot;
    this.sinks[slot] = sink;
    if (this.pending++ === 0) this.native.keepAlive(this.handle, true);
    try {
      if (this.native.shutdown(this.handle, mode, deadlineMs, slot)) return true;
    } catch (error) {
      this.release(sink);
      throw error;
    }
    this.release(sink);
    return false;
  }

  /** Counters as JSON: of now, or of when the manager ended. */
  stats(): string {
    if (!this.isOpen) return this.lastStats;
    this.flush();
    return this.native.stats(this.handle);
  }

  /** Ends everything now. Requests that are still pending are told that they are cancelled. */
  destroy(): void {
    if (!this.isOpen) return;
    this.lastStats = this.native.stats(this.handle);
    open.delete(this);
    this.endPauses();
    this.native.destroy(this.handle);
    for (const sink of this.sinks) {
      if (sink === undefined) continue;
      this.release(sink);
      sink.refused(new LlmqError(Status.CANCELLED, 'The manager has ended.'));
    }
  }

  /** False once it has been destroyed. */
  get isOpen(): boolean {
    return open.has(this);
  }

  /** Gives the attempts of a model to a function. */
  work(model: string, worker: WorkerFunction<unknown, unknown>, leaseMs: number): void {
    const before = this.workers.get(model);
    this.workers.set(model, worker); // attempts may come at once
    try {
      this.native.setWorkers(this.handle, model, leaseMs);
    } catch (error) {
      if (before === undefined) this.workers.delete(model);
      else this.workers.set(model, before);
      throw error;
    }
  }

  /** Lets the hooks be told of the types in the mask, in place of those before. */
  hook(mask: number, hooks: Hooks): void {
    this.native.setHook(this.handle, mask, (records) => {
      if (records === undefined) hooks.emit('close');
      else hooks.tell(records);
    });
    this.hooks = hooks;
  }

  /** Ends hooks that are told. */
  unhook(hooks: Hooks): void {
    if (this.hooks !== hooks) return;
    this.hooks = undefined;
    if (this.isOpen) this.native.setHook(this.handle, 0, null);
  }

  /** Resolves when chunks have been read, or may have been on another thread. */
  chunkRoom(): Promise<void> {
    return new Promise((resolve) => {
      this.roomWaiters.push(resolve);
      setTimeout(resolve, ROOM_RECHECK_MS);
    });
  }

  private endPauses(): void {
    this.ending = true;
    for (const end of [...this.pauses]) end();
  }

  /** Resolves after that time; rejects at once when the manager begins to end, or the signal aborts. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        this.pauses.delete(end);
        signal?.removeEventListener('abort', abort);
        how();
      };
      const end = (): void =>
        settle(() => reject(new LlmqError(Status.CLOSED, this.statusMessage(Status.CLOSED))));
      const abort = (): void => settle(() => reject(signal?.reason as Error));
      const timer = setTimeout(() => settle(resolve), ms);
      this.pauses.add(end);
      signal?.addEventListener('abort', abort, { once: true });
      if (this.ending) end();
      else if (signal?.aborted === true) abort();
    });
  }

  /** A line of the binding's own beside those of the library. */
  warn(text: string): void {
    if (this.warns) this.logger?.warn(text);
  }

  /** The library's words for a status. */
  statusMessage(status: number): string {
    return this.native.statusMessage(status);
  }

  /** The kept response of a request; undefined while it is pending. */
  kept(low: number, high: number): Response | undefined {
    const found = this.native.get(this.handle, low, high);
    if (found === undefined) return undefined;
    return new Response(new Events(found[0], 1, found[1]), 0);
  }

  private onReady(events: Events, at: number): void {
    const attempt = new Attempt(this, events, at);
    const worker = this.workers.get(attempt.model);
    if (worker === undefined) {
      // It has ended already; or its model was removed and registered anew, and has no worker here.
      attempt.fail(Status.ABANDONED, 'no worker of this thread runs the model', 0);
      return;
    }
    const key = attempt.key();
    this.running.set(key, attempt);
    // Not on this stack: what it does may add requests, or end the manager.
    void Promise.resolve()
      .then(() => runAttempt(worker, attempt))
      .finally(() => this.running.delete(key));
  }

  private onEvents(count: number, buffer: Buffer, long: ArrayBuffer[] | undefined): void {
    const events = new Events(buffer, count, long);
    const { words } = events;
    const end = count * EventField.WORDS;
    for (let at = 0, fetched = 0; at < end; at += EventField.WORDS) {
      if (at === fetched) {
        fetched = Math.min(end, at + FETCH_AHEAD * EventField.WORDS);
        this.fetchAhead(words, at, fetched);
      }
      const type = words[at + EventField.W_TYPE];
      const sink = this.sinks[words[at + EventField.W_SLOT] as number];
      if (type === EventType.DONE || type === EventType.CLOSED) {
        if (sink === undefined) continue; // told by destroy
        this.release(sink);
        sink.done(new Response(events, at));
      } else if (type === EventType.CHUNK) {
        this.onChunk(sink, events, at);
      } else if (type === EventType.PERMIT) {
        this.onPermit(sink, events, at);
      } else if (type === EventType.READY) {
        this.onReady(events, at);
      } else if (type === EventType.KEY) {
        if (this.keys !== undefined) answerKey(this, this.keys, events, at);
      } else if (type === EventType.CANCEL_REQUESTED) {
        const low = events.word(at, EventField.W_ATTEMPT_ID);
        const high = events.word(at, EventField.W_ATTEMPT_ID + 1);
        this.running.get(wholeId(low, high))?.abort();
      }
    }
  }

  // Of many requests that wait, what they hold has left the processor's caches when their events
  // come. Settled one after the other, each step of each promise waits for memory; read ahead, those
  // of different requests come at the same time. The sum is kept so that the reads are not dropped.
  private fetchAhead(words: Int32Array, begin: number, end: number): void {
    const { sinks } = this;
    let sum = 0;
    for (let w = begin + EventField.W_SLOT; w < end; w += EventField.WORDS)
      sum += sinks[words[w] as number]?.touch() ?? 0;
    this.fetched = sum;
  }

  private onPermit(sink: Sink | undefined, events: Events, at: number): void {
    if (sink === undefined) return;
    this.release(sink);
    sink.permit(this, {
      idLow: events.word(at, EventField.W_ATTEMPT_ID),
      idHigh: events.word(at, EventField.W_ATTEMPT_ID + 1),
      model: events.text(at, EventField.W_FALLBACK_MODEL),
      deployment: events.text(at, EventField.W_DATA),
    });
  }

  private onChunk(sink: Sink | undefined, events: Events, at: number): void {
    const held = events.word(at, EventField.W_HELD);
    if (sink === undefined) {
      this.releaseChunk(held);
      return;
    }
    const data = events.data(at, EventField.W_DATA);
    const output = events.double(at, EventField.D_OUTPUT_TOKENS);
    sink.chunk(this, held, data, events.word(at, EventField.W_ATTEMPT), output);
  }

  /** Runs `read` with the request alone in a buffer, as the addon takes it. */
  withRequest<R>(request: Request, read: (buffer: ArrayBuffer) => R): R {
    this.flush();
    try {
      this.requests.add(request, encode(request.payload, 'payload'), 0, Kind.SUBMIT, 0);
      return read(this.requests.buffer);
    } finally {
      this.requests.clear();
    }
  }
}

function flushPlanned(core: Core): void {
  core.flushPlanned = false;
  core.flush();
}

function log(logger: Logger, lines: (number | string)[], dropped: number): void {
  for (let i = 0; i < lines.length; i += 2) {
    const level = lines[i] as number;
    const text = lines[i + 1] as string;
    if (level >= LogLevel.ERROR) logger.error(text);
    else if (level === LogLevel.WARN) logger.warn(text);
    else if (level === LogLevel.INFO) logger.info(text);
    else logger.debug(text);
  }
  if (dropped > 0) logger.warn(`llmq: ${dropped} log lines were dropped: too many at once`);
}

/** Flags of a request whose response is handed over while it comes. */
export const STREAM: number = RequestFlags.STREAM;
