// Code generated from include/llmq/llmq.h by tools/bindings/generate.py; DO NOT EDIT.

package llmq

// The header that this package was written against.
const (
	// Major version of the header that this was made from.
	versionMajor = 0
	// Minor version of that header.
	versionMinor = 1
	// Patch version of that header.
	versionPatch = 0
	// Number of the binary interface; compare with llmq_abi_version().
	abiVersion = 0
)

// Status: Status codes. Never renumbered, never reused; new ones are only appended.
type Status int32

const (
	// StatusOK: It went well.
	StatusOK Status = 0
	// ErrInvalidArg: NULL, wrong handle, wrong kind of id, bad struct_size or flag.
	ErrInvalidArg Status = -1
	// ErrNomem: Out of memory.
	ErrNomem Status = -2
	// ErrClosed: The manager has been shut down.
	ErrClosed Status = -3
	// ErrClosing: Shutdown has begun, or the model is being removed.
	ErrClosing Status = -4
	// ErrForked: The handle was inherited through fork.
	ErrForked Status = -5
	// ErrAgain: Not yet: ask again later.
	ErrAgain Status = -6
	// ErrTimeout: The time given for the wait or the attempt is over.
	ErrTimeout Status = -7
	// ErrCancelled: The caller cancelled the request.
	ErrCancelled Status = -8
	// ErrDeadline: The request's deadline has passed, or cannot be met.
	ErrDeadline Status = -9
	// ErrQueueFull: max_pending or max_pending_bytes is reached, the manager's or the tenant's.
	ErrQueueFull Status = -10
	// ErrUnknownModel: No model of that name is registered.
	ErrUnknownModel Status = -11
	// ErrModelExists: A model of that name is registered already.
	ErrModelExists Status = -12
	// ErrUnknownKey: No such configuration key.
	ErrUnknownKey Status = -13
	// ErrInvalidValue: The key is known, its value is not acceptable.
	ErrInvalidValue Status = -14
	// ErrOversize: The request alone is larger than one of its limits.
	ErrOversize Status = -15
	// ErrStale: The id names something that is gone.
	ErrStale Status = -16
	// ErrAlreadyDone: It has ended before.
	ErrAlreadyDone Status = -17
	// ErrWrongThread: The call would block the loop thread that it was made on.
	ErrWrongThread Status = -18
	// ErrRateLimited: The provider refused the call for its rate (429).
	ErrRateLimited Status = -19
	// ErrQuotaExhausted: The account's quota or money is used up.
	ErrQuotaExhausted Status = -20
	// ErrOverloaded: The provider is overloaded (503, 529).
	ErrOverloaded Status = -21
	// ErrServer: The provider failed (5xx).
	ErrServer Status = -22
	// ErrAuth: The key was rejected (401, 403).
	ErrAuth Status = -23
	// ErrBadRequest: The provider rejected the request itself (400, 404, 422).
	ErrBadRequest Status = -24
	// ErrContextTooLong: More tokens than the model's context.
	ErrContextTooLong Status = -25
	// ErrContentFilter: Refused by the provider's content filter.
	ErrContentFilter Status = -26
	// ErrBudget: A processor's own budget is used up; llmq itself ends no request so.
	ErrBudget Status = -27
	// ErrTransport: No answer: name resolution, connection, TLS, or a broken reply.
	ErrTransport Status = -28
	// ErrProcessing: The processor reported its own failure; final.
	ErrProcessing Status = -29
	// ErrAbandoned: Whoever ran the attempt vanished without a report, or gave it up.
	ErrAbandoned Status = -30
	// ErrUnsupported: Not in this build, or not possible for this model.
	ErrUnsupported Status = -31
	// ErrInternal: A mistake in llmq: please report it.
	ErrInternal Status = -32
	// ErrUnknown: A failure that fits no other class.
	ErrUnknown Status = -33
)

// State: States of a request. A retry goes back to pending.
type State int32

const (
	// StatePending: Waits for its limits, or for a retry.
	StatePending State = 1
	// StateProcessing: An attempt runs.
	StateProcessing State = 2
	// StateCompleted: It has its answer.
	StateCompleted State = 3
	// StateFailed: Its last attempt failed, or none could be made.
	StateFailed State = 4
	// StateCancelled: By its caller, or by a shutdown.
	StateCancelled State = 5
	// StateExpired: Its deadline passed first.
	StateExpired State = 6
)

