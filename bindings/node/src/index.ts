/**
 * llmq runs calls to LLM APIs as early as their limits allow, in order, each answered once.
 *
 * @packageDocumentation
 */
export { Config, LimitConfig, ModelConfig } from './config';
export { Operation, Priority, State, Status } from './constants';
export { Logger, LogLevelName } from './core';
export { LlmqError, statusName } from './errors';
export { BreakerName, HookEvent, HookName, Hooks } from './hooks';
export { KeyFunction } from './keys';
export { explain, libraryInfo } from './library';
export { Manager, ManagerOptions, ShutdownOptions } from './manager';
export { Model } from './model';
export { Permit } from './permit';
export { OperationName, PermitRequest, PriorityName, Request, RequestOptions } from './request';
export { AttemptRecord, Response, StateName, Usage } from './response';
export { Chunk, Submission, WaitEstimate } from './submission';
export { Attempt, AttemptError, WorkerFunction, WorkerOptions } from './worker';
export { SdkClient, wrap, WrapOptions } from './wrap';
