import type { Core } from './core';
import { EventField, type Events } from './records';

/**
 * Gives the provider's key for a model and its deployment, `''` where a model has one without a
 * name. Undefined, null or `''`: there is none.
 */
export type KeyFunction = (
  model: string,
  deployment: string,
) => string | null | undefined | Promise<string | null | undefined>;

/** Answers the event KEY at `at` with what the function gives, now or later. @internal */
export function answerKey(core: Core, keys: KeyFunction, events: Events, at: number): void {
  const low = events.word(at, EventField.W_ATTEMPT_ID);
  const high = events.word(at, EventField.W_ATTEMPT_ID + 1);
  const [model = '', deployment = ''] = events.text(at, EventField.W_DATA).split('\0');
  const answer = (key: string, error: string): void => {
    if (core.isOpen) core.native.keyAnswer(core.handle, low, high, key, error);
  };
  // Not on this stack: what it does may add requests, or end the manager.
  void Promise.resolve()
    .then(() => keys(model, deployment))
    .then((key: unknown) => {
      if (typeof key !== 'string' && key !== undefined && key !== null)
        throw new TypeError(`a key is a string, not ${typeof key}`);
      answer(key ?? '', '');
    })
    .catch((error: unknown) => answer('', error instanceof Error ? error.message : String(error)));
}
