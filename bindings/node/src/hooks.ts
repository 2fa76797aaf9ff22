import { EventEmitter } from 'node:events';

import { BreakerState, HookType } from './constants';
import type { Core } from './core';
import { statusName } from './errors';
import { stateName, type StateName, type Usage } from './response';

/**
 * What a hook can be told of. Of one request they come in the order of its life; `breakerChanged`
 * and `limitChanged` are of a deployment.
 */
export type HookName =
  | 'requestSubmitted'
  | 'admitted'
  | 'attemptStarted'
  | 'firstByte'
  | 'attemptFinished'
  | 'retried'
  | 'breakerChanged'
  | 'limitChanged'
  | 'completed';

/** States of a circuit breaker. */
export type BreakerName = 'closed' | 'open' | 'half_open';

/** What has happened. Members that are not of its type are undefined. */
export interface HookEvent {
  /** What it is. */
  type: HookName;
  /** When it happened, in milliseconds as `Date.now()` has them. */
  timeMs: number;
  /** Name of the model. */
  model: string;
  /** Name of the deployment; empty if it has none. */
  deployment: string;
  /** Whose request it is. */
  tenant: string;
  /** Id of the request; of a shared call that of the call. */
  requestId?: bigint;
  /** Id of the attempt, once there is one. */
  attemptId?: bigint;
  /** Number of the attempt, from 1; of `completed` how many were made. */
  attempt?: number;
  /** `LLMQ_OK`, or why not: of the attempt, of the request, or what opened a circuit breaker. */
  code?: string;
  /** State of the request then. */
  state?: StateName;
  /** Usage of the last attempt, if it is known: `attemptFinished`, `completed`. */
  usage?: Usage;
  /** Milliseconds from the submit; once an attempt has started, until that. */
  queuedMs?: number;
  /** Milliseconds that the attempt ran: `attemptFinished`, `completed`. */
  runMs?: number;
  /** Milliseconds until the next attempt, at least: `retried`. */
  delayMs?: number;
  /** The attempt began beside another one that was slow. */
  hedge?: boolean;
  /** `completed` of a request that shared a call: the `requestId` of its attempts. */
  callId?: bigint;
  /** `limitChanged`: which one, as `tokens/1m of pool account`. */
  limit?: string;
  /** `limitChanged`: the amount before; 0 = there was none. */
  oldValue?: number;
  /** `limitChanged`: the amount after; 0 = there is none any more. */
  newValue?: number;
  /** `breakerChanged`: the state before. */
  oldState?: BreakerName;
  /** `breakerChanged`: the state after. */
  newState?: BreakerName;
  /** `breakerChanged` to `open`: when it is tried again, as `Date.now()` has it. */
  untilMs?: number;
  /** How many before this one were lost because their listeners were too slow. */
  lost: number;
}

/** A hook_record of native/records.h: 32-bit words (W), doubles (D). */
const enum HookField {
  W_SIZE = 0,
  W_TYPE = 1,
  W_REQUEST_ID = 2,
  W_ATTEMPT_ID = 4,
  W_CALL_ID = 6,
  W_ATTEMPT = 8,
  W_STATUS = 9,
  W_STATE = 10,
  W_USAGE_KNOWN = 11,
  W_MODEL_LENGTH = 12,
  D_LOST = 8,
  D_TIME_MS = 9,
  D_QUEUED_NS = 10,
  D_RUN_NS = 11,
  D_DELAY_NS = 12,
  D_INPUT_TOKENS = 13,
  D_OUTPUT_TOKENS = 14,
  D_CACHED_INPUT_TOKENS = 15,
  D_COST_MICROS = 16,
  D_REASONING_TOKENS = 17,
  D_OLD_VALUE = 18,
  D_NEW_VALUE = 19,
  D_UNTIL_MS = 20,
}
const HOOK_BYTES = 168;

const NAMES = new Map<number, HookName>(
  Object.entries(HookType).map(([name, bit]) => [
    bit,
    name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()) as HookName,
  ]),
);
const BITS = new Map([...NAMES].map(([bit, name]) => [name, bit]));
const BREAKERS = new Map(
  Object.entries(BreakerState).map(([name, value]) => [
    value as number,
    name.toLowerCase() as BreakerName,
  ]),
);

/** The bits of the names. Throws if one is unknown. @internal */
export function hookMask(names: readonly HookName[] | undefined): number {
  let mask = 0;
  for (const name of names ?? BITS.keys()) {
    const bit = BITS.get(name);
    if (bit === undefined)
      throw new TypeError(`hooks are ${[...BITS.keys()].join(', ')}, not ${name}`);
    mask |= bit;
  }
  return mask;
}

/**
 * Tells what happens to requests, limits and circuit breakers, for metrics and tracing:
 * `hooks.on('completed', (event) => ...)`, in the order in which it happens, from Node's own loop.
 * Nothing waits for a listener; if they are too slow, `lost` counts what there was no room for.
 * `close` is emitted when nothing more will come.
 */
