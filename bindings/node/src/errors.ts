import { Status } from './constants';
import type { Response } from './response';

const names = new Map<number, string>(
  Object.entries(Status).map(([name, value]) => [
    value,
    value === Status.OK ? 'LLMQ_OK' : `LLMQ_ERR_${name}`,
  ]),
);

/** Name of a status: `LLMQ_OK`, or `LLMQ_ERR_TIMEOUT` and so on; `LLMQ_ERR_?` if it is unknown. */
export function statusName(status: number): string {
  return names.get(status) ?? 'LLMQ_ERR_?';
}

/** Number of a status by its name, with or without `LLMQ_ERR_`; undefined if there is none. */
export function statusNumber(name: string): Status | undefined {
  const short = name.replace(/^LLMQ_(ERR_)?/, '');
  return (Status as Record<string, Status>)[short];
}

/** Number of a failure by its name; undefined if it names none. @internal */
export function failureOf(name: string): Status | undefined {
  const status = statusNumber(name);
  return status !== undefined && status < 0 ? status : undefined;
}

/**
 * What llmq could not do, or why a request failed.
 *
 * `code` says which kind of failure it is, as for errors of Node itself.
 */
export class LlmqError extends Error {
  override readonly name = 'LlmqError';
  /** Name of the status: `LLMQ_ERR_DEADLINE`, `LLMQ_ERR_QUEUE_FULL` and so on. */
  readonly code: string;
  /** Number of the status, a value of {@link Status}. */
  readonly status: number;
  /** The configuration key or argument that was at fault; empty if none. */
  readonly key: string;
  /** The outcome of the request, if it was accepted and then failed. */
  declare readonly response: Response<unknown> | undefined;

  constructor(status: number, message: string, key = '', response?: Response<unknown>) {
    super(message);
    this.code = statusName(status);
    this.status = status;
    this.key = key;
    // Not enumerable: who prints an error wants its words, not all of the response.
    Object.defineProperty(this, 'response', { value: response, enumerable: false });
  }
}
