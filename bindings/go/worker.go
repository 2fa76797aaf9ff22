package llmq

// #include "native.h"
import "C"

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
	"unsafe"
)

// AttemptID names an attempt of a request.
type AttemptID uint64

// Handler runs the attempts of a model that has no provider. Each runs in a goroutine of its own; how
// many at a time is a matter of the model's limits. The context ends when the attempt has ended for
// llmq: cancelled, timed out, shut down; the result does not count then.
//
// An error decides what comes next. An [*Error] or a [Status] is taken as it is: ErrRateLimited,
// ErrOverloaded, ErrServer, ErrTransport and ErrTimeout are tried again, RetryAfter being the least
// delay; a negative one is left out, and logged. Every other error, a panic, and a usage with a
// negative count, is ErrProcessing and final.
type Handler func(ctx context.Context, attempt *Attempt) (Result, error)

// Result is what a handler has come to.
type Result struct {
	// Data is the response's payload.
	Data []byte
	// Usage is what the attempt has consumed; nil = not known: what was estimated stays charged.
	Usage *Usage
}

// Attempt is what a handler is given.
type Attempt struct {
	// ID is the attempt's, RequestID the request's; of a shared call that of the call.
	ID        AttemptID
	RequestID RequestID
	// Number is which attempt of the request this is, from 1.
	Number int
	// Model, Tenant, Key, Metadata and Payload are those of the request. A shared call (DedupKey) has
	// neither Key nor Metadata: these are its requests' own.
	Model    string
	Tenant   string
	Key      string
	Metadata []byte
	Payload  []byte
	// Stream: the caller takes the response while it comes; see Chunk.
	Stream bool
	// Started is when the attempt was taken up.
	Started time.Time

	manager *Manager
}

// attempts are the handlers of models, and what runs now.
type attempts struct {
	mu       sync.Mutex
	handlers map[string]Handler
	running  map[AttemptID]context.CancelFunc
}

// HandleOption changes how attempts are given to a handler.
type HandleOption func(*handling)

type handling struct{ lease time.Duration }

// WithLease gives each attempt a lease: if nothing is heard of it for so long (no result, chunk or
// [Attempt.Heartbeat]), it is lost, its context ends, and the request is tried again. Without it an
// attempt that hangs ends with its time-out. At least 1 ms.
func WithLease(lease time.Duration) HandleOption {
	return func(h *handling) { h.lease = lease }
}

// Handle sets the function that runs the attempts of a registered model without a provider, in place
// of the one before. Requests that were submitted before wait for it.
func (m *Manager) Handle(model string, handler Handler, with ...HandleOption) error {
	how := handling{lease: -1}
	for _, option := range with {
		option(&how)
	}
	name, size, free := cText(model)
	defer free()
	m.attempts.mu.Lock()
	defer m.attempts.mu.Unlock()
	before, had := m.attempts.handlers[model]
	if m.attempts.handlers == nil {
		m.attempts.handlers = map[string]Handler{}
		m.attempts.running = map[AttemptID]context.CancelFunc{}
	}
	m.attempts.handlers[model] = handler
	err := failure(C.llmq_model_set_workers(m.raw, name, size, m.events.cq, C.int64_t(how.lease)), nil)
	if err != nil && had {
		m.attempts.handlers[model] = before
	} else if err != nil {
		delete(m.attempts.handlers, model)
	}
	return err
}

