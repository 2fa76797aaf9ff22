import { EventFlags, Status } from './constants';
import type { Core } from './core';
import { LlmqError, statusNumber } from './errors';
import { usageNumbers, type Usage } from './response';
import { EventField, type Events } from './records';

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
    if ((statusNumber(code) ?? 0) >= 0)
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
  private ended = false;

  /** @internal */
  constructor(
    private readonly core: Core,
    events: Events,
    at: number,
    private readonly idLow = events.word(at, EventField.W_ATTEMPT_ID),
    private readonly idHigh = events.word(at, EventField.W_ATTEMPT_ID + 1),
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
    const data = encode(piece);
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
    return attemptKey(this.idLow, this.idHigh);
  }

  /** @internal */
  abort(): void {
    this.controller.abort(new LlmqError(Status.CANCELLED, 'The attempt has ended.'));
  }

  /** @internal */
  succeed(result: unknown): void {
    const usage = this.usage === undefined ? undefined : usageNumbers(this.usage);
    const data = encode(result);
    if (this.report())
      this.core.native.attemptSucceed(this.core.handle, this.idLow, this.idHigh, data, usage);
  }

  /** @internal */
  fail(status: number, message: string, retryAfter: number): void {
    if (this.report())
      this.core.native.attemptFail(
        this.core.handle,
        this.idLow,
        this.idHigh,
        status,
        message,
        retryAfter,
      );
  }

  private report(): boolean {
    const first = !this.ended;
    this.ended = true;
    return first && this.core.isOpen;
  }
}

/** Runs an attempt: what it returns is the response (text and bytes as they are, else JSON). */
export type WorkerFunction<In, Out> = (
  attempt: Attempt<In>,
) => Promise<Out | string | Uint8Array> | Out | string | Uint8Array;

/** Key of an attempt among those that run. @internal */
export function attemptKey(low: number, high: number): bigint {
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

function encode(value: unknown): string | Uint8Array {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  return value === undefined ? '' : JSON.stringify(value);
}

/** Runs it, and reports whatever becomes of it. @internal */
export async function runAttempt(
  worker: WorkerFunction<unknown, unknown>,
  attempt: Attempt,
): Promise<void> {
  try {
    attempt.succeed(await worker(attempt));
  } catch (error) {
    if (error instanceof AttemptError)
      attempt.fail(statusNumber(error.code) as number, error.message, error.retryAfter);
    else attempt.fail(Status.PROCESSING, error instanceof Error ? error.message : String(error), 0);
  }
}
