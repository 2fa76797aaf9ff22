package llmq

// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"
)

// Manager owns everything: models, limits, queues, and the requests in them. It must be closed, or
// its thread and its goroutines stay until the program ends.
type Manager struct {
	raw      *C.llmq_manager_t
	events   *events
	arenas   arenas
	waiting  table
	gathered gathered
	attempts attempts
	logger   *slog.Logger

	closing sync.Mutex
	asked   bool          // a shutdown has begun; its end will be told
	leaving chan struct{} // closed then
	ended   chan struct{} // closed when all events were handed over
	down    chan struct{} // closed when the library's manager is gone
}

// Open makes a manager from settings: a [Config], or one of the other forms that its text names; nil
// = all defaults, no models.
func Open(settings any, with ...Option) (*Manager, error) {
	return start(settings, with, false)
}

// start makes a manager. The shared one of the process may be there already, made by another part.
func start(settings any, with []Option, shared bool) (*Manager, error) {
	var o options
	for _, option := range with {
		option(&o)
	}
	c, err := newConf(settings)
	if err != nil {
		return nil, err
	}
	defer c.free()
	if o.logger != nil {
		if err := startLog(c, o.logger, o.logLevel); err != nil {
			return nil, err
		}
	}
	m := &Manager{logger: o.logger, leaving: make(chan struct{}), ended: make(chan struct{}),
		down: make(chan struct{})}
	if m.logger == nil {
		m.logger = slog.Default()
	}
	if o.keys != nil {
		if err := askForKeys(c, keys{o.keys, m.logger}); err != nil {
			return nil, err
		}
	}
	if m.events, err = newEvents(); err != nil {
		return nil, err
	}
	var raw *C.llmq_error_t
	var status C.llmq_status_t
	switch {
	case !shared:
		status = C.llmq_manager_create(c.raw, &m.raw, &raw)
	case settings == nil && len(with) == 0:
		status = C.llmq_manager_shared(nil, &m.raw, &raw)
	default:
		status = C.llmq_manager_shared(c.raw, &m.raw, &raw)
	}
	if err := failure(status, raw); err != nil {
		m.events.close()
		m.events.free()
		return nil, err
	}
	// This reference keeps the handle good for calls that come after Close.
	C.llmq_manager_ref(m.raw)
	runtime.SetFinalizer(m, func(m *Manager) { C.llmq_manager_unref(m.raw) })
	m.events.manager = m.raw
	m.gathered.wake = make(chan struct{}, 1)
	go m.poll()
	go m.handOverGathered()
	return m, nil
}

// poll hands over events until the manager is closed.
func (m *Manager) poll() {
	defer m.events.free()
	for {
		if _, err := m.events.wait(batchSize); err != nil {
			return
		}
		m.dispatch()
		m.events.release()
	}
}

// dispatch gives each event of the batch to whom it is for. One lock finds all receivers.
func (m *Manager) dispatch() {
	memory := &m.events.memory
	var receivers [batchSize]receiver
	n := m.events.n
	m.waiting.find(m.events.events[:n], receivers[:n])
	for i := 0; i < n; i++ {
		event := &m.events.events[i]
		switch event._type {
		case C.LLMQ_EV_READY:
			m.begin(event, &m.events.details[i], memory)
		case C.LLMQ_EV_CANCEL_REQUESTED:
			m.attempts.stop(AttemptID(event.attempt_id))
		default:
			if receivers[i] != nil {
				receivers[i].receive(event, &m.events.details[i], memory)
			}
		}
	}
}

// Shutdown ends the manager: new requests are refused, the others end as the mode says. It returns
// when all responses have been handed over. If the context ends first, what is left is cancelled; the
// error is the context's then. The manager is closed in either case.
func (m *Manager) Shutdown(ctx context.Context, mode ShutdownMode) error {
	if err := m.shut(mode); err != nil {
		return err
	}
	var cut error
	select {
	case <-m.ended:
	case <-ctx.Done():
		cut = contextError(ctx, ctx.Err())
		if err := m.shut(ShutdownAbort); err != nil {
			return err
		}
		<-m.ended
	}
	m.closing.Lock()
	defer m.closing.Unlock()
	select {
	case <-m.down:
		return cut
	default:
	}
	C.llmq_manager_destroy(m.raw)
	m.events.close()
	m.gathered.close()
	m.arenas.drop()
	close(m.down)
	return cut
}

