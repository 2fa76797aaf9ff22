package llmq

// #include "native.h"
import "C"

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// endsByItself: the context has ended by its deadline, which is the request's own.
func endsByItself(ctx context.Context) bool {
	_, ok := ctx.Deadline()
	return ok && ctx.Err() == context.DeadlineExceeded
}

// giveUp cancels a request whose context has ended.
func (m *Manager) giveUp(ctx context.Context, id RequestID) {
	if !endsByItself(ctx) {
		m.Cancel(id) // an error: it has ended meanwhile
	}
}

// outcome is the error of a response, with that of the context if it is why.
func outcome(ctx context.Context, response *Response) error {
	err := response.Err()
	if err != nil && ctx.Err() != nil &&
		(response.Status == ErrCancelled || response.Status == ErrDeadline) {
		err.(*Error).Cause = context.Cause(ctx)
	}
	return err
}

// submit hands over one request whose events go to a receiver. It ends at `end`, if not before.
func (m *Manager) submit(r *Request, end time.Time, to receiver) (RequestID, error) {
	defer runtime.KeepAlive(m)
	return m.hand(r, end, to, func(raw *C.llmq_request_t, id *C.llmq_request_id_t) C.llmq_status_t {
		return C.llmq_submit(m.raw, raw, id)
	})
}

// hand gives a request to a function of the library that takes one.
func (m *Manager) hand(r *Request, end time.Time, to receiver,
	take func(*C.llmq_request_t, *C.llmq_request_id_t) C.llmq_status_t) (RequestID, error) {
	memory := m.arenas.get()
	defer m.arenas.put(memory)
	memory.reserve(r.size())
	number := m.waiting.add(to)
	memory.set(0, r, end, m.events.cq, number)
	status := take(&memory.requests[0], &memory.ids[0])
	if status != C.LLMQ_OK {
		m.waiting.drop(number)
		return 0, m.refusal(status, &memory.requests[0])
	}
	return RequestID(memory.ids[0]), nil
}

// refusal says in the library's words why it has not taken a request, where it finds them again.
func (m *Manager) refusal(status C.llmq_status_t, request *C.llmq_request_t) error {
	var raw *C.llmq_error_t
	if C.llmq_request_check(m.raw, request, &raw) == status {
		return failure(status, raw)
	}
	C.llmq_error_free(raw)
	return failure(status, nil)
}

// Pending is a request that was handed over.
type Pending struct {
	manager  *Manager
	ctx      context.Context
	id       atomic.Uint64
	over     atomic.Bool // the context has ended
	stop     func() bool
	done     chan struct{}
	response *Response
}

// Submit hands over a request and returns at once. A cancelled context cancels the request, until it
// has ended.
func (m *Manager) Submit(ctx context.Context, r Request) (*Pending, error) {
	end, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	p := &Pending{manager: m, ctx: ctx, done: make(chan struct{})}
	if ctx.Done() != nil {
		p.stop = context.AfterFunc(ctx, p.contextOver)
	}
	id, err := m.submit(&r, end, p)
	if err != nil {
		p.release()
		return nil, err
	}
	p.accept(id)
	return p, nil
}

// accept notes the id. Who finds the context at its end, this or contextOver, cancels.
func (p *Pending) accept(id RequestID) {
	p.id.Store(uint64(id))
	if p.over.Load() {
		p.manager.giveUp(p.ctx, id)
	}
}

func (p *Pending) contextOver() {
	p.over.Store(true)
	if id := p.ID(); id != 0 {
		p.manager.giveUp(p.ctx, id)
	}
}

func (p *Pending) release() {
	if p.stop != nil {
		p.stop()
	}
}

func (p *Pending) receive(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	if event._type != C.LLMQ_EV_DONE {
		return
	}
	p.response = new(Response)
	p.response.readDone(event, detail, memory)
	p.release()
	close(p.done)
}

// ID is the request's id.
func (p *Pending) ID() RequestID { return RequestID(p.id.Load()) }

// Done is closed when the request has ended; Wait does not wait any more then.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Wait waits for the response. If its context ends first, the error is that of the context, and the
// request goes on. It may be called from many goroutines, and again.
func (p *Pending) Wait(ctx context.Context) (*Response, error) {
	select {
	case <-p.done:
		return p.response, outcome(p.ctx, p.response)
	default:
	}
	select {
	case <-p.done:
		return p.response, outcome(p.ctx, p.response)
	case <-ctx.Done():
		return nil, contextError(ctx, ctx.Err())
	}
}