// begin starts a goroutine for an attempt. Everything is copied: C's memory of it goes with the batch.
func (m *Manager) begin(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	attempt := &Attempt{
		ID:        AttemptID(event.attempt_id),
		RequestID: RequestID(event.request_id),
		Number:    int(event.attempt),
		Model:     stringOf(detail.model, detail.model_len),
		Tenant:    stringOf(detail.tenant, detail.tenant_len),
		Key:       stringOf(detail.request_key, detail.request_key_len),
		Metadata:  memory.copy(unsafe.Pointer(detail.metadata), int(detail.metadata_len)),
		Payload:   memory.copy(unsafe.Pointer(event.data), int(event.data_len)),
		Stream:    event.flags&C.LLMQ_EVENT_STREAM != 0,
		Started:   time.Now(),
		manager:   m,
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.attempts.mu.Lock()
	handler := m.attempts.handlers[attempt.Model]
	m.attempts.running[attempt.ID] = cancel
	m.attempts.mu.Unlock()
	go func() {
		defer cancel()
		attempt.run(ctx, handler)
		m.attempts.mu.Lock()
		delete(m.attempts.running, attempt.ID)
		m.attempts.mu.Unlock()
	}()
}

// stop ends the context of an attempt that has ended for llmq.
func (a *attempts) stop(id AttemptID) {
	a.mu.Lock()
	cancel := a.running[id]
	a.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// run reports exactly once, whatever the handler does. A report that comes too late is dropped by the
// library.
func (a *Attempt) run(ctx context.Context, handler Handler) {
	returned := false
	defer func() {
		if returned {
			return
		}
		if what := recover(); what != nil {
			a.fail(&Error{Status: ErrProcessing, Message: fmt.Sprintf("panic: %v", what)})
			a.manager.logger.Error("llmq: a handler has panicked", slog.String("model", a.Model),
				slog.Any("panic", what), slog.String("stack", string(debug.Stack())))
			return
		}
		a.fail(&Error{Status: ErrAbandoned, Message: "the handler's goroutine has ended"})
	}()
	if handler == nil { // it has ended before it was looked at
		a.fail(ErrAbandoned)
	} else if result, err := handler(ctx, a); err != nil {
		a.fail(err)
	} else {
		a.succeed(result)
	}
	returned = true
}

func (a *Attempt) succeed(result Result) {
	if wrong := result.Usage.refused(); wrong != "" {
		a.fail(&Error{Status: ErrProcessing, Message: wrong})
		return
	}
	var usage *C.llmq_usage_t
	if result.Usage != nil {
		raw := result.Usage.native()
		usage = &raw
	}
	status := C.llmq_attempt_succeed(a.manager.raw, C.llmq_attempt_id_t(a.ID),
		unsafe.Pointer(unsafe.SliceData(result.Data)), C.size_t(len(result.Data)), usage)
	if status == C.LLMQ_ERR_INVALID_ARG || status == C.LLMQ_ERR_NOMEM {
		a.fail(&Error{Status: ErrProcessing, Message: "the result cannot be taken: " +
			Status(status).Error()})
	}
}

func (a *Attempt) fail(err error) {
	report := reportOf(err)
	if report.RetryAfter < 0 {
		a.manager.logger.Warn("llmq: a handler's RetryAfter is negative, and is left out",
			slog.String("model", a.Model), slog.Duration("retry_after", report.RetryAfter))
		report.RetryAfter = 0
	}
	report.end(a.manager, a.ID) // an error: it has ended for llmq
}

// reportOf is what an attempt or a permit is told of an error.
func reportOf(err error) Error {
	report := Error{Status: ErrProcessing, Message: err.Error()}
	var told *Error
	var status Status
	if errors.As(err, &told) {
		report = *told
		if report.Message == "" {
			report.Message = err.Error()
		}
	} else if errors.As(err, &status) {
		report.Status = status
	}
	if report.Status >= StatusOK {
		report.Status = ErrProcessing
	}
	return report
}

// end ends an attempt or a permit with the class of an error.
func (e *Error) end(m *Manager, id AttemptID) error {
	return failure(C.llmq_attempt_fail(m.raw, C.llmq_attempt_id_t(id), C.llmq_status_t(e.Status),
		(*C.char)(unsafe.Pointer(unsafe.StringData(e.Message))), C.size_t(len(e.Message)),
		C.int64_t(e.RetryAfter)), nil)
}

// Chunk hands over a piece of the response, in order, before the handler returns all of it. An
// attempt that has handed over one is not tried again, unless the request has RequestRestart. Chunk
// waits while the caller is behind, and does nothing if the caller takes no pieces. ErrStale: the
// attempt has ended.
func (a *Attempt) Chunk(ctx context.Context, data []byte) error {
	if !a.Stream {
		return nil
	}
	// No event tells that the caller has read: it is asked again, at growing distances.
	for pause := time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		status := C.llmq_attempt_chunk(a.manager.raw, C.llmq_attempt_id_t(a.ID),
			unsafe.Pointer(unsafe.SliceData(data)), C.size_t(len(data)))
		if status != C.LLMQ_ERR_AGAIN {
			return failure(status, nil)
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return contextError(ctx, ctx.Err())
		}
	}
}

// Heartbeat renews the lease. ErrStale: the attempt has ended.
func (a *Attempt) Heartbeat() error {
	return failure(C.llmq_attempt_heartbeat(a.manager.raw, C.llmq_attempt_id_t(a.ID)), nil)
}
