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
  /** How often it makes a call again. */
  maxRetries?: number;
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
  /**
   * Calls of one request, the first included, after failures that may be tried again; one more than
   * the client's `maxRetries` if not given.
   */
  maxAttempts?: number;
  /** Whose answers they are, as the key `provider`; told from the client or the URL if not given. */
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
}

const OPERATIONS: readonly [RegExp, OperationName][] = [
  [/\/chat\/completions$/, 'chat'],
  [/\/embeddings$/, 'embeddings'],
  [/\/messages$/, 'messages'],
  [/\/responses$/, 'responses'],
];
const NO_TIMEOUT_MS = 2 ** 31 - 1; // the longest that a timer of Node takes
// What SDKs have by themselves.
const DEFAULT_TIMEOUT_MS = 600_000;
const DEFAULT_RETRIES = 2;
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
function again(answer: globalThis.Response, bytes: ArrayBuffer): globalThis.Response {
  const { status, statusText, headers } = answer;
  return new globalThis.Response(bytes.byteLength === 0 ? null : bytes, {
    status,
    statusText,
    headers,
  });
}

/** One call to the provider, until its answer is read: what ends it before. */
class Sending {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  /** Whether it took too long. */
  late = false;
  /** Called when the SDK gives the call up. */
  onAbort = (): void => undefined;

  constructor(
    private readonly call: Call,
    private readonly timeoutMs: number,
  ) {
    call.signal?.addEventListener('abort', this.abort, { once: true });
    this.begin();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Its time begins. */
  begin(): void {
    this.stop();
    this.timer = setTimeout(() => {
      this.late = true;
      this.controller.abort();
    }, this.timeoutMs);
  }

  /** Its time stands still: nobody waits for the provider. */
  stop(): void {
    clearTimeout(this.timer);
  }

  /** The answer has been read, or will not be. */
  end(): void {
    this.stop();
    this.call.signal?.removeEventListener('abort', this.abort);
  }

  private readonly abort = (): void => {
    this.controller.abort(this.call.signal?.reason);
    this.onAbort();
  };

  /** Nobody reads the answer any more. */
  drop(): void {
    this.end();
    this.controller.abort();
  }
}

// Answers that nobody has any more and nobody has read to their end.
const unread = new FinalizationRegistry<() => void>((drop) => drop());

/** A call without an answer, or with a part of one, ends its permit. */
function broken(call: Call, permit: Permit, sending: Sending, error: unknown): void {
  sending.end();
  // Of a call that was given up it is not known what was used.
  if (call.signal?.aborted === true) permit.release();
  else permit.fail(sending.late ? 'LLMQ_ERR_TIMEOUT' : 'LLMQ_ERR_TRANSPORT', String(error));
}

/**
 * The stream as it is; its end, whichever way, ends the permit. While somebody waits for the next
 * piece, that is bound as an answer is; while nobody does, the permit's lease goes on.
 */
function watched(
  call: Call,
  permit: Permit,
  sending: Sending,
  answer: globalThis.Response,
): globalThis.Response {
  const { status, statusText, headers, body } = answer;
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = '';
  sending.onAbort = () => permit.release();
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      sending.begin();
      try {
        const { done, value } = await reader.read();
        sending.stop();
        if (done) {
          sending.end();
          end(permit, judge(call, status, headers, text + decoder.decode()));
          controller.close();
        } else {
          text += decoder.decode(value, { stream: true });
          permit.heartbeat();
          controller.enqueue(value);
        }
      } catch (error) {
        broken(call, permit, sending, error);
        controller.error(error);
      }
    },
    cancel(reason) {
      sending.end();
      permit.release(); // what was used is not known
      return reader.cancel(reason);
    },
  });
  unread.register(stream, () => {
    permit.fail('LLMQ_ERR_ABANDONED', 'its stream was dropped');
    sending.drop();
  });
  return new globalThis.Response(stream, { status, statusText, headers });
}

/** How the calls of a client are made. */
interface Settings {
  readonly fetch: typeof fetch;
  readonly provider: string | undefined;
  readonly timeoutMs: number;
  readonly attempts: number;
}

function providerOfClient(client: object): string | undefined {
  for (
    let of = Object.getPrototypeOf(client) as object;
    of !== null;
    of = Object.getPrototypeOf(of)
  ) {
    const { name } = of.constructor;
    if (name.includes('Anthropic')) return 'anthropic';
    if (name.includes('Azure')) return 'azure';
  }
  return undefined;
}

