/** A limit, as docs/configuration.md describes it: one kind, its amount, and the period. */
export interface LimitConfig {
  /** Requests per period. */
  requests?: number;
  /** Input and output tokens per period. */
  tokens?: number;
  /** Input tokens per period. */
  input_tokens?: number;
  /** Output tokens per period. */
  output_tokens?: number;
  /** Money per period, in the unit of the model's prices. */
  cost?: number;
  /** Attempts at a time; without a period. */
  concurrency?: number;
  /** The period: `1s` to `31d`, as `1m`. */
  per?: string;
  /** Further options: `shape`, `burst`, `charge`, `per_tenant` and so on. */
  [option: string]: unknown;
}

/** A model: the keys `model.*` of docs/configuration.md, nested where their names have points. */
export interface ModelConfig {
  /** What requests call it; `*` gives defaults for all models. */
  name: string;
  /** Who runs it: `openai`, `anthropic`, `mock` and so on; without it, workers of this program. */
  provider?: string;
  /** Limits that hold together. */
  limits?: LimitConfig[];
  /** Requests per minute. */
  rpm?: number;
  /** Requests per day. */
  rpd?: number;
  /** Tokens per minute. */
  tpm?: number;
  /** Tokens per day. */
  tpd?: number;
  /** Input tokens per minute. */
  itpm?: number;
  /** Output tokens per minute. */
  otpm?: number;
  /** Attempts at a time. */
  concurrency?: number;
  /** Where the API is. */
  base_url?: string;
  /** Environment variable that holds the key. */
  api_key_env?: string;
  /** Pools whose limits it shares. */
  pool?: string[];
  /** Places where it is called. */
  deployments?: Record<string, unknown>[];
  /** `max_attempts`, `base_ms`, `cap_ms`, `on` and so on. */
  retry?: Record<string, unknown>;
  /** Any other key of a model. */
  [key: string]: unknown;
}

/** The configuration of a manager: the library's own JSON document (docs/configuration.md). */
export interface Config {
  /** Live requests, waiting or running; one more is refused. */
  max_pending?: number;
  /** The models. */
  models?: ModelConfig[];
  /** Limits that several models share. */
  pools?: ({ name: string; limits?: LimitConfig[] } & Record<string, unknown>)[];
  /** Weights and bounds of tenants. */
  tenants?: ({ name: string } & Record<string, unknown>)[];
  /** Any other key of a manager. */
  [key: string]: unknown;
}

/** The document as text. @internal */
export function configText(config: Config | string): string {
  return typeof config === 'string' ? config : JSON.stringify(config);
}