// Priority: Priorities. Each has its place in line as if it had come so many seconds later, so
// nobody waits for ever.
type Priority int32

const (
	// PriorityDefault: The same as NORMAL.
	PriorityDefault Priority = 0
	// PriorityUrgent: No later.
	PriorityUrgent Priority = 1
	// PriorityHigh: 30 s later.
	PriorityHigh Priority = 2
	// PriorityNormal: 120 s later.
	PriorityNormal Priority = 3
	// PriorityBatch: 900 s later.
	PriorityBatch Priority = 4
)

// Operation: What a request asks of a built-in provider. Processors see it as it was given.
type Operation int32

const (
	// OpChat: Chat in the form of OpenAI's chat completions; built-in providers of another form get
	// it translated (docs/providers.md). Answers stay in the provider's own form.
	OpChat Operation = 0
	// OpEmbeddings: Embeddings, likewise.
	OpEmbeddings Operation = 1
	// OpMessages: Anthropic's messages, byte for byte.
	OpMessages Operation = 2
	// OpResponses: OpenAI's responses, byte for byte.
	OpResponses Operation = 3
	// OpCustom: A body of the provider's own form for its main operation, byte for byte. Processors
	// get what they were given: llmq does not look inside.
	OpCustom Operation = 4
)

// RequestFlags: Flags of llmq_request_t.
type RequestFlags uint32

const (
	// RequestKeep: Keep the response, payload included, readable by id.
	RequestKeep RequestFlags = 1
	// RequestLateUsage: Usage may be reported after the end (llmq_usage_update).
	RequestLateUsage RequestFlags = 2
	// RequestStream: Hand over the response while it comes: LLMQ_EV_CHUNK events in order, then
	// DONE with all of it. A body with "stream": true asks for the same.
	RequestStream RequestFlags = 4
	// RequestRestart: Of a stream: an attempt that fails after output may be tried again. Its CHUNK
	// events begin anew then, with the next attempt number. Without it such a failure is the end.
	RequestRestart RequestFlags = 8
)

// EventFlags: Flags of llmq_event_t.
type EventFlags uint32

const (
	// EventStream: READY: the caller takes chunks (llmq_attempt_chunk).
	EventStream EventFlags = 1
	// EventShared: DONE: the usage is that of a call which another request has told already.
	EventShared EventFlags = 2
	// EventCached: DONE: an answer from before; its usage was that call's, and nothing is counted.
	EventCached EventFlags = 4
)

// RegisterFlags: Flags of llmq_manager_register_models.
type RegisterFlags uint32

const (
	// RegisterSkipExisting: Leave known models alone instead of failing.
	RegisterSkipExisting RegisterFlags = 1
)

// ShutdownMode: How llmq_manager_shutdown and llmq_manager_remove_model treat what is still there.
type ShutdownMode int32

const (
	// ShutdownDrain: Run everything to its end (until the deadline, then as ABORT).
	ShutdownDrain ShutdownMode = 0
	// ShutdownCancel: Cancel what waits, let running attempts end (until the deadline).
	ShutdownCancel ShutdownMode = 1
	// ShutdownAbort: Cancel everything at once.
	ShutdownAbort ShutdownMode = 2
)

// eventType: Types of events. Skip (but release) types that you do not know.
type eventType int32

const (
	// evDone: The terminal event of a request.
	evDone eventType = 1
	// evChunk: A piece of a streamed response, before its DONE. None comes of an attempt that is
	// tried again.
	evChunk eventType = 2
	// evReady: An attempt may run now: what a processor or a worker is given.
	evReady eventType = 3
	// evPermit: The caller may make its call now (llmq_acquire). Terminal.
	evPermit eventType = 4
	// evCancelRequested: The attempt has ended for llmq: whoever runs it should stop.
	evCancelRequested eventType = 5
	// evClosed: The shutdown that was asked for is complete.
	evClosed eventType = 6
	// evHook: What a hook is told (llmq_set_hook_queue).
	evHook eventType = 7
	// evHookEnded: Nothing more comes of that hook.
	evHookEnded eventType = 8
	// evKey: A provider's key is asked for (llmq_set_key_queue).
	evKey eventType = 9
)

// cqFdKind: Where in the library the file descriptor of a completion queue comes from.
type cqFdKind int32

