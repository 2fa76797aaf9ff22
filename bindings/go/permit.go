package llmq

// #include "native.h"
import "C"

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"
	"unsafe"
)

// Permit is the right to make one call, with an SDK or client of the program's own. It must be ended
// once, with Release or Fail. One that is dropped holds its place until its lease ends, the Timeout of
// its request, which is the model's if it has none, and is lost then: no finalizer ends it.
type Permit struct {
	// ID is that of the permit, RequestID that of the request which asked for it.
	ID        AttemptID
	RequestID RequestID
	// Model is the one that the call must go to: another than was asked for if that has fallbacks.
	Model string
	// Deployment is where the call must go; "" where the model has one without a name.
	Deployment string

	manager *Manager
}

// granted is the answer to who asks for a permit.
type granted struct {
	permit   *Permit
	response *Response
}

type permitWaiter struct {
	manager *Manager
	answer  chan granted
}

func (w *permitWaiter) receive(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	if event._type == C.LLMQ_EV_PERMIT {
		w.answer <- granted{permit: &Permit{
			ID:         AttemptID(event.attempt_id),
			RequestID:  RequestID(event.request_id),
			Deployment: stringOf((*C.char)(event.data), C.size_t(event.data_len)),
			manager:    w.manager,
		}}
		return
	}
	response := new(Response)
	response.readDone(event, detail, memory)
	w.answer <- granted{response: response}
}

// Acquire waits for a permit: the request stands in the line of its model like any other, by priority,
// tenant and deadline. Its tokens are EstInputTokens and EstOutputTokens, or what the payload says;
// the payload is only looked at. A cancelled context ends the wait. A deadline, of the context or of
// the request, bounds the permit too.
func (m *Manager) Acquire(ctx context.Context, r Request) (*Permit, error) {
	defer runtime.KeepAlive(m)
	end, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	w := &permitWaiter{manager: m, answer: make(chan granted, 1)}
	id, err := m.hand(&r, end, w, func(raw *C.llmq_request_t, id *C.llmq_request_id_t) C.llmq_status_t {
		return C.llmq_acquire(m.raw, raw, id)
	})
	if err != nil {
		return nil, err
	}
	var answer granted
	select {
	case answer = <-w.answer:
	case <-ctx.Done():
		m.giveUp(ctx, id)
		if answer = <-w.answer; answer.permit != nil {
			answer.permit.Release(&Usage{}) // no call was made
			return nil, contextError(ctx, ctx.Err())
		}
	}
	if answer.permit == nil {
		return nil, outcome(ctx, answer.response)
	}
	answer.permit.findModel()
	return answer.permit, nil
}

// TryAcquire takes a permit if its call could start now, passing nobody who waits. ErrAgain: not now;
// the duration says how long it would wait, as likely less as more.
func (m *Manager) TryAcquire(r Request) (*Permit, time.Duration, error) {
	defer runtime.KeepAlive(m)
	memory := m.arenas.get()
	defer m.arenas.put(memory)
	memory.reserve(r.size())
	memory.set(0, &r, time.Time{}, nil, 0)
	var id C.llmq_attempt_id_t
	var wait C.int64_t
	status := C.llmq_try_acquire(m.raw, &memory.requests[0], &id, &wait)
	if status == C.LLMQ_ERR_AGAIN {
		return nil, time.Duration(wait), failure(status, nil)
	}
	if status != C.LLMQ_OK {
		return nil, 0, m.refusal(status, &memory.requests[0])
	}
	p := &Permit{ID: AttemptID(id), manager: m}
	var text *C.char
	var size C.size_t
	if C.llmq_attempt_deployment(m.raw, id, &text, &size) == C.LLMQ_OK {
		p.Deployment = stringOf(text, size)
	}
	p.findModel()
	return p, 0, nil
}

func (p *Permit) findModel() {
	var text *C.char
	var size C.size_t
	if C.llmq_attempt_model(p.manager.raw, C.llmq_attempt_id_t(p.ID), &text, &size) == C.LLMQ_OK {
		p.Model = stringOf(text, size)
	}
}

// Release ends a permit whose call went well. Usage is what was consumed; nil = not known: what was
// estimated stays charged; zeros, if no call was made, give it back. ErrStale: the permit was lost, or
// has ended before. ErrInvalidArg: a count is negative; the permit is still held.
func (p *Permit) Release(usage *Usage) error {
	defer runtime.KeepAlive(p.manager)
	if wrong := usage.refused(); wrong != "" {
		return &Error{Status: ErrInvalidArg, Message: wrong, Key: "usage"}
	}
	var raw *C.llmq_usage_t
	if usage != nil {
		native := usage.native()
		raw = &native
	}
	return failure(C.llmq_permit_release(p.manager.raw, C.llmq_attempt_id_t(p.ID), raw), nil)
}

// Fail ends a permit whose call failed. The error's class is told to the limits and the circuit
// breaker, as errors of a [Handler] are: ErrRateLimited with RetryAfter above all. Nothing is tried
// again: another call needs another permit. ErrStale as of Release. ErrInvalidArg: RetryAfter is
// negative; the permit is still held.
func (p *Permit) Fail(err error) error {
	defer runtime.KeepAlive(p.manager)
	report := reportOf(err)
	if report.RetryAfter < 0 {
		return &Error{Status: ErrInvalidArg, Key: "retry_after",
			Message: fmt.Sprintf("retry_after is %v, and must be 0 or more", report.RetryAfter)}
	}
	return report.end(p.manager, p.ID)
}

// Heartbeat renews the lease. ErrStale: the permit was lost.
func (p *Permit) Heartbeat() error {
	defer runtime.KeepAlive(p.manager)
	return failure(C.llmq_attempt_heartbeat(p.manager.raw, C.llmq_attempt_id_t(p.ID)), nil)
}

// ReportLimits tells the headers of the answer, which teach the limits of the deployment that was
// called, before the permit is ended. ErrStale: it was lost before.
func (p *Permit) ReportLimits(headers http.Header) error {
	defer runtime.KeepAlive(p.manager)
	return withHeaders(headers, func(names, values **C.char, count C.size_t) C.llmq_status_t {
		return C.llmq_attempt_report_limits(p.manager.raw, C.llmq_attempt_id_t(p.ID), names, nil,
			values, nil, count)
	})
}

// Explain tells what llmq makes of a recorded answer of a provider, as JSON: whether it would try
// again, when, and what it reads of limits, usage and errors (llmq_explain_json in llmq.h documents
// the record and the members).
func Explain(provider string, record []byte) ([]byte, error) {
	if err := Load(); err != nil {
		return nil, err
	}
	name, nameSize, free := cText(provider)
	defer free()
	var text *C.char
	var size C.size_t
	var raw *C.llmq_error_t
	status := C.llmq_explain_json(name, nameSize, (*C.char)(unsafe.Pointer(unsafe.SliceData(record))),
		C.size_t(len(record)), &text, &size, &raw)
	if err := failure(status, raw); err != nil {
		return nil, err
	}
	return takeJSON(status, text, size)
}