function providerOfUrl(url: URL, operation: OperationName): string {
  if (operation === 'messages') return 'anthropic'; // Azure has these too
  const azure =
    url.hostname.endsWith('.azure.com') || url.pathname.includes('/openai/deployments/');
  return azure ? 'azure' : 'openai';
}

class Calls {
  constructor(
    private readonly settings: Settings,
    private readonly options: WrapOptions,
  ) {}

  private sharedManager: Manager | undefined;

  private managerFor({ model, provider }: Call): Manager {
    if (this.options.manager !== undefined) return this.options.manager;
    this.sharedManager ??= Manager.shared();
    const charge = provider === 'anthropic' ? 'realtime' : 'arrival'; // docs/configuration.md, Providers
    const settings = { name: model, find_limits: true, shape: 'auto', charge };
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
    const provider = this.settings.provider ?? providerOfUrl(url, operation);
    const signal = init?.signal ?? undefined;
    return { model, body, operation, provider, signal };
  }

  /** In place of the SDK's fetch. */
  async fetch(input: FetchInput, init?: RequestInit): Promise<globalThis.Response> {
    const call = this.callOf(input, init);
    if (call === undefined) return this.settings.fetch(input, init);
    const manager = this.managerFor(call);
    for (let attempt = 1; ; ++attempt) {
      const permit = await manager.acquire(this.permitRequest(call));
      const last = attempt >= this.settings.attempts;
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
    const sending = new Sending(call, this.settings.timeoutMs);
    try {
      const answer = await this.settings.fetch(input, {
        ...directed(call, permit, init),
        signal: sending.signal,
      });
      reportLimits(permit, answer.headers);
      const streams = answer.headers.get('content-type')?.startsWith('text/event-stream') === true;
      if (answer.ok && streams && answer.body !== null)
        return watched(call, permit, sending, answer);
      const bytes = await answer.arrayBuffer();
      sending.end();
      const text = new TextDecoder().decode(bytes);
      const verdict = judge(call, answer.status, answer.headers, text);
      // What went well may be in no form that llmq knows: sound, or of an operation of its own.
      if (answer.ok) permit.release(usageOf(verdict));
      else end(permit, verdict);
      return verdict.retryable && !answer.ok && !last ? undefined : again(answer, bytes);
    } catch (error) {
      broken(call, permit, sending, error);
      if (last || call.signal?.aborted === true) throw error;
      return undefined;
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
 * The client's time-out bounds each call until its answer is read, of a stream each wait for a
 * piece; a time-out of a request also its wait. A stream that nobody reads on loses its permit
 * after the model's `timeout_ms`. Failures are the SDK's own errors; where llmq gave no permit,
 * their `cause` is the LlmqError.
 */
export function wrap<C extends SdkClient>(client: C, options: WrapOptions = {}): C {
  const calls = new Calls(
    {
      fetch: (client as { fetch?: typeof fetch }).fetch ?? globalThis.fetch,
      provider: options.provider ?? providerOfClient(client),
      timeoutMs: Math.min(client.timeout ?? DEFAULT_TIMEOUT_MS, NO_TIMEOUT_MS),
      attempts: options.maxAttempts ?? 1 + (client.maxRetries ?? DEFAULT_RETRIES),
    },
    options,
  );
  const withOptions = client.withOptions.bind(client) as (changes: object) => C;
  const wrapped = withOptions({
    ...ofAzure(client as object),
    maxRetries: 0,
    timeout: NO_TIMEOUT_MS,
    fetch: (input: FetchInput, init?: RequestInit) => calls.fetch(input, init),
  });
  withoutRetries(wrapped as HasRequest);
  return wrapped;
}

/** What `withOptions` of the SDK for Azure forgets, and must have. */
function ofAzure(client: { apiVersion?: string; deploymentName?: string }): object {
  const { apiVersion, deploymentName } = client;
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(deploymentName === undefined ? {} : { deployment: deploymentName }),
  };
}

interface HasRequest {
  request?: (options: unknown, retries: number) => unknown;
}

// A request's own `maxRetries` would be the SDK's: each of its tries would be as many of llmq's.
function withoutRetries(client: HasRequest): void {
  const { request } = client;
  if (request !== undefined) client.request = (options) => request.call(client, options, 0);
}
