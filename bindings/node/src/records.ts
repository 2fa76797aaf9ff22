// The records that the addon and JavaScript exchange: see native/records.h, which has the same
// numbers. Offsets count elements of a view that begins at the record.

/** Changes with every change of a record. */
export const RECORDS_VERSION = 3;

/** Requests per submit, and events per turn of the loop. */
export const BATCH = 256;

/** Bytes of a request_record. */
export const REQUEST_BYTES = 120;
/** A request_record: 32-bit words (W), doubles (D). */
export const enum RequestField {
  W_FLAGS = 0,
  W_OPERATION = 1,
  W_PRIORITY = 2,
  W_MAX_ATTEMPTS = 3,
  W_SLOT = 4,
  W_KIND = 5,
  W_MODEL = 6,
  W_TENANT = 8,
  W_PAYLOAD = 10,
  W_REQUEST_KEY = 12,
  W_DEDUP_KEY = 14,
  W_METADATA = 16,
  W_ID = 18,
  W_STATUS = 20,
  D_DEADLINE_MS = 11,
  D_TIMEOUT_MS = 12,
  D_INPUT_TOKENS = 13,
  D_OUTPUT_TOKENS = 14,
  WORDS = 30,
  DOUBLES = 15,
}

/** Bytes of an event_record. */
export const EVENT_BYTES = 192;
/** An event_record: 32-bit words (W), doubles (D). */
export const enum EventField {
  D_QUEUED_NS = 0,
  D_RUN_NS = 1,
  D_RETRY_AFTER_NS = 2,
  D_INPUT_TOKENS = 3,
  D_OUTPUT_TOKENS = 4,
  D_CACHED_INPUT_TOKENS = 5,
  D_COST_MICROS = 6,
  D_REASONING_TOKENS = 7,
  D_FIRST_OUTPUT_NS = 8,
  W_TYPE = 18,
  W_STATUS = 19,
  W_FLAGS = 20,
  W_STATE = 21,
  W_ATTEMPT = 22,
  W_SLOT = 23,
  W_REQUEST_ID = 24,
  W_ATTEMPT_ID = 26,
  W_HELD = 28,
  W_USAGE_KNOWN = 29,
  W_HTTP_STATUS = 30,
  W_DATA = 31,
  W_ERROR = 33,
  W_PROVIDER_REQUEST_ID = 35,
  W_FALLBACK_MODEL = 37,
  W_DEPLOYMENT = 39,
  W_METADATA = 41,
  W_REQUEST_KEY = 43,
  W_ATTEMPTS = 45,
  WORDS = 48,
  DOUBLES = 24,
}

const NOTHING = Buffer.alloc(0);

/**
 * The events of one turn of the loop: their records, then their short texts, in one buffer that all
 * of them share. Long texts stand alone. `at` is where a record begins, in words.
 */
export class Events {
  /** The records. */
  readonly words: Int32Array;
  private doubles: Float64Array | undefined;

  constructor(
    private readonly bytes: Buffer,
    count: number,
    private readonly long: readonly ArrayBuffer[] | undefined,
  ) {
    this.words = new Int32Array(bytes.buffer, bytes.byteOffset, count * EventField.WORDS);
    this.doubles = undefined;
  }

  /** One record of zeros. */
  static blank(): Events {
    return new Events(Buffer.from(new ArrayBuffer(EVENT_BYTES)), 1, undefined);
  }

  /** A field of 32 bits. */
  word(at: number, field: EventField): number {
    return this.words[at + field] as number;
  }

  /** A field of type double. */
  double(at: number, field: EventField): number {
    const { words } = this;
    this.doubles ??= new Float64Array(words.buffer, words.byteOffset, words.length / 2);
    return this.doubles[at / 2 + field] as number;
  }

  /** The bytes of a text. */
  data(at: number, field: EventField): Buffer {
    const offset = this.words[at + field] as number;
    const length = this.words[at + field + 1] as number;
    if (length === 0) return NOTHING;
    if (offset < 0) return Buffer.from(this.long?.[-1 - offset] as ArrayBuffer);
    return this.bytes.subarray(offset, offset + length);
  }

  /** The same as a string. */
  text(at: number, field: EventField): string {
    const offset = this.words[at + field] as number;
    const length = this.words[at + field + 1] as number;
    if (length === 0) return '';
    if (offset < 0) return Buffer.from(this.long?.[-1 - offset] as ArrayBuffer).toString();
    return this.bytes.toString('utf8', offset, offset + length);
  }
}
