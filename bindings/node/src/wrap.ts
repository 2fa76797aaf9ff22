import { LlmqError } from './errors';
import { explain } from './library';
import { Manager } from './manager';
import type { Permit } from './permit';
import type { OperationName, PermitRequest, PriorityName } from './request';
import type { Usage } from './response';

/** A client of the SDKs of OpenAI or Anthropic, or of another one that is made as these. */
export interface SdkClient {
  /** A copy of the client with other options. */
  withOptions(options: never): unknown;
  /** Milliseconds that one call may take. */
  timeout?: number;
}

/** How the calls of a client are treated. */
export interface WrapOptions {
  /**
   * Whose models and limits hold. Without it the process's shared manager; a model that it does not
   * know is registered then, and its limits are found in the provider's answers.
   */
  manager?: Manager;
  /** Whose calls they are. */
  tenant?: string;
  /** `normal` if not given. */
  priority?: PriorityName;
  /** Calls of one request, the first included, after failures that may be tried again; 8 if not given. */
  maxAttempts?: number;
  /** Whose answers they are, as the key `provider`; told from the URL if not given. */
  provider?: string;
}

type FetchInput = string | URL | globalThis.Request;

/** What a call is about, told from its URL and body. */
interface Call {
  readonly model: string;
  readonly body: string;
  readonly operation: OperationName;
  readonly provider: string;
  readonly signal: AbortSignal | undefined;
  /** Of one attempt. */
  readonly timeoutMs: number | undefined;
}

const OPERATIONS: readonly [RegExp, OperationName][] = [
  [/\/chat\/completions$/, 'chat'],
  [/\/embeddings$/, 'embeddings'],
  [/\/messages$/, 'messages'],
  [/\/responses$/, 'responses'],
];
const NO_TIMEOUT_MS = 2 ** 31 - 1; // the longest that a timer of Node takes
const BACKOFF_MS = 500;
const BACKOFF_MAX_MS = 30_000;

/** The library's verdict on an answer (docs/explain.md). */
interface Verdict {
  readonly status: string;
  readonly retryable: boolean;
  readonly retry_after_ms: number | null;
  readonly message?: string;
  readonly usage: {
    readonly input_tokens: number | null;
    readonly output_tokens: number | null;
    readonly cached_input_tokens: number | null;
  } | null;
}

function judge(call: Call, status: number, headers: Headers, body: string): Verdict {
  const record = { status, headers: Object.fromEntries(headers), body, now_unix_ms: Date.now() };
  return explain(call.provider, record) as unknown as Verdict;
}

function usageOf(verdict: Verdict): Usage | undefined {
  const { usage } = verdict;
  if (usage === null) return undefined;
  return {
    inputTokens: usage.input_tokens ?? 0,
    outputTokens: usage.output_tokens ?? 0,
    cachedInputTokens: usage.cached_input_tokens ?? 0,
  };
}

function end(permit: Permit, verdict: Verdict): void {
  if (verdict.status === 'LLMQ_OK') permit.release(usageOf(verdict));
  else
    permit.fail(verdict.status, verdict.message ?? '', { retryAfter: verdict.retry_after_ms ?? 0 });
}

/** The request as it goes to the model of its permit: perhaps one that this fell back to. */
function directed(
  call: Call,
  permit: Permit,
  init: RequestInit | undefined,
): RequestInit | undefined {
  if (permit.model === call.model) return init;
  const asked = JSON.parse(call.body) as object;
  return { ...init, body: JSON.stringify({ ...asked, model: permit.model }) };
}

/** An answer that was read, once more for the SDK. */
function again(answer: globalThis.Response, body: string): globalThis.Response {
  const { status, statusText, headers } = answer;
  return new globalThis.Response(body === '' && status === 204 ? null : body, {
    status,
    statusText,
    headers,
  });
}

/** The stream as it is; its end, whichever way, ends the permit. */
function watched(call: Call, permit: Permit, answer: globalThis.Response): globalThis.Response {
  const { status, statusText, headers, body } = answer;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (done) {
          end(permit, judge(call, status, headers, text + decoder.decode()));
          controller.close();
        } else {
          text += decoder.decode(value, { stream: true });
          permit.heartbeat();
          controller.enqueue(value);
        }
      } catch (error) {
        if (call.signal?.aborted === true) permit.release();
        else permit.fail('LLMQ_ERR_TRANSPORT', String(error));
        controller.error(error);
      }
    },
    cancel(reason) {
      permit.release(); // what was used is not known
      return reader.cancel(reason);
    },
  });
  return new globalThis.Response(stream, { status, statusText, headers });
}

class Calls {
  constructor(
    private readonly inner: typeof fetch,
    private readonly options: WrapOptions,
    private readonly timeoutMs: number | undefined,
  ) {}

  private sharedManager: Manager | undefined;

  private managerFor(model: string): Manager {
    if (this.options.manager !== undefined) return this.options.manager;
    this.sharedManager ??= Manager.shared();
    const settings = { name: model, find_limits: true, shape: 'auto' };
    if (!this.sharedManager.models().includes(model))
      this.sharedManager.registerModels([settings], { skipExisting: true });
    return this.sharedManager;
  }

