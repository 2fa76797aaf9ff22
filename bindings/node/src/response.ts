import { EventFlags, State, Status } from './constants';
import { LlmqError, statusName } from './errors';
import { EventField, Events } from './records';

/** States of a request. A retry goes back to `pending`. */
export type StateName = 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'expired';

const STATES = Object.entries(State).reduce<StateName[]>((names, [name, value]) => {
  names[value] = name.toLowerCase() as StateName;
  return names;
}, []);

/** Name of a state of the C API; undefined if there is none. */
export function stateName(state: number): StateName | undefined {
  return STATES[state];
}

/** What one attempt consumed. */
export interface Usage {
  /** Everything that entered the model, cached tokens included. */
  inputTokens: number;
  /** Everything that it produced, reasoning included. */
  outputTokens: number;
  /** The part of `inputTokens` that was read from a cache. */
  cachedInputTokens?: number;
  /** The part of `outputTokens` that is not shown. */
  reasoningTokens?: number;
  /** Money in millionths of the currency's unit; 0 if unknown. */
  costMicros?: number;
}

/** One attempt of a request of which at least one failed. */
export interface AttemptRecord {
  /** From 1. */
  attempt: number;
  /** Where it ran, if that has a name. */
  deployment?: string;
  /** `LLMQ_OK`, `LLMQ_ERR_SERVER` and so on. */
  status: string;
  /** If there was an answer over HTTP. */
  http_status?: number;
  /** What the provider or the processor said; at most 200 bytes. */
  message?: string;
  /** Milliseconds from the submit to its start. */
  started_ms: number;
  /** Milliseconds that it ran. */
  run_ms: number;
  /** If another one followed: milliseconds until that could start. */
  retry_delay_ms?: number;
}

/**
 * The one outcome of a request.
 *
 * `T` is what `json()` gives: the type of the answer. What it tells is read when it is asked for,
 * from a buffer that the responses of one turn share.
 */
export class Response<T = unknown> {
  private readonly events_: Events;
  private readonly at_: number;
  private error_: LlmqError | undefined;

  /** @internal */
  constructor(events: Events, at: number) {
    this.events_ = events;
    this.at_ = at;
    this.error_ = undefined;
  }

  /** The outcome of a request that was not accepted. @internal */
  static refused(error: LlmqError): Response<never> {
    const events = Events.blank();
    events.words[EventField.W_STATUS] = error.status;
    events.words[EventField.W_STATE] = State.FAILED;
    const response = new Response<never>(events, 0);
    response.error_ = error;
    return response;
  }

  /** Number of the status: `Status.OK`, or why it failed. */
  get status(): number {
    return this.events_.word(this.at_, EventField.W_STATUS);
  }

  /** Attempts made. */
  get attempts(): number {
    return this.events_.word(this.at_, EventField.W_ATTEMPT);
  }

  /** What the last attempt consumed, if that is known. */
  get usage(): Usage | undefined {
    const { events_: events, at_: at } = this;
    if (events.word(at, EventField.W_USAGE_KNOWN) === 0) return undefined;
    return {
      inputTokens: events.double(at, EventField.D_INPUT_TOKENS),
      outputTokens: events.double(at, EventField.D_OUTPUT_TOKENS),
      cachedInputTokens: events.double(at, EventField.D_CACHED_INPUT_TOKENS),
      reasoningTokens: events.double(at, EventField.D_REASONING_TOKENS),
      costMicros: events.double(at, EventField.D_COST_MICROS),
    };
  }

  /** Milliseconds from the submit to the start of the last attempt, or to the end. */
  get queuedMs(): number {
    return this.events_.double(this.at_, EventField.D_QUEUED_NS) / 1e6;
  }

  /** Milliseconds that the last attempt ran; 0 if none did. */
  get runMs(): number {
    return this.events_.double(this.at_, EventField.D_RUN_NS) / 1e6;
  }

