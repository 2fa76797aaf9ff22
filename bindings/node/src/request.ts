import { Operation, Priority, RequestFlags } from './constants';
import { BATCH, REQUEST_BYTES, RequestField } from './records';

/** `urgent` passes `high`, and so on; nothing waits for ever. */
export type PriorityName = 'urgent' | 'high' | 'normal' | 'batch';

/** What a request asks of a built-in provider; see {@link Operation}. */
export type OperationName = 'chat' | 'embeddings' | 'messages' | 'responses' | 'custom';

/** How a request is to be treated. Everything is optional. */
export interface RequestOptions {
  /** What the payload asks of a built-in provider; `chat` if not given. */
  operation?: OperationName;
  /** `normal` if not given. */
  priority?: PriorityName;
  /** Whose request it is; at most 255 bytes. */
  tenant?: string;
  /** The caller's own id, in logs and in the response; at most 1,024 bytes. */
  requestKey?: string;
  /** Requests with the same key and payload share one call; at most 1,024 bytes. */
  dedupKey?: string;
  /** Opaque to llmq; comes back with the response. */
  metadata?: string | Uint8Array;
  /** When it must have ended: milliseconds from now, or a moment. Then it fails with DEADLINE. */
  deadline?: number | Date;
  /** Milliseconds that one attempt may take; Infinity = no bound. The model's if not given. */
  timeout?: number;
  /** Tokens that will enter the model, if llmq is not to estimate them; 0 = none. */
  estInputTokens?: number;
  /** Tokens that the model will produce, if llmq is not to estimate them; 0 = none. */
  estOutputTokens?: number;
  /** Attempts that it may have, 1 to 60; the model's if not given. */
  maxAttempts?: number;
  /** Usage may be reported after the end, with `updateUsage`. */
  lateUsage?: boolean;
  /** Keeps the response readable by its id, with `get`. */
  keep?: boolean;
  /** Of a stream: an attempt that fails after output may be tried again; chunks begin anew. */
  restart?: boolean;
  /** Cancels the request when it aborts. */
  signal?: AbortSignal;
}

/** A request: what is to be run, and how it is to be treated. */
export interface Request<P = unknown> extends RequestOptions {
  /** Name of a registered model. */
  model: string;
  /** What the provider or the worker gets: text and bytes as they are, anything else as JSON. */
  payload?: P | string | Uint8Array;
}

/** A call that the caller makes itself, with an SDK of its own. */
export interface PermitRequest {
  /** Name of a registered model. */
  model: string;
  /** The body of the call, to estimate its tokens: looked at and not kept. */
  payload?: unknown;
  /** The form of the body; `chat` if not given. */
  operation?: OperationName;
  /** `normal` if not given. */
  priority?: PriorityName;
  /** Whose call it is; at most 255 bytes. */
  tenant?: string;
  /** The caller's own id, in logs; at most 1,024 bytes. */
  requestKey?: string;
  /** Bounds the wait and the permit: milliseconds from now, or a moment. */
  deadline?: number | Date;
  /** Milliseconds after which the permit is lost unless `heartbeat` renews it. The model's if not given. */
  lease?: number;
  /** Tokens that will enter the model, if llmq is not to estimate them; 0 = none. */
  estInputTokens?: number;
  /** Tokens that the model will produce, if llmq is not to estimate them; 0 = none. */
  estOutputTokens?: number;
  /** Gives the wait up when it aborts. */
  signal?: AbortSignal;
}

/** The same as a request. @internal */
export function permitRequest(permit: PermitRequest): Request {
  const { lease, ...rest } = permit;
  return lease === undefined ? rest : { ...rest, timeout: lease };
}

const OPERATIONS: Record<OperationName, number> = {
  chat: Operation.CHAT,
  embeddings: Operation.EMBEDDINGS,
  messages: Operation.MESSAGES,
  responses: Operation.RESPONSES,
  custom: Operation.CUSTOM,
};
const PRIORITIES: Record<PriorityName, number> = {
  urgent: Priority.URGENT,
  high: Priority.HIGH,
  normal: Priority.NORMAL,
  batch: Priority.BATCH,
};

const TEXTS_AT = BATCH * REQUEST_BYTES;
const TEXTS_ROOM = 1 << 20;
const KEEP_ROOM = 4 << 20; // a buffer that grew beyond this is not kept

/** What a request is for: to be run, or to give a permit. @internal */
export const enum Kind {
  SUBMIT = 0,
  ACQUIRE = 1,
}

function choose(table: Record<string, number>, name: string, what: string): number {
  const value = table[name];
  if (value !== undefined) return value;
  throw new TypeError(`${what} is ${Object.keys(table).join(', ')}, not ${String(name)}`);
}

function wrong(what: string, expected: string, value: unknown): never {
  throw new RangeError(`${what} must be ${expected}, not ${String(value)}`);
}

// Milliseconds from now; -1 = none.
function deadlineMs(deadline: number | Date | undefined): number {
  if (deadline === undefined) return -1;
  const ms = typeof deadline === 'number' ? deadline : deadline.getTime() - Date.now();
  if (Number.isNaN(ms)) return wrong('deadline', 'milliseconds or a valid Date', deadline);
  if (ms > 1e14) return -1; // three thousand years
  return ms > 0 ? ms : 0;
}

// 0 = the model's; -1 = none.
function timeoutMs(timeout: number | undefined): number {
  if (timeout === undefined) return 0;
  if (timeout === Infinity) return -1;
  if (timeout > 0 && timeout <= 1e12) return timeout;
  return wrong('timeout', 'milliseconds above 0 and at most 1e12, or Infinity', timeout);
}

