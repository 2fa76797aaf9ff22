import { EventFlags, Status } from './constants';
import type { Core } from './core';
import { failureOf, LlmqError } from './errors';
import { EventField, type Events } from './records';
import { encode, usageNumbers, waitMs, wordsOf } from './reported';
import type { Usage } from './response';

/** How attempts of a model are given to its workers. */
export interface WorkerOptions {
  /**
   * Milliseconds after which an attempt of which nothing was heard (no result, chunk or heartbeat)
   * is lost and tried again. Without it there is none: time-outs and deadlines end what hangs.
   */
  lease?: number;
}

/** Throw it in a worker to say how an attempt failed; any other error is final. */
export class AttemptError extends Error {
  override readonly name = 'AttemptError';
  /** `LLMQ_ERR_RATE_LIMITED` and so on. RATE_LIMITED, OVERLOADED, SERVER, TRANSPORT and TIMEOUT are tried again. */
  readonly code: string;
  /** Milliseconds until a new try makes sense; 0 = not known. */
  readonly retryAfter: number;

  constructor(code: string, message = '', options: { retryAfter?: number } = {}) {
    super(message);
    if (failureOf(code) === undefined)
      throw new TypeError(`code must be the name of a failure, as LLMQ_ERR_SERVER, not ${code}`);
    this.code = code;
    this.retryAfter = options.retryAfter ?? 0;
  }
}

/** What a worker is given: one attempt of one request. */
export class Attempt<In = unknown> {
  /** Its number, from 1. */
  readonly number: number;
  /** Name of the model. */
  readonly model: string;
  /** Whose request it is. */
  readonly tenant: string;
  /** As given with the request. */
  readonly requestKey: string;
  /** As given with the request. */
  readonly metadata: Buffer;
  /** The payload. */
  readonly data: Buffer;
  /** Whether the caller takes chunks. */
  readonly streaming: boolean;
  /** What the attempt has consumed, if it is known: set it before the worker returns. */
  usage: Usage | undefined;
  private readonly controller = new AbortController();

  /** @internal */
  constructor(
    private readonly core: Core,
    events: Events,
    at: number,
    private readonly idLow = events.word(at, EventField.W_ATTEMPT_ID),
    private readonly idHigh = events.word(at, EventField.W_ATTEMPT_ID + 1),
    private readonly requestLow = events.word(at, EventField.W_REQUEST_ID),
    private readonly requestHigh = events.word(at, EventField.W_REQUEST_ID + 1),
  ) {
    this.number = events.word(at, EventField.W_ATTEMPT);
    this.model = events.text(at, EventField.W_FALLBACK_MODEL);
    this.tenant = events.text(at, EventField.W_DEPLOYMENT);
    this.requestKey = events.text(at, EventField.W_REQUEST_KEY);
    this.metadata = events.data(at, EventField.W_METADATA);
    this.data = events.data(at, EventField.W_DATA);
    this.streaming = (events.word(at, EventField.W_FLAGS) & EventFlags.STREAM) !== 0;
  }

  /** Aborts when the result is not wanted any more: cancel, time-out, shutdown, a lost lease. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** The payload as a string. */
  get text(): string {
    return this.data.toString();
  }

  /** The payload, parsed. Throws a SyntaxError if it is not JSON. */
  json(): In {
    return JSON.parse(this.text) as In;
  }

  /**
   * Hands over a piece of the response; waits while the caller has too many that it has not read.
   * Rejects with an LlmqError if the attempt has ended, or the caller takes no chunks.
   */
  async chunk(piece: unknown): Promise<void> {
    const data = encode(piece, 'chunk');
    for (;;) {
      const status = this.core.native.attemptChunk(this.core.handle, this.idLow, this.idHigh, data);
      if (status === Status.OK) return;
      if (status !== Status.AGAIN) throw new LlmqError(status, this.core.statusMessage(status));
      await this.core.chunkRoom();
    }
  }

  /** Renews the lease; false if the attempt has ended: stop. */
  heartbeat(): boolean {
    return this.core.native.attemptHeartbeat(this.core.handle, this.idLow, this.idHigh);
  }

  /** @internal */
  key(): bigint {
    return wholeId(this.idLow, this.idHigh);
  }

  /** @internal */
  abort(): void {
    this.controller.abort(new LlmqError(Status.CANCELLED, 'The attempt has ended.'));
  }

  /** @internal */
  succeed(result: unknown): void {
    const { native, handle, isOpen } = this.core;
    const usage = this.usage === undefined ? undefined : usageNumbers(this.usage);
    const data = encode(result, 'the result');
    if (isOpen) native.attemptSucceed(handle, this.idLow, this.idHigh, data, usage);
  }

  /** @internal */
  fail(status: number, message: string, retryAfter: number): void {
    const { native, handle, isOpen } = this.core;
    try {
      if (isOpen) native.attemptFail(handle, this.idLow, this.idHigh, status, message, retryAfter);
    } catch (error) {
      this.warn(`cannot be ended: ${wordsOf(error)}`);
    }
  }

  /** @internal */
  warn(text: string): void {
    const request = wholeId(this.requestLow, this.requestHigh);
    this.core.warn(`model ${this.model}: attempt ${this.number} of request ${request}: ${text}`);
  }
}

/** Runs an attempt: what it returns is the response (text and bytes as they are, else JSON). */
export type WorkerFunction<In, Out> = (
  attempt: Attempt<In>,
) => Promise<Out | string | Uint8Array> | Out | string | Uint8Array;

/** An id from its halves. @internal */
export function wholeId(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** Runs it, and reports whatever becomes of it: one that stays open would hold its place. @internal */
export async function runAttempt(
  worker: WorkerFunction<unknown, unknown>,
  attempt: Attempt,
): Promise<void> {
  try {
    attempt.succeed(await worker(attempt));
  } catch (thrown) {
    fail(attempt, thrown);
  }
}

function fail(attempt: Attempt, thrown: unknown): void {
  let status: number = Status.PROCESSING;
  let retryAfter = 0;
  let refused: unknown;
  if (thrown instanceof AttemptError) {
    status = failureOf(thrown.code) ?? Status.PROCESSING;
    try {
      retryAfter = waitMs(thrown.retryAfter);
    } catch (error) {
      refused = error;
    }
  }
  attempt.fail(status, wordsOf(thrown), retryAfter);
  if (refused !== undefined) attempt.warn(`${wordsOf(refused)}: it is left out`);
}