// Cancel asks for the request to be cancelled. It does nothing if it has ended.
func (p *Pending) Cancel() { p.manager.Cancel(p.ID()) }

// State is the request's state.
func (p *Pending) State() State {
	select {
	case <-p.done:
		return p.response.State
	default:
		state, _ := p.manager.State(p.ID())
		return state
	}
}

// SubmitBatch hands over many requests, in order, until one is refused: those before it are accepted
// and returned, the error says why that one was not. A cancelled context cancels those that have not
// ended.
func (m *Manager) SubmitBatch(ctx context.Context, requests []Request) ([]*Pending, error) {
	all := make([]*Pending, len(requests))
	for i := range all {
		all[i] = &Pending{manager: m, ctx: ctx, done: make(chan struct{})}
		if ctx.Done() != nil {
			all[i].stop = context.AfterFunc(ctx, all[i].contextOver)
		}
	}
	accepted, err := m.submitAll(ctx, requests, delivery{
		cq:     m.events.cq,
		to:     func(i int) receiver { return all[i] },
		accept: func(i int, id RequestID) { all[i].accept(id) },
	})
	for _, refused := range all[accepted:] {
		refused.release()
	}
	return all[:accepted], err
}

// delivery says where the events of many requests go: to receivers, or, without them, to the queue
// with the request's tag.
type delivery struct {
	cq     *C.llmq_cq_t
	to     func(int) receiver
	accept func(int, RequestID)
}

// submitAll hands over requests in batches.
func (m *Manager) submitAll(ctx context.Context, requests []Request, d delivery) (int, error) {
	defer runtime.KeepAlive(m)
	end, err := begin(ctx)
	if err != nil {
		return 0, err
	}
	memory := m.arenas.get()
	defer m.arenas.put(memory)
	for from := 0; from < len(requests); from += batchSize {
		batch := requests[from:min(from+batchSize, len(requests))]
		accepted, err := m.submitBatch(memory, batch, from, end, &d)
		for i := 0; d.accept != nil && i < accepted; i++ {
			d.accept(from+i, RequestID(memory.ids[i]))
		}
		if err != nil {
			return from + accepted, err
		}
	}
	return len(requests), nil
}

func (m *Manager) submitBatch(memory *arena, batch []Request, from int, end time.Time,
	d *delivery) (int, error) {
	size := 0
	for i := range batch {
		size += batch[i].size()
	}
	memory.reset()
	memory.reserve(size)
	numbers := m.receivers(memory, batch, from, d.to)
	for i := range batch {
		number := batch[i].Tag
		if numbers != nil {
			number = numbers[i]
		}
		memory.set(i, &batch[i], end, d.cq, number)
	}
	accepted, err := m.submitArena(memory, 0, len(batch))
	if err != nil && numbers != nil {
		m.forget(numbers[accepted:])
	}
	return accepted, err
}

// submitArena hands over requests of an arena until one is refused: how many were accepted, and why
// that one was not.
func (m *Manager) submitArena(memory *arena, from, count int) (int, error) {
	*memory.accepted = 0
	status := C.llmq_submit_batch(m.raw, &memory.requests[from], C.sizeof_llmq_request_t,
		C.size_t(count), &memory.ids[from], memory.accepted)
	if status == C.LLMQ_OK {
		return count, nil
	}
	accepted := int(*memory.accepted)
	return accepted, m.refusal(status, &memory.requests[from+accepted])
}

// receivers gives the receivers of a batch their numbers, under one lock.
func (m *Manager) receivers(memory *arena, batch []Request, from int,
	to func(int) receiver) []uint64 {
	if to == nil {
		return nil
	}
	numbers := memory.numbers[:len(batch)]
	m.waiting.mu.Lock()
	defer m.waiting.mu.Unlock()
	for i := range numbers {
		numbers[i] = m.waiting.put(to(from + i))
	}
	return numbers
}

func (m *Manager) forget(numbers []uint64) {
	m.waiting.mu.Lock()
	defer m.waiting.mu.Unlock()
	for _, number := range numbers {
		m.waiting.remove(number)
	}
}
