package llmq

// #include "native.h"
import "C"

import (
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"time"
	"unsafe"
)

// HookEvent is what a hook is told. Members that its type does not mention are zero.
type HookEvent struct {
	// Type is what has happened.
	Type HookType
	// RequestID is that of the request; 0 of HookBreakerChanged and HookLimitChanged.
	RequestID RequestID
	// AttemptID is that of the attempt; 0 before the first one. Attempt is its number, from 1; of
	// HookCompleted how many were made.
	AttemptID AttemptID
	Attempt   int
	// Time is when it happened, to about a microsecond.
	Time time.Time
	// Model, Deployment and Tenant are those of the request, or of what has changed.
	Model      string
	Deployment string
	Tenant     string
	// Limit is the one that has changed: "tokens/1m", "tokens/1m of pool account".
	Limit string
	// Status is that of the attempt (HookAttemptFinished, HookRetried), of the request (HookCompleted),
	// or of the failure that opened a circuit breaker.
	Status Status
	// State is that of the request then.
	State State
	// Usage is that of the last attempt, if UsageKnown (HookAttemptFinished, HookCompleted).
	Usage      Usage
	UsageKnown bool
	// Queued is from the submit until then; once an attempt has started, until that.
	Queued time.Duration
	// Run is how long the attempt ran.
	Run time.Duration
	// Delay is the least time until the next attempt (HookRetried).
	Delay time.Duration
	// Old and New are amounts of a limit; 0 = there was none, or is none any more.
	Old, New int64
	// OldBreaker and NewBreaker are states of a circuit breaker, Until when an open one is tried again.
	OldBreaker, NewBreaker BreakerState
	Until                  time.Time
	// Hedge: the attempt began beside another one that was slow.
	Hedge bool
	// CallID is the RequestID of the attempts of a shared call (HookCompleted); 0 if it was not shared.
	CallID RequestID
	// Lost is how many events before this one were lost because the function was too slow.
	Lost uint64
}

// SetHook lets a function be told what happens to requests, limits and circuit breakers, for metrics
// and tracing: of the types in the mask, in the order in which they happen. It is called in a
// goroutine of its own and may call everything. Nothing waits for it: while it runs, some ten
// thousand events find room, further ones are counted in Lost. A manager has one hook; the next one
// takes its place, after what has happened by then was told to this one. nil: none.
func (m *Manager) SetHook(mask HookType, hook func(HookEvent)) error {
	defer runtime.KeepAlive(m)
	if hook == nil {
		return failure(C.llmq_set_hook(m.raw, 0, nil, nil, nil), nil)
	}
	var fd C.int
	raw := C.lq_hooks_create(&fd)
	if raw == nil {
		return failure(C.LLMQ_ERR_INTERNAL, nil)
	}
	h := &hooks{raw: raw, file: os.NewFile(uintptr(fd), "llmq hooks"), logger: m.logger, call: hook}
	if err := failure(C.lq_hooks_set(m.raw, C.uint32_t(mask), raw), nil); err != nil {
		h.free()
		return err
	}
	go h.run()
	return nil
}

type hooks struct {
	raw    *C.lq_hooks_t
	file   *os.File
	logger *slog.Logger
	call   func(HookEvent)
}

func (h *hooks) free() {
	h.file.Close()
	C.lq_hooks_free(h.raw)
}

// run tells what comes, until no more will.
func (h *hooks) run() {
	defer h.free()
	pipe, err := h.file.SyscallConn()
	if err != nil {
		h.logger.Error("llmq: no polling of hooks", slog.Any("error", err))
		return
	}
	for {
		var records *C.char
		var size C.size_t
		var closed C.int
		if pipe.Read(func(uintptr) bool {
			records = C.lq_hooks_take(h.raw, &size, &closed)
			return size > 0 || closed != 0
		}) != nil {
			return
		}
		for at := uintptr(0); at < uintptr(size); {
			record := (*C.lq_hook_t)(unsafe.Add(unsafe.Pointer(records), at))
			at += uintptr(record.size)
			h.tell(readHook(record))
		}
		if size == 0 {
			return
		}
	}
}

// tell keeps a panic of the function from ending the program, as with a handler.
func (h *hooks) tell(event HookEvent) {
	defer func() {
		if what := recover(); what != nil {
			h.logger.Error("llmq: a hook has panicked", slog.Any("panic", what),
				slog.String("stack", string(debug.Stack())))
		}
	}()
	h.call(event)
}

func readHook(record *C.lq_hook_t) HookEvent {
	told := &record.told
	text := unsafe.Add(unsafe.Pointer(record), C.sizeof_lq_hook_t)
	next := func(size C.uint64_t) string {
		from := (*C.char)(text)
		text = unsafe.Add(text, int(size))
		return stringOf(from, C.size_t(size))
	}
	event := HookEvent{
		Type:       HookType(told._type),
		RequestID:  RequestID(told.request_id),
		AttemptID:  AttemptID(told.attempt_id),
		Attempt:    int(told.attempt),
		Time:       wallTime(told.time_ns),
		Model:      next(told.model_len),
		Deployment: next(told.deployment_len),
		Tenant:     next(told.tenant_len),
		Limit:      next(told.limit_len),
		Status:     Status(told.status),
		State:      State(told.state),
		UsageKnown: told.usage_known != 0,
		Usage: Usage{
			InputTokens:       int64(told.input_tokens),
			OutputTokens:      int64(told.output_tokens),
			CachedInputTokens: int64(told.cached_input_tokens),
			CostMicros:        int64(told.cost_micros),
			ReasoningTokens:   int64(told.reasoning_tokens),
		},
		Queued: time.Duration(told.queued_ns),
		Run:    time.Duration(told.run_ns),
		Delay:  time.Duration(told.delay_ns),
		CallID: RequestID(told.call_id),
		Lost:   uint64(record.lost),
	}
	switch event.Type {
	case HookLimitChanged:
		event.Old, event.New = int64(told.old_value), int64(told.new_value)
	case HookBreakerChanged:
		event.OldBreaker, event.NewBreaker = BreakerState(told.old_value), BreakerState(told.new_value)
		if told.until_ns != 0 {
			event.Until = wallTime(told.until_ns)
		}
	default:
		event.Hedge = told.new_value != 0
	}
	return event
}

// wallTime is a time of the library's clock on Go's.
func wallTime(ns C.int64_t) time.Time {
	return time.Now().Add(time.Duration(ns - C.llmq_now_ns()))
}
