package llmq

// #include "native.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Requests that are longer are not copied under the lock of all.
const largestGathered = 16 << 10

// Batches of waiters that are kept for the next ones.
const keptBatches = 32

// A waiter is one goroutine in Do, the receiver of its response.
type waiter struct {
	signal chan *Response // nil: it was not accepted
	err    error          // why

	// Under the lock of the manager's table:
	number uint64 // there; 0 = not handed over yet
	over   bool   // the context has ended before that
}

func (w *waiter) receive(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	if event._type != C.LLMQ_EV_DONE {
		return
	}
	response := new(Response)
	response.readDone(event, detail, memory)
	w.signal <- response
}

func (w *waiter) refuse(err error) {
	w.err = err
	w.signal <- nil
}

// A batch is requests in C's memory, and who waits for them. It is used again, with the channels, when
// the last of them has returned: what is in use at a time lies together.
type batch struct {
	*arena    // until they were handed over
	waiters   [batchSize]waiter
	n         int
	stoppable bool // one of their contexts can be cancelled
	left      atomic.Int32
}

// add is for a request that there is room for.
func (b *batch) add(r *Request, end time.Time, cq *C.llmq_cq_t, stoppable bool) *waiter {
	b.reserve(r.size())
	b.set(b.n, r, end, cq, 0)
	w := &b.waiters[b.n]
	if w.signal == nil {
		w.signal = make(chan *Response, 1)
	}
	w.err, w.number, w.over = nil, 0, false
	b.n++
	b.stoppable = b.stoppable || stoppable
	return w
}

// gathered are requests of goroutines in Do that were not handed over yet. A goroutine of the manager
// does that: it lets the others run that can, and hands over all that they have brought. The stacks of
// those in Do stay small that way.
type gathered struct {
	mu     sync.Mutex
	full   []*batch
	last   *batch
	spare  []*batch
	wake   chan struct{} // there is something to hand over; closed with the manager
	closed bool
}

// add returns nil if nobody hands over any more.
func (g *gathered) add(m *Manager, r *Request, end time.Time, stoppable bool) (*batch, *waiter) {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil, nil
	}
	first := g.last == nil && len(g.full) == 0
	if g.last == nil {
		g.last = g.fresh(m)
	}
	b := g.last
	w := b.add(r, end, m.events.cq, stoppable)
	if b.n == batchSize {
		g.full = append(g.full, b)
		g.last = nil
	}
	if first {
		select {
		case g.wake <- struct{}{}:
		default: // of one before, which was handed over already
		}
	}
	g.mu.Unlock()
	return b, w
}

func (g *gathered) fresh(m *Manager) *batch {
	b := new(batch)
	if n := len(g.spare); n > 0 {
		b = g.spare[n-1]
		g.spare = g.spare[:n-1]
	}
	b.arena, b.n, b.stoppable = m.arenas.get(), 0, false
	return b
}

// take gives the first batch; nil if there is none.
func (g *gathered) take() *batch {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.last
	if len(g.full) > 0 {
		first, g.full = g.full[0], g.full[1:]
	} else {
		g.last = nil
	}
	return first
}

// leave is for a waiter that returns.
func (g *gathered) leave(b *batch) {
	if b.left.Add(-1) > 0 {
		return
	}
	g.mu.Lock()
	if len(g.spare) < keptBatches {
		g.spare = append(g.spare, b)
	}
	g.mu.Unlock()
}

// close lets handOverGathered end once all was handed over.
func (g *gathered) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	close(g.wake)
}

// handOverGathered runs until the manager is closed.
func (m *Manager) handOverGathered() {
	for range m.gathered.wake {
		runtime.Gosched()
		for b := m.gathered.take(); b != nil; b = m.gathered.take() {
			m.handOver(b)
		}
	}
}

// Do hands over a request and waits for its response. The response is there too if the request was
// accepted and failed. A cancelled context cancels the request.
func (m *Manager) Do(ctx context.Context, r Request) (*Response, error) {
	end, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	if r.size() > largestGathered {
		return m.doAlone(ctx, &r)
	}
	stoppable := ctx.Done() != nil
	b, w := m.gathered.add(m, &r, end, stoppable)
	if b == nil {
		return m.doAlone(ctx, &r)
	}
	var response *Response
	if stoppable {
		response = m.await(ctx, w)
	} else {
		response = <-w.signal
	}
	if response == nil {
		err = w.err
	} else if response.Status != StatusOK {
		err = outcome(ctx, response)
	}
	m.gathered.leave(b)
	return response, err
}

func (m *Manager) doAlone(ctx context.Context, r *Request) (*Response, error) {
	p, err := m.Submit(ctx, *r)
	if err != nil {
		return nil, err
	}
	<-p.done // every request ends, a cancelled one at once
	return p.response, outcome(ctx, p.response)
}

// await returns when the waiter's request has ended.
func (m *Manager) await(ctx context.Context, w *waiter) *Response {
	select {
	case response := <-w.signal:
		return response
	case <-ctx.Done():
		m.abandon(ctx, w)
		return <-w.signal
	}
}

// abandon cancels the request of a waiter whose context has ended.
func (m *Manager) abandon(ctx context.Context, w *waiter) {
	if endsByItself(ctx) {
		return
	}
	if id := m.waiting.abandon(w); id != 0 {
		m.Cancel(id) // an error: it has ended meanwhile
	}
}

// handOver submits the requests of waiters. One that is refused refuses none of the others.
func (m *Manager) handOver(b *batch) {
	defer runtime.KeepAlive(m)
	memory, count, stoppable := b.arena, b.n, b.stoppable
	b.arena = nil
	b.left.Store(int32(count))
	m.waiting.addWaiters(b, memory)
	for i := 0; i < count; i++ {
		accepted, err := m.submitArena(memory, i, count-i)
		if stoppable {
			m.nameWaiters(memory, i, accepted)
		}
		if i += accepted; err != nil {
			m.waiting.drop(memory.numbers[i])
			b.waiters[i].refuse(err)
		}
	}
	m.arenas.put(memory)
}

// nameWaiters lets requests that were accepted be cancelled, and cancels those that should have been.
func (m *Manager) nameWaiters(memory *arena, from, count int) {
	for _, id := range m.waiting.name(memory.numbers[from:from+count], memory.ids[from:from+count]) {
		m.Cancel(id)
	}
}