// Close cancels everything that is left and ends the manager. Closing twice does nothing.
func (m *Manager) Close() error { return m.Shutdown(context.Background(), ShutdownAbort) }

// shut begins or sharpens a shutdown.
func (m *Manager) shut(mode ShutdownMode) error {
	m.closing.Lock()
	defer m.closing.Unlock()
	select {
	case <-m.ended:
		return nil
	default:
	}
	var cq *C.llmq_cq_t
	var user uint64
	if !m.asked {
		cq, user = m.events.cq, m.waiting.add((*ending)(m))
	}
	status := C.llmq_manager_shutdown(m.raw, C.int32_t(mode), 0, cq, C.uint64_t(user))
	if status != C.LLMQ_OK && (status != C.LLMQ_ERR_CLOSED || !m.asked) {
		m.waiting.drop(user)
		return failure(status, nil)
	}
	if !m.asked {
		m.asked = true
		close(m.leaving)
	}
	return nil
}

// ending receives the last event of a manager.
type ending Manager

func (e *ending) receive(*C.llmq_event_t, *C.lq_detail_t, *slab) { close(e.ended) }

// Cancel asks for a request to be cancelled; it ends with ErrCancelled unless it ends otherwise
// first. ErrStale: it has ended before.
func (m *Manager) Cancel(id RequestID) error {
	defer runtime.KeepAlive(m)
	return failure(C.llmq_cancel(m.raw, C.llmq_request_id_t(id)), nil)
}

// State is that of a request which waits, runs, or has ended recently.
func (m *Manager) State(id RequestID) (State, error) {
	defer runtime.KeepAlive(m)
	var state C.int32_t
	status := C.llmq_request_state(m.raw, C.llmq_request_id_t(id), &state)
	return State(state), failure(status, nil)
}

// Wait tells when a request that waits may start, as things stand.
type Wait struct {
	// Position is its place in line, from 1; 0 = it runs.
	Position uint64
	// P50 and P90 are times from now: as likely earlier as later, and nine times out of ten earlier.
	P50, P90 time.Duration
	// BlockedBy is the limit that decides, "tokens/1m of pool account"; "" if none does.
	BlockedBy string
}

// WaitEstimate tells when a request that waits may start. ErrStale: it has ended.
func (m *Manager) WaitEstimate(id RequestID) (Wait, error) {
	defer runtime.KeepAlive(m)
	raw := C.llmq_wait_t{struct_size: C.sizeof_llmq_wait_t}
	status := C.llmq_request_wait_estimate(m.raw, C.llmq_request_id_t(id), &raw)
	return Wait{
		Position:  uint64(raw.position),
		P50:       time.Duration(raw.p50_ns),
		P90:       time.Duration(raw.p90_ns),
		BlockedBy: C.GoString(&raw.blocked_by[0]),
	}, failure(status, nil)
}

// Get moves out the response of a request with the flag RequestKeep. ErrAgain: it has not ended.
// ErrStale: it is not kept any more.
func (m *Manager) Get(id RequestID) (*Response, error) {
	defer runtime.KeepAlive(m)
	var raw *C.llmq_response_t
	status := C.llmq_response_get(m.raw, C.llmq_request_id_t(id), &raw)
	if status != C.LLMQ_OK {
		return nil, failure(status, nil)
	}
	return takeResponse(raw), nil
}

// Peek tells status, state, times, attempts and usage of a request that has ended recently, without
// its data. ErrAgain: it has not ended.
func (m *Manager) Peek(id RequestID) (*Response, error) {
	defer runtime.KeepAlive(m)
	var raw *C.llmq_response_t
	status := C.llmq_response_peek(m.raw, C.llmq_request_id_t(id), &raw)
	if status != C.LLMQ_OK {
		return nil, failure(status, nil)
	}
	return takeResponse(raw), nil
}

// UpdateUsage reports the usage of a request that has ended and had the flag RequestKeep or
// RequestLateUsage.
func (m *Manager) UpdateUsage(id RequestID, usage Usage) error {
	defer runtime.KeepAlive(m)
	if wrong := usage.refused(); wrong != "" {
		return &Error{Status: ErrInvalidArg, Message: wrong, Key: "usage"}
	}
	raw := usage.native()
	return failure(C.llmq_usage_update(m.raw, C.llmq_request_id_t(id), &raw), nil)
}
