// What workers and holders of permits report, in the form that the library takes.
import { Status } from './constants';
import { LlmqError } from './errors';
import type { NativeUsage } from './native';
import type { Usage } from './response';

const LONGEST_MS = 1e12; // later than this is never, and fits in nanoseconds

function refuse(key: string, message: string): never {
  throw new LlmqError(Status.INVALID_ARG, message, key);
}

function count(usage: Usage, name: keyof Usage): number {
  const value: unknown = usage[name];
  const number = value as number;
  if (!Number.isInteger(value))
    return refuse('usage', `usage: ${name} is ${shown(value)}, and must be a whole number`);
  if (number < 0) return refuse('usage', `usage: ${name} is ${number}, and must be 0 or more`);
  if (number > Number.MAX_SAFE_INTEGER)
    return refuse('usage', `usage: ${name} is ${number}, and must be less than 2^53`);
  return number;
}

function optional(usage: Usage, name: keyof Usage): number {
  return usage[name] == null ? 0 : count(usage, name);
}

/** Usage as the addon takes it. Throws an LlmqError that names the member which cannot be. */
export function usageNumbers(usage: Usage): NativeUsage {
  if (typeof usage !== 'object' || (usage as unknown) === null)
    return refuse('usage', `usage is ${shown(usage)}, and must be an object`);
  return [
    count(usage, 'inputTokens'),
    count(usage, 'outputTokens'),
    optional(usage, 'cachedInputTokens'),
    optional(usage, 'costMicros'),
    optional(usage, 'reasoningTokens'),
  ];
}

/** Milliseconds after which a new try makes sense. Throws an LlmqError if they are no time. */
export function waitMs(retryAfter: number): number {
  if (typeof retryAfter === 'number' && retryAfter >= 0 && retryAfter < Infinity)
    return Math.min(retryAfter, LONGEST_MS);
  const what = `retryAfter is ${shown(retryAfter)}, and must be milliseconds, 0 or more and finite`;
  return refuse('retryAfter', what);
}

/** A payload or a result: text and bytes as they are, nothing as empty, all else as JSON. */
export function encode(value: unknown, what: string): string | Uint8Array {
  if (typeof value === 'string' || value instanceof Uint8Array) return value;
  if (value === undefined) return '';
  const text = JSON.stringify(value) as string | undefined;
  if (text !== undefined) return text;
  throw new TypeError(`${what} must be text, bytes or a value of JSON, not a ${typeof value}`);
}

/** What something that was thrown says. */
export function wordsOf(thrown: unknown): string {
  return shown(thrown instanceof Error ? thrown.message : thrown);
}

// Anything may be thrown or given for a number: also what cannot be made text.
function shown(value: unknown): string {
  try {
    return String(value);
  } catch {
    return typeof value;
  }
}
