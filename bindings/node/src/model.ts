import type { Manager } from './manager';
import type { Request, RequestOptions } from './request';
import type { Response } from './response';
import type { Submission } from './submission';

/**
 * A model with types: `In` is what its requests carry, `Out` what their responses are, `C` what the
 * chunks of a stream are; all as JSON.
 */
export class Model<In = unknown, Out = unknown, C = unknown> {
  /** Name of the model. */
  readonly name: string;
  private readonly manager: Manager;
  private readonly defaults: RequestOptions;

  /** @internal */
  constructor(manager: Manager, name: string, defaults: RequestOptions) {
    this.manager = manager;
    this.name = name;
    this.defaults = defaults;
  }

  private request(payload: In, options: RequestOptions | undefined): Request<In> {
    return { ...this.defaults, ...options, model: this.name, payload };
  }

  /** As `Manager.submit`. */
  submit(payload: In, options?: RequestOptions): Promise<Response<Out>> {
    return this.manager.submit<Out, In>(this.request(payload, options));
  }

  /** As `Manager.submitMany`, with the same options for all. */
  submitMany(payloads: Iterable<In>, options?: RequestOptions): Promise<Response<Out>[]> {
    const requests: Request<In>[] = [];
    for (const payload of payloads) requests.push(this.request(payload, options));
    return this.manager.submitMany<Out, In>(requests);
  }

  /** As `Manager.post`. */
  post(payload: In, options?: RequestOptions): void {
    this.manager.post(this.request(payload, options));
  }

  /** As `Manager.stream`. */
  stream(payload: In, options?: RequestOptions): Submission<Out, C> {
    return this.manager.stream<C, Out, In>(this.request(payload, options));
  }
}