  /** Milliseconds from the start of the last attempt to its first output, of a stream; else 0. */
  get firstOutputMs(): number {
    return this.events_.double(this.at_, EventField.D_FIRST_OUTPUT_NS) / 1e6;
  }

  /** With a failure: milliseconds after which a new try may make sense; 0 = not known. */
  get retryAfterMs(): number {
    return this.events_.double(this.at_, EventField.D_RETRY_AFTER_NS) / 1e6;
  }

  /** HTTP status of the provider's last answer; 0 if there was none. */
  get httpStatus(): number {
    return this.events_.word(this.at_, EventField.W_HTTP_STATUS);
  }

  /** Whether the request completed. */
  get ok(): boolean {
    return this.status === Status.OK;
  }

  /** The final state. */
  get state(): StateName {
    return STATES[this.events_.word(this.at_, EventField.W_STATE)] ?? 'failed';
  }

  /** Id of the request; 0n if it was not accepted. */
  get id(): bigint {
    const low = this.events_.word(this.at_, EventField.W_REQUEST_ID);
    const high = this.events_.word(this.at_, EventField.W_REQUEST_ID + 1);
    return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  }

  /** The payload: what the provider or the processor gave, with a failure too. */
  get data(): Buffer {
    return this.events_.data(this.at_, EventField.W_DATA);
  }

  /** The payload as a string. */
  get text(): string {
    return this.events_.text(this.at_, EventField.W_DATA);
  }

  /** The payload, parsed. Throws a SyntaxError if it is not JSON. */
  json(): T {
    return JSON.parse(this.text) as T;
  }

  /** Why the request failed; undefined if it did not. */
  get error(): LlmqError | undefined {
    if (this.ok) return undefined;
    const message = this.events_.text(this.at_, EventField.W_ERROR);
    this.error_ ??= new LlmqError(this.status, message, '', this);
    return this.error_;
  }

  /** This response if the request completed; else throws why it failed. */
  orThrow(): this {
    if (this.error) throw this.error;
    return this;
  }

  /** The attempts, if one of them failed; else empty. */
  get history(): AttemptRecord[] {
    const json = this.events_.text(this.at_, EventField.W_ATTEMPTS);
    return json === '' ? [] : (JSON.parse(json) as AttemptRecord[]);
  }

  /** The provider's own id of its last answer; empty if there was none. */
  get providerRequestId(): string {
    return this.events_.text(this.at_, EventField.W_PROVIDER_REQUEST_ID);
  }

  /** The model that answered in the end, if it is not the one that was asked for; else empty. */
  get fallbackModel(): string {
    return this.events_.text(this.at_, EventField.W_FALLBACK_MODEL);
  }

  /** The deployment that ran the last attempt; empty if it has no name. */
  get deployment(): string {
    return this.events_.text(this.at_, EventField.W_DEPLOYMENT);
  }

  /** As given with the request. */
  get metadata(): Buffer {
    return this.events_.data(this.at_, EventField.W_METADATA);
  }

  /** As given with the request; empty if none was. */
  get requestKey(): string {
    return this.events_.text(this.at_, EventField.W_REQUEST_KEY);
  }

  /** The usage is that of a call which another request has told already. */
  get shared(): boolean {
    return (this.events_.word(this.at_, EventField.W_FLAGS) & EventFlags.SHARED) !== 0;
  }

  /** An answer from before: nothing was called, and nothing is counted. */
  get cached(): boolean {
    return (this.events_.word(this.at_, EventField.W_FLAGS) & EventFlags.CACHED) !== 0;
  }

  /** What matters of it, as JSON and when it is printed. */
  toJSON(): Record<string, unknown> {
    const { ok, state, attempts, usage, queuedMs, runMs, text } = this;
    return { ok, code: statusName(this.status), state, attempts, usage, queuedMs, runMs, text };
  }

  /** @internal */
  [Symbol.for('nodejs.util.inspect.custom')](): Record<string, unknown> {
    return this.toJSON();
  }
}