export class Hooks extends EventEmitter {
  /** @internal */
  constructor(private readonly core: Core) {
    super();
  }

  /** Ends it. Nothing happens if another one has taken its place. */
  close(): void {
    this.core.unhook(this);
  }

  /** Calls the listener with each event of that name. What it throws is an uncaught exception. */
  override on(name: HookName, listener: (event: HookEvent) => void): this;
  /** Calls the listener when nothing more will come. */
  override on(name: 'close', listener: () => void): this;
  override on(name: string, listener: (event: HookEvent) => void): this {
    return super.on(name, listener);
  }

  /** As `on`, with the next event alone. */
  override once(name: HookName, listener: (event: HookEvent) => void): this;
  /** As `on`. */
  override once(name: 'close', listener: () => void): this;
  override once(name: string, listener: (event: HookEvent) => void): this {
    return super.once(name, listener);
  }

  /** Gets the records of the addon. @internal */
  tell(buffer: ArrayBuffer): void {
    const words = new Int32Array(buffer);
    for (let at = 0; at < words.length; at += (words[at + HookField.W_SIZE] as number) / 4) {
      const event = readHook(buffer, words, at);
      if (event === undefined) continue; // of a later version
      try {
        this.emit(event.type, event);
      } catch (error) {
        // As for any emitter an uncaught exception, but the other events are told too.
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }
}

function readHook(buffer: ArrayBuffer, words: Int32Array, at: number): HookEvent | undefined {
  const type = NAMES.get(words[at + HookField.W_TYPE] as number);
  if (type === undefined) return undefined;
  const doubles = new Float64Array(buffer, at * 4, HOOK_BYTES / 8);
  const double = (field: HookField): number => doubles[field] as number;
  const id = (field: HookField): bigint | undefined => {
    const low = words[at + field] as number;
    const high = words[at + field + 1] as number;
    return (low | high) === 0 ? undefined : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  };
  let end = at * 4 + HOOK_BYTES;
  const text = (index: number): string => {
    const length = words[at + HookField.W_MODEL_LENGTH + index] as number;
    end += length;
    return Buffer.from(buffer, end - length, length).toString();
  };
  const [model, deployment, tenant, limit] = [text(0), text(1), text(2), text(3)];
  const event: HookEvent = {
    type,
    timeMs: double(HookField.D_TIME_MS),
    model,
    deployment,
    tenant,
    lost: double(HookField.D_LOST),
  };
  if (type === 'limitChanged') {
    event.limit = limit;
    event.oldValue = double(HookField.D_OLD_VALUE);
    event.newValue = double(HookField.D_NEW_VALUE);
    return event;
  }
  const status = words[at + HookField.W_STATUS] as number;
  if (type === 'breakerChanged') {
    event.oldState = BREAKERS.get(double(HookField.D_OLD_VALUE)) ?? 'closed';
    event.newState = BREAKERS.get(double(HookField.D_NEW_VALUE)) ?? 'closed';
    if (status !== 0) event.code = statusName(status);
    if (double(HookField.D_UNTIL_MS) > 0) event.untilMs = double(HookField.D_UNTIL_MS);
    return event;
  }
  const attempt = words[at + HookField.W_ATTEMPT] as number;
  const state = stateName(words[at + HookField.W_STATE] as number);
  const [requestId, attemptId, callId] = [
    id(HookField.W_REQUEST_ID),
    id(HookField.W_ATTEMPT_ID),
    id(HookField.W_CALL_ID),
  ];
  if (requestId !== undefined) event.requestId = requestId;
  if (attemptId !== undefined) event.attemptId = attemptId;
  if (callId !== undefined) event.callId = callId;
  if (state !== undefined) event.state = state;
  if (attempt > 0) event.attempt = attempt;
  if (double(HookField.D_NEW_VALUE) !== 0) event.hedge = true;
  event.queuedMs = double(HookField.D_QUEUED_NS) / 1e6;
  if (type === 'retried') event.delayMs = double(HookField.D_DELAY_NS) / 1e6;
  if (type === 'retried' || type === 'attemptFinished' || type === 'completed')
    event.code = statusName(status);
  if (type === 'attemptFinished' || type === 'completed') {
    event.runMs = double(HookField.D_RUN_NS) / 1e6;
    if (words[at + HookField.W_USAGE_KNOWN] !== 0)
      event.usage = {
        inputTokens: double(HookField.D_INPUT_TOKENS),
        outputTokens: double(HookField.D_OUTPUT_TOKENS),
        cachedInputTokens: double(HookField.D_CACHED_INPUT_TOKENS),
        reasoningTokens: double(HookField.D_REASONING_TOKENS),
        costMicros: double(HookField.D_COST_MICROS),
      };
  }
  return event;
}