// 0 = llmq estimates; -1 = none.
function tokens(count: number | undefined, what: string): number {
  if (count === undefined) return 0;
  if (count === 0) return -1;
  if (Number.isSafeInteger(count) && count > 0) return count;
  return wrong(what, 'a whole number from 0', count);
}

function attempts(count: number | undefined): number {
  if (count === undefined) return 0;
  if (Number.isInteger(count) && count >= 1 && count <= 60) return count;
  return wrong('maxAttempts', 'a whole number from 1 to 60', count);
}

// At most so many bytes as UTF-8.
function room(value: string | Uint8Array | undefined): number {
  if (value === undefined) return 0;
  if (typeof value !== 'string') return value.length;
  return value.length < 65536 ? value.length * 3 : Buffer.byteLength(value);
}

/**
 * Requests of one turn, as records in one buffer that the addon reads. Each text of a model and
 * tenant is written once in a row.
 * @internal
 */
export class RequestBuffer {
  /** Requests in it. */
  count = 0;
  buffer!: ArrayBuffer;
  words!: Int32Array;
  private doubles!: Float64Array;
  private bytes!: Buffer;
  private used = TEXTS_AT;
  private model = '';
  private modelAt = 0;
  private modelLength = 0;
  private tenant = '';
  private tenantAt = 0;
  private tenantLength = 0;

  constructor() {
    this.allocate(TEXTS_AT + TEXTS_ROOM);
  }

  private allocate(size: number): void {
    this.buffer = new ArrayBuffer(size);
    this.words = new Int32Array(this.buffer, 0, BATCH * RequestField.WORDS);
    this.doubles = new Float64Array(this.buffer, 0, BATCH * RequestField.DOUBLES);
    this.bytes = Buffer.from(this.buffer);
  }

  /** Makes it empty. */
  clear(): void {
    this.count = 0;
    this.used = TEXTS_AT;
    this.model = '';
    this.tenant = '';
    if (this.buffer.byteLength > KEEP_ROOM) this.allocate(TEXTS_AT + TEXTS_ROOM);
  }

  /** Appends a request. False if there is no room beside what is in it; it is empty then or full. */
  add(
    request: Request,
    payload: string | Uint8Array,
    slot: number,
    kind: Kind,
    flags: number,
  ): boolean {
    const need =
      room(payload) +
      room(request.model) +
      room(request.tenant) +
      room(request.requestKey) +
      room(request.dedupKey) +
      room(request.metadata);
    if (this.count === BATCH) return false;
    if (this.used + need > this.bytes.length) {
      if (this.count > 0) return false;
      this.allocate(TEXTS_AT + 2 ** Math.ceil(Math.log2(need)));
    }
    const w = this.count * RequestField.WORDS;
    const d = this.count * RequestField.DOUBLES;
    const { words, doubles } = this;
    words[w + RequestField.W_FLAGS] =
      flags |
      (request.lateUsage === true ? RequestFlags.LATE_USAGE : 0) |
      (request.keep === true ? RequestFlags.KEEP : 0) |
      (request.restart === true ? RequestFlags.RESTART : 0);
    words[w + RequestField.W_OPERATION] =
      request.operation === undefined
        ? Operation.CHAT
        : choose(OPERATIONS, request.operation, 'operation');
    words[w + RequestField.W_PRIORITY] =
      request.priority === undefined
        ? Priority.DEFAULT
        : choose(PRIORITIES, request.priority, 'priority');
    words[w + RequestField.W_MAX_ATTEMPTS] = attempts(request.maxAttempts);
    words[w + RequestField.W_SLOT] = slot;
    words[w + RequestField.W_KIND] = kind;
    doubles[d + RequestField.D_DEADLINE_MS] = deadlineMs(request.deadline);
    doubles[d + RequestField.D_TIMEOUT_MS] = timeoutMs(request.timeout);
    doubles[d + RequestField.D_INPUT_TOKENS] = tokens(request.estInputTokens, 'estInputTokens');
    doubles[d + RequestField.D_OUTPUT_TOKENS] = tokens(request.estOutputTokens, 'estOutputTokens');
    this.putModel(w, request.model);
    this.putTenant(w, request.tenant ?? '');
    this.put(w + RequestField.W_PAYLOAD, payload);
    this.put(w + RequestField.W_REQUEST_KEY, request.requestKey);
    this.put(w + RequestField.W_DEDUP_KEY, request.dedupKey);
    this.put(w + RequestField.W_METADATA, request.metadata);
    ++this.count;
    return true;
  }

  private putModel(w: number, model: string): void {
    if (model !== this.model) {
      if (typeof model !== 'string') throw new TypeError('model must be a string');
      this.modelAt = this.used;
      this.put(w + RequestField.W_MODEL, model);
      this.modelLength = this.used - this.modelAt;
      this.model = model;
    }
    this.words[w + RequestField.W_MODEL] = this.modelAt;
    this.words[w + RequestField.W_MODEL + 1] = this.modelLength;
  }

  private putTenant(w: number, tenant: string): void {
    if (tenant !== this.tenant) {
      this.tenantAt = this.used;
      this.put(w + RequestField.W_TENANT, tenant);
      this.tenantLength = this.used - this.tenantAt;
      this.tenant = tenant;
    }
    this.words[w + RequestField.W_TENANT] = this.tenantAt;
    this.words[w + RequestField.W_TENANT + 1] = tenant === '' ? 0 : this.tenantLength;
  }

  private put(word: number, value: string | Uint8Array | undefined): void {
    let length = 0;
    if (typeof value === 'string') {
      if (value.length > 0) length = this.bytes.write(value, this.used);
    } else if (value !== undefined) {
      this.bytes.set(value, this.used);
      length = value.length;
    }
    this.words[word] = this.used;
    this.words[word + 1] = length;
    this.used += length;
  }
}
