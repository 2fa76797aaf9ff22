import { type Core, Sink, type SinkPermit } from './core';
import { Status } from './constants';
import { failureOf, LlmqError } from './errors';
import { usageNumbers, waitMs } from './reported';
import type { Response, Usage } from './response';

// Permits that nobody has any more and nobody has ended.
const dropped = new FinalizationRegistry<{ core: Core; given: SinkPermit }>(({ core, given }) => {
  if (!core.isOpen) return;
  const words = 'its permit was dropped';
  core.native.attemptFail(core.handle, given.idLow, given.idHigh, Status.ABANDONED, words, 0);
});

/**
 * The right to make one call with an SDK of your own. End it once: `release`, or `fail`. With
 * `await using permit = await manager.acquire(...)` it ends with its block, if nothing else did.
 * One that is collected as garbage before ends too, some time, with `LLMQ_ERR_ABANDONED`: a net.
 */
export class Permit implements AsyncDisposable {
  /** Name of the model that the call is for: another one than asked for, if there is a fallback. */
  readonly model: string;
  /** Name of the deployment that the call must go to; empty if it has none. */
  readonly deployment: string;
  private ended = false;

  /** @internal */
  constructor(
    private readonly core: Core,
    private readonly given: SinkPermit,
  ) {
    this.model = given.model;
    this.deployment = given.deployment;
    dropped.register(this, { core, given }, this);
  }

  /**
   * The call went well. Without usage what was reserved stays charged; of a call that was not made
   * tell zeros. False if the permit was lost or has ended before. Throws an LlmqError of a usage
   * that cannot be; the permit is still held then.
   */
  release(usage?: Usage): boolean {
    if (this.ended || !this.core.isOpen) return false;
    const numbers = usage === undefined ? undefined : usageNumbers(usage);
    const { idLow, idHigh } = this.given;
    const { native, handle } = this.core;
    return this.end(native.permitRelease(handle, idLow, idHigh, numbers));
  }

  /**
   * The call failed: `LLMQ_ERR_RATE_LIMITED` with what the answer asked to wait, in milliseconds,
   * teaches the limits; `LLMQ_ERR_OVERLOADED`, `_SERVER` and `_TRANSPORT` the bounds of load.
   * Nothing is tried again: ask for another permit. False if it was lost or has ended before.
   * Throws of a code or time that cannot be; the permit is still held then.
   */
  fail(code: string, message = '', options: { retryAfter?: number } = {}): boolean {
    const status = failureOf(code);
    if (status === undefined)
      throw new TypeError(`code must be the name of a failure, not ${code}`);
    if (this.ended || !this.core.isOpen) return false;
    const { idLow, idHigh } = this.given;
    const retryAfter = waitMs(options.retryAfter ?? 0);
    const { native, handle } = this.core;
    return this.end(native.attemptFail(handle, idLow, idHigh, status, message, retryAfter));
  }

  /** Nothing is thrown: the library knows that it has ended, or knew it before. */
  private end(known: boolean): boolean {
    this.ended = true;
    dropped.unregister(this);
    return known;
  }

  /** Renews the lease; false if the permit was lost. */
  heartbeat(): boolean {
    if (!this.core.isOpen) return false;
    return this.core.native.attemptHeartbeat(this.core.handle, this.given.idLow, this.given.idHigh);
  }

  /**
   * Tells the headers of the answer, which teach the limits of the deployment that was called, before
   * the permit is ended; false if it was lost.
   */
  reportLimits(headers: Iterable<readonly [string, string]>): boolean {
    const { idLow, idHigh } = this.given;
    const { native, handle } = this.core;
    return native.attemptReportLimits(handle, idLow, idHigh, [...headers].flat());
  }

  /** Ends it as `release()` without usage, unless it has ended. */
  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }
}

/** A request for a permit. @internal */
export class PermitWaiter extends Sink {
  private unwatch: (() => void) | undefined;
  private signal: AbortSignal | undefined;

  constructor(
    private readonly resolve: (permit: Permit) => void,
    private readonly reject: (reason: unknown) => void,
  ) {
    super();
  }

  follow(core: Core, signal: AbortSignal): void {
    const abort = (): void => void core.cancel(this);
    this.signal = signal;
    signal.addEventListener('abort', abort, { once: true });
    this.unwatch = () => signal.removeEventListener('abort', abort);
  }

  override permit(core: Core, given: SinkPermit): void {
    this.unwatch?.();
    this.resolve(new Permit(core, given));
  }

  override done(response: Response): void {
    this.unwatch?.();
    if (this.signal?.aborted === true && response.status === Status.CANCELLED)
      this.reject(this.signal.reason);
    else this.reject(response.error);
  }

  override refused(error: LlmqError): void {
    this.unwatch?.();
    this.reject(error);
  }
}
