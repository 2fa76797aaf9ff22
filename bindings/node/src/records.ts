// The records that the addon and JavaScript exchange: see native/records.h, which has the same
// numbers. Offsets count elements of a view that begins at the record.

/** Changes with every change of a record. */
export const RECORDS_VERSION = 1;

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

/** Bytes of the buffer of texts. */
export const TEXTS_BYTES = 131072;

/** The texts of one batch of events. Events share it, so it is small; long texts stand alone. */
export interface Texts {
  /** Short texts, one after the other. */
  readonly short: Buffer;
  /** Long ones. */
  readonly long: readonly ArrayBuffer[];
}

const NOTHING = Buffer.alloc(0);

/** The bytes of a place in the texts. */
export function bytesAt(texts: Texts, offset: number, length: number): Buffer {
  if (length === 0) return NOTHING;
  if (offset < 0) return Buffer.from(texts.long[-1 - offset] as ArrayBuffer);
  return texts.short.subarray(offset, offset + length);
}

/** The same as a string. */
export function textAt(texts: Texts, offset: number, length: number): string {
  if (length === 0) return '';
  if (offset < 0) return Buffer.from(texts.long[-1 - offset] as ArrayBuffer).toString();
  return texts.short.toString('utf8', offset, offset + length);
}