  /** The call that the SDK wants to make; undefined if it is none of a model. */
  private callOf(input: FetchInput, init: RequestInit | undefined): Call | undefined {
    const url = new URL(input instanceof globalThis.Request ? input.url : input);
    const body = init?.body;
    if (typeof body !== 'string') return undefined;
    let model: unknown;
    try {
      model = (JSON.parse(body) as { model?: unknown }).model;
    } catch {
      return undefined; // not ours to judge
    }
    if (typeof model !== 'string') return undefined;
    const operation = OPERATIONS.find(([path]) => path.test(url.pathname))?.[1] ?? 'custom';
    const provider = this.options.provider ?? (operation === 'messages' ? 'anthropic' : 'openai');
    const signal = init?.signal ?? undefined;
    return { model, body, operation, provider, signal, timeoutMs: this.timeoutMs };
  }

  /** In place of the SDK's fetch. */
  async fetch(input: FetchInput, init?: RequestInit): Promise<globalThis.Response> {
    const call = this.callOf(input, init);
    if (call === undefined) return this.inner(input, init);
    const manager = this.managerFor(call.model);
    const attempts = this.options.maxAttempts ?? 8;
    for (let attempt = 1; ; ++attempt) {
      const permit = await manager.acquire(this.permitRequest(call));
      const last = attempt >= attempts;
      const result = await this.attempt(call, permit, input, init, last);
      if (result !== undefined) return result;
      // What a limit must wait for, the next permit waits for; the rest backs off.
      const delay = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** (attempt - 1)) * Math.random();
      await manager.core.pause(delay, call.signal);
    }
  }

  private permitRequest(call: Call): PermitRequest {
    const { tenant, priority } = this.options;
    return {
      model: call.model,
      operation: call.operation,
      payload: call.operation === 'custom' ? undefined : call.body,
      lease: Infinity, // the call itself ends: by its answer, its time-out, or the SDK's signal
      ...(tenant === undefined ? {} : { tenant }),
      ...(priority === undefined ? {} : { priority }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    };
  }

  /** Makes one call. Undefined: it failed, and may be tried again. */
  private async attempt(
    call: Call,
    permit: Permit,
    input: FetchInput,
    init: RequestInit | undefined,
    last: boolean,
  ): Promise<globalThis.Response | undefined> {
    try {
      const answer = await this.send(call, input, directed(call, permit, init));
      reportLimits(permit, answer.headers);
      const streams = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
      if (answer.ok && streams && answer.body !== null) return watched(call, permit, answer);
      const body = await answer.text();
      const verdict = judge(call, answer.status, answer.headers, body);
      end(permit, verdict);
      return verdict.retryable && !last ? undefined : again(answer, body);
    } catch (error) {
      if (call.signal?.aborted === true) {
        permit.release(); // what was used is not known
        throw error;
      }
      const code =
        (error as Error).name === 'AbortError' ? 'LLMQ_ERR_TIMEOUT' : 'LLMQ_ERR_TRANSPORT';
      permit.fail(code, String(error));
      if (last) throw error;
      return undefined;
    }
  }

  /** The SDK's time-out bounds each call, not the wait for the limits. */
  private async send(
    call: Call,
    input: FetchInput,
    init: RequestInit | undefined,
  ): Promise<globalThis.Response> {
    const controller = new AbortController();
    const abort = (): void => controller.abort(call.signal?.reason);
    const timer =
      call.timeoutMs === undefined
        ? undefined
        : setTimeout(() => controller.abort(), call.timeoutMs);
    call.signal?.addEventListener('abort', abort, { once: true });
    try {
      return await this.inner(input, { ...init, signal: controller.signal });
    } finally {
      clearTimeout(timer); // bodies are the SDK's to bound, by its signal
    }
  }
}

function reportLimits(permit: Permit, headers: Headers): void {
  try {
    permit.reportLimits(headers);
  } catch (error) {
    // A manager that has begun to shut down learns no more; the answer is there all the same.
    if (!(error instanceof LlmqError)) throw error;
  }
}

/**
 * A copy of an SDK's client whose calls wait for llmq's limits, in their order: each takes a
 * permit, failures that may be tried again are, by llmq alone, and usage and rate limits of the
 * answers are learnt. `const client = llmq.wrap(new OpenAI())`. Calls without a model pass through.
 * Where the model falls back (`fallback.models`), the body names the model that the permit is for;
 * address and key stay the client's.
 *
 * The client's time-out bounds each call; a time-out of a request also its wait. Failures are the
 * SDK's own errors; where llmq gave no permit, their `cause` is the LlmqError.
 */
export function wrap<C extends SdkClient>(client: C, options: WrapOptions = {}): C {
  const inner = (client as { fetch?: typeof fetch }).fetch ?? globalThis.fetch;
  const calls = new Calls(inner, options, client.timeout);
  const withOptions = client.withOptions.bind(client) as (changes: object) => C;
  return withOptions({
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    fetch: (input: FetchInput, init?: RequestInit) => calls.fetch(input, init),
  });
}
