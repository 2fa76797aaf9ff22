import { EventFlags, State, Status } from './constants';
import { LlmqError } from './errors';
import { bytesAt, EventField, textAt, type Texts } from './records';

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

/** Usage as the addon takes it. @internal */
export function usageNumbers(usage: Usage): [number, number, number, number, number] {
  return [
    usage.inputTokens,
    usage.outputTokens,
    usage.cachedInputTokens ?? 0,
    usage.costMicros ?? 0,
    usage.reasoningTokens ?? 0,
  ];
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

// Texts that most responses do not have.
interface Extras {
  readonly error: string;
  readonly providerRequestId: string;
  readonly fallbackModel: string;
  readonly deployment: string;
  readonly metadata: Buffer;
  readonly requestKey: string;
  readonly attempts: string;
}

const NO_EXTRAS: Extras = {
  error: '',
  providerRequestId: '',
  fallbackModel: '',
  deployment: '',
  metadata: Buffer.alloc(0),
  requestKey: '',
  attempts: '[]',
};
const NO_TEXTS: Texts = { short: Buffer.alloc(0), long: [] };

function readExtras(words: Int32Array, at: number, texts: Texts): Extras {
  const text = (field: EventField): string =>
    textAt(texts, words[at + field] as number, words[at + field + 1] as number);
  return {
    error: text(EventField.W_ERROR),
    providerRequestId: text(EventField.W_PROVIDER_REQUEST_ID),
    fallbackModel: text(EventField.W_FALLBACK_MODEL),
    deployment: text(EventField.W_DEPLOYMENT),
    metadata: bytesAt(
      texts,
      words[at + EventField.W_METADATA] as number,
      words[at + EventField.W_METADATA + 1] as number,
    ),
    requestKey: text(EventField.W_REQUEST_KEY),
    attempts: text(EventField.W_ATTEMPTS) || '[]',
  };
}

function hasExtras(words: Int32Array, at: number): boolean {
  return (
    ((words[at + EventField.W_ERROR + 1] as number) |
      (words[at + EventField.W_PROVIDER_REQUEST_ID + 1] as number) |
      (words[at + EventField.W_FALLBACK_MODEL + 1] as number) |
      (words[at + EventField.W_DEPLOYMENT + 1] as number) |
      (words[at + EventField.W_METADATA + 1] as number) |
      (words[at + EventField.W_REQUEST_KEY + 1] as number) |
      (words[at + EventField.W_ATTEMPTS + 1] as number)) !==
    0
  );
}

/**
 * The one outcome of a request.
 *
 * `T` is what `json()` gives: the type of the answer.
 */
export class Response<T = unknown> {
  /** Number of the status: `Status.OK`, or why it failed. */
  readonly status: number;
  /** Attempts made. */
  readonly attempts: number;
  /** What the last attempt consumed, if that is known. */
  readonly usage: Usage | undefined;
  /** Milliseconds from the submit to the start of the last attempt, or to the end. */
  readonly queuedMs: number;
  /** Milliseconds that the last attempt ran; 0 if none did. */
  readonly runMs: number;
  /** Milliseconds from the start of the last attempt to its first output, of a stream; else 0. */
  readonly firstOutputMs: number;
  /** With a failure: milliseconds after which a new try may make sense; 0 = not known. */
  readonly retryAfterMs: number;
  /** HTTP status of the provider's last answer; 0 if there was none. */
  readonly httpStatus: number;
  private readonly state_: number;
  private readonly flags_: number;
  private readonly idLow_: number;
  private readonly idHigh_: number;
  private readonly texts_: Texts;
  private readonly offset_: number;
  private readonly length_: number;
  private readonly extras_: Extras;
  private error_: LlmqError | undefined;

  /** @internal */
  constructor(words: Int32Array, doubles: Float64Array, index: number, texts: Texts) {
    const w = index * EventField.WORDS;
    const d = index * EventField.DOUBLES;
    this.status = words[w + EventField.W_STATUS] as number;
    this.attempts = words[w + EventField.W_ATTEMPT] as number;
    this.usage =
      words[w + EventField.W_USAGE_KNOWN] === 0
        ? undefined
        : {
            inputTokens: doubles[d + EventField.D_INPUT_TOKENS] as number,
            outputTokens: doubles[d + EventField.D_OUTPUT_TOKENS] as number,
            cachedInputTokens: doubles[d + EventField.D_CACHED_INPUT_TOKENS] as number,
            reasoningTokens: doubles[d + EventField.D_REASONING_TOKENS] as number,
            costMicros: doubles[d + EventField.D_COST_MICROS] as number,
          };
    this.queuedMs = (doubles[d + EventField.D_QUEUED_NS] as number) / 1e6;
    this.runMs = (doubles[d + EventField.D_RUN_NS] as number) / 1e6;
    this.firstOutputMs = (doubles[d + EventField.D_FIRST_OUTPUT_NS] as number) / 1e6;
    this.retryAfterMs = (doubles[d + EventField.D_RETRY_AFTER_NS] as number) / 1e6;
    this.httpStatus = words[w + EventField.W_HTTP_STATUS] as number;
    this.state_ = words[w + EventField.W_STATE] as number;
    this.flags_ = words[w + EventField.W_FLAGS] as number;
    this.idLow_ = words[w + EventField.W_REQUEST_ID] as number;
    this.idHigh_ = words[w + EventField.W_REQUEST_ID + 1] as number;
    this.texts_ = texts;
    this.offset_ = words[w + EventField.W_DATA] as number;
    this.length_ = words[w + EventField.W_DATA + 1] as number;
    this.extras_ = hasExtras(words, w) ? readExtras(words, w, texts) : NO_EXTRAS;
  }

  /** The outcome of a request that was not accepted. @internal */
  static refused(error: LlmqError): Response<never> {
    const words = new Int32Array(EventField.WORDS);
    words[EventField.W_STATUS] = error.status;
    words[EventField.W_STATE] = State.FAILED;
    const response = new Response<never>(words, new Float64Array(EventField.DOUBLES), 0, NO_TEXTS);
    response.error_ = error;
    return response;
  }

  /** Whether the request completed. */
  get ok(): boolean {
    return this.status === Status.OK;
  }

  /** The final state. */
  get state(): StateName {
    return STATES[this.state_] ?? 'failed';
  }

  /** Id of the request; 0n if it was not accepted. */
  get id(): bigint {
    return (BigInt(this.idHigh_ >>> 0) << 32n) | BigInt(this.idLow_ >>> 0);
  }

  /** The payload: what the provider or the processor gave, with a failure too. */
  get data(): Buffer {
    return bytesAt(this.texts_, this.offset_, this.length_);
  }

  /** The payload as a string. */
  get text(): string {
    return textAt(this.texts_, this.offset_, this.length_);
  }

  /** The payload, parsed. Throws a SyntaxError if it is not JSON. */
  json(): T {
    return JSON.parse(this.text) as T;
  }

  /** Why the request failed; undefined if it did not. */
  get error(): LlmqError | undefined {
    if (this.ok) return undefined;
    this.error_ ??= new LlmqError(this.status, this.extras_.error, '', this);
    return this.error_;
  }

  /** This response if the request completed; else throws why it failed. */
  orThrow(): this {
    if (this.error) throw this.error;
    return this;
  }

  /** The attempts, if one of them failed; else empty. */
  get history(): AttemptRecord[] {
    return JSON.parse(this.extras_.attempts) as AttemptRecord[];
  }

  /** The provider's own id of its last answer; empty if there was none. */
  get providerRequestId(): string {
    return this.extras_.providerRequestId;
  }

  /** The model that answered in the end, if it is not the one that was asked for; else empty. */
  get fallbackModel(): string {
    return this.extras_.fallbackModel;
  }

  /** The deployment that ran the last attempt; empty if it has no name. */
  get deployment(): string {
    return this.extras_.deployment;
  }

  /** As given with the request. */
  get metadata(): Buffer {
    return this.extras_.metadata;
  }

  /** As given with the request; empty if none was. */
  get requestKey(): string {
    return this.extras_.requestKey;
  }

  /** The usage is that of a call which another request has told already. */
  get shared(): boolean {
    return (this.flags_ & EventFlags.SHARED) !== 0;
  }

  /** An answer from before: nothing was called, and nothing is counted. */
  get cached(): boolean {
    return (this.flags_ & EventFlags.CACHED) !== 0;
  }
}
