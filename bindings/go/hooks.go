package llmq

// #include "native.h"
import "C"

import (
	"log/slog"
	"runtime"
	"runtime/debug"
	"time"
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
// goroutine of its own and may call everything. Nothing waits for it: while it runs, 65,536 events
// find room, further ones are counted in Lost. A manager has one hook; the next one takes its place,
// after what has happened by then was told to this one. nil: none.
func (m *Manager) SetHook(mask HookType, hook func(HookEvent)) error {
	defer runtime.KeepAlive(m)
	if hook == nil {
		return failure(C.llmq_set_hook_queue(m.raw, 0, nil, 0), nil)
	}
	e, err := newEvents()
	if err != nil {
		return err
	}
	h := &hooks{events: e, logger: m.logger, call: hook}
	if err := failure(C.llmq_set_hook_queue(m.raw, C.uint32_t(mask), e.cq, 0), nil); err != nil {
		h.free()
		return err
	}
	go h.run()
	return nil
}

type hooks struct {
	events *events
	logger *slog.Logger
	call   func(HookEvent)
}

func (h *hooks) free() {
	h.events.close()
	h.events.free()
}

// run tells what comes, until no more will.
func (h *hooks) run() {
	defer h.free()
	for ended := false; !ended; h.events.release() {
		if _, err := h.events.wait(batchSize); err != nil {
			h.logger.Error("llmq: no polling of hooks", slog.Any("error", err))
			return
		}
		for i := 0; i < h.events.n; i++ {
			event := &h.events.events[i]
			if ended = event._type == C.LLMQ_EV_HOOK_ENDED; !ended {
				h.tell(readHook((*C.llmq_hook_t)(event.data)))
			}
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

func readHook(told *C.llmq_hook_t) HookEvent {
	event := HookEvent{
		Type:       HookType(told._type),
		RequestID:  RequestID(told.request_id),
		AttemptID:  AttemptID(told.attempt_id),
		Attempt:    int(told.attempt),
		Time:       wallTime(told.time_ns),
		Model:      stringOf(told.model, C.size_t(told.model_len)),
		Deployment: stringOf(told.deployment, C.size_t(told.deployment_len)),
		Tenant:     stringOf(told.tenant, C.size_t(told.tenant_len)),
		Limit:      stringOf(told.limit, C.size_t(told.limit_len)),
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
		Lost:   uint64(told.lost),
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