const (
	// cqFdEventfd: An eventfd (Linux); elsewhere a pipe.
	cqFdEventfd cqFdKind = 0
	// cqFdPipe: A pipe everywhere.
	cqFdPipe cqFdKind = 1
)

// LogLevel: Log levels.
type LogLevel int32

const (
	// LogTrace: Everything.
	LogTrace LogLevel = 0
	// LogDebug: Also how each request ended.
	LogDebug LogLevel = 1
	// LogInfo: Also failed attempts, and models and limits that change.
	LogInfo LogLevel = 2
	// LogWarn: What somebody should look at, such as a used-up quota.
	LogWarn LogLevel = 3
	// LogError: What does not work.
	LogError LogLevel = 4
	// LogOff: Nothing.
	LogOff LogLevel = 5
)

// Features: Bits of llmq_features().
type Features uint64

const (
	// FeatureHTTP: The built-in HTTP providers.
	FeatureHTTP Features = 1
	// FeatureMock: `provider: mock`, in-process. Always set.
	FeatureMock Features = 2
	// FeatureCalendar: Limits by calendar: weeks, months and time zones other than UTC.
	FeatureCalendar Features = 4
)

// HookType: What a hook can be told of: bits of the mask of llmq_set_hook, and types of
// llmq_hook_t. Of one request they come in the order of its life: REQUEST_SUBMITTED; of each
// attempt ADMITTED, ATTEMPT_STARTED, of a streamed response FIRST_BYTE, ATTEMPT_FINISHED, then
// RETRIED if there will be another one; COMPLETED. Two attempts may run at a time where
// hedge.enabled is set; the slower one is given up before the end. Attempts of a call that several
// requests share (dedup_key) are told under a request_id of the call's own, with the user_data of
// the request that began it.
type HookType uint32

const (
	// HookRequestSubmitted: The manager has taken it up.
	HookRequestSubmitted HookType = 1
	// HookAdmitted: Every limit has room, and holds it for this attempt.
	HookAdmitted HookType = 2
	// HookAttemptStarted: Handed to the processor or the provider's connection.
	HookAttemptStarted HookType = 4
	// HookFirstByte: The first output of a streamed response.
	HookFirstByte HookType = 8
	// HookAttemptFinished: Well or not, or given up: on cancel, time-out, shutdown.
	HookAttemptFinished HookType = 16
	// HookRetried: The attempt has failed, and another one will follow.
	HookRetried HookType = 32
	// HookBreakerChanged: The circuit breaker of a deployment.
	HookBreakerChanged HookType = 64
	// HookLimitChanged: What is enforced of a limit, by a setting, or by what answers have shown:
	// told when an answer of that deployment comes in, at the latest. Limits that each tenant has
	// to itself are not told of.
	HookLimitChanged HookType = 128
	// HookCompleted: The outcome of a request, whatever it is: just before its DONE.
	HookCompleted HookType = 256
)

// BreakerState: States of a circuit breaker.
type BreakerState int32

const (
	// BreakerClosed: Calls go there.
	BreakerClosed BreakerState = 0
	// BreakerOpen: No calls go there.
	BreakerOpen BreakerState = 1
	// BreakerHalfOpen: A few calls find out whether it works again.
	BreakerHalfOpen BreakerState = 2
)

// sizeofKind: Structs whose size llmq_sizeof() tells.
type sizeofKind int32

const (
	// sizeofRequest: llmq_request_t.
	sizeofRequest sizeofKind = 1
	// sizeofUsage: llmq_usage_t.
	sizeofUsage sizeofKind = 2
	// sizeofEvent: llmq_event_t.
	sizeofEvent sizeofKind = 3
	// sizeofStats: llmq_stats_t.
	sizeofStats sizeofKind = 4
	// sizeofWait: llmq_wait_t.
	sizeofWait sizeofKind = 5
	// sizeofHook: llmq_hook_t.
	sizeofHook sizeofKind = 6
	// sizeofOutcome: llmq_outcome_t.
	sizeofOutcome sizeofKind = 7
)

// ProbeFlags: Flags of llmq_probe_json.
type ProbeFlags uint32

const (
	// ProbeConnectOnly: send no request: the way to the provider, TLS included, and no more
	ProbeConnectOnly ProbeFlags = 1
	// ProbeEmbeddings: ask for an embedding, not for a chat
	ProbeEmbeddings ProbeFlags = 2
)
