/** A manager in the addon; nothing to look into. */
export type NativeManager = object & { readonly __manager: unique symbol };

/** Usage as five numbers: input, output, cached input, cost in millionths, reasoning. */
export type NativeUsage = [number, number, number, number, number];

/** Two halves of a 64-bit id, low first. */
export type Id = readonly [low: number, high: number];

/** The functions of the addon: see native/*.c, where each is described. */
export interface Native {
  readonly recordsVersion: number;
  load(path: string): string | undefined;
  setErrorClass(constructor: unknown): void;
  version(): string;
  create(
    json: string | null,
    shared: boolean,
    onEvents: (count: number, buffer: Buffer, long: ArrayBuffer[] | undefined) => void,
    logLevel: number,
    onLines: ((lines: (number | string)[], dropped: number) => void) | null,
    asksForKeys: boolean,
  ): NativeManager;
  destroy(manager: NativeManager): void;
  shutdown(manager: NativeManager, mode: number, deadlineMs: number, slot: number): boolean;
  registerModels(manager: NativeManager, json: string, skipExisting: boolean): void;
  removeModel(manager: NativeManager, model: string, mode: number): void;
  addDeployment(manager: NativeManager, model: string, name: string, json: string): void;
  removeDeployment(manager: NativeManager, model: string, name: string, mode: number): void;
  set(manager: NativeManager, key: string, value: string): void;
  keepAlive(manager: NativeManager, on: boolean): void;
  releaseChunk(manager: NativeManager, held: number): void;
  submit(
    manager: NativeManager,
    buffer: ArrayBuffer,
    count: number,
    all: boolean,
  ): (number | Error)[] | undefined;
  get(
    manager: NativeManager,
    low: number,
    high: number,
  ): [Buffer, ArrayBuffer[] | undefined] | undefined;
  setWorkers(manager: NativeManager, model: string, leaseMs: number): void;
  setHook(
    manager: NativeManager,
    mask: number,
    onRecords: ((records: ArrayBuffer | undefined) => void) | null,
  ): void;
  attemptSucceed(
    manager: NativeManager,
    low: number,
    high: number,
    data: string | Uint8Array,
    usage: NativeUsage | undefined,
  ): boolean;
  attemptFail(
    manager: NativeManager,
    low: number,
    high: number,
    status: number,
    message: string,
    retryAfterMs: number,
  ): boolean;
  attemptChunk(
    manager: NativeManager,
    low: number,
    high: number,
    data: string | Uint8Array,
  ): number;
  attemptHeartbeat(manager: NativeManager, low: number, high: number): boolean;
  keyAnswer(manager: NativeManager, low: number, high: number, key: string, error: string): boolean;
  permitRelease(
    manager: NativeManager,
    low: number,
    high: number,
    usage: NativeUsage | undefined,
  ): boolean;
  tryAcquire(manager: NativeManager, buffer: ArrayBuffer): [number, number, string] | number;
  statusMessage(status: number): string;
  check(manager: NativeManager, buffer: ArrayBuffer): void;
  estimate(manager: NativeManager, buffer: ArrayBuffer): NativeUsage;
  cancel(manager: NativeManager, low: number, high: number): boolean;
  state(manager: NativeManager, low: number, high: number): number;
  waitEstimate(
    manager: NativeManager,
    low: number,
    high: number,
  ): [number, number, number, string] | undefined;
  updateUsage(manager: NativeManager, low: number, high: number, usage: NativeUsage): void;
  stats(manager: NativeManager): string;
  models(manager: NativeManager): string;
  info(manager: NativeManager, model: string | null): string;
  reportLimits(manager: NativeManager, model: string, headers: string[]): void;
  attemptReportLimits(
    manager: NativeManager,
    low: number,
    high: number,
    headers: string[],
  ): boolean;
  explain(provider: string, record: string): string;
}
