package llmq

// #include "native.h"
import "C"

import (
	"context"
	"runtime"
	"sync"
	"time"
)

// Requests that are longer are not copied under the lock of all.
const largestGathered = 16 << 10

// Batches whose memory is kept for the next requests.
const keptBatches = 8

// A waiter is one goroutine in Do, the receiver of its response. Waiters are used again, with their
// channels.
type waiter struct {
	signal   chan struct{} // its request has ended, or was not accepted
	response *Response
	err      error // why the request was not accepted

	// Under the lock of the manager's table:
	number uint64 // there; 0 = not handed over yet
	over   bool   // the context has ended before that
}

var waiters = sync.Pool{New: func() any { return &waiter{signal: make(chan struct{}, 1)} }}

func (w *waiter) receive(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	if event._type != C.LLMQ_EV_DONE {
		return
	}
	w.response = new(Response)
	w.response.readDone(event, detail, memory)
	w.signal <- struct{}{}
}

// reset makes it ready for another goroutine.
func (w *waiter) reset() {
	w.response, w.err = nil, nil
	w.number, w.over = 0, false
	waiters.Put(w)
}

func (w *waiter) refuse(err error) {
	w.err = err
	w.signal <- struct{}{}
}

// A batch is requests in C's memory, and who waits for them.
type batch struct {
	*arena
	waiters   [batchSize]*waiter
	n         int
	stoppable bool // a context of them can be cancelled
}

func (b *batch) add(r *Request, end time.Time, cq *C.llmq_cq_t, w *waiter, stoppable bool) {
	b.reserve(r.size())
	b.set(b.n, r, end, cq, 0)
	b.waiters[b.n] = w
	b.n++
	b.stoppable = b.stoppable || stoppable
}

// gathered are requests of goroutines in Do that were not handed over yet. A goroutine of the manager
// does that: it lets the others run that can, and hands over all that they have brought.
type gathered struct {
	mu     sync.Mutex
	full   []*batch
	last   *batch
	spare  []*batch
	wake   chan struct{} // there is something to hand over; closed with the manager
	closed bool
}

// add is false if nobody hands over any more.
func (g *gathered) add(m *Manager, r *Request, end time.Time, w *waiter, stoppable bool) bool {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return false
	}
	first := g.last == nil && len(g.full) == 0
	if g.last == nil {
		g.last = g.fresh(m)
	}
	g.last.add(r, end, m.events.cq, w, stoppable)
	if g.last.n == batchSize {
		g.full = append(g.full, g.last)
		g.last = nil
	}
	if first {
		select {
		case g.wake <- struct{}{}:
		default: // of one before, which was handed over already
		}
	}
	g.mu.Unlock()
	return true
}

func (g *gathered) fresh(m *Manager) *batch {
	if n := len(g.spare); n > 0 {
		last := g.spare[n-1]
		g.spare = g.spare[:n-1]
		return last
	}
	return &batch{arena: m.arenas.get()}
}

// take gives the first batch; nil if there is none. The batch before is used again.
func (g *gathered) take(m *Manager, before *batch) *batch {
	g.mu.Lock()
	defer g.mu.Unlock()
	if before != nil {
		g.giveBack(m, before)
	}
	first := g.last
	if len(g.full) > 0 {
		first, g.full = g.full[0], g.full[1:]
	} else {
		g.last = nil
	}
	return first
}

func (g *gathered) giveBack(m *Manager, b *batch) {
	if len(g.spare) >= keptBatches || b.size > keptArena {
		m.arenas.put(b.arena)
		return
	}
	clear(b.waiters[:b.n])
	b.n, b.stoppable = 0, false
	b.reset()
	g.spare = append(g.spare, b)
}

// close lets run end once all was handed over.
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
		for b := m.gathered.take(m, nil); b != nil; b = m.gathered.take(m, b) {
			m.handOver(b)
		}
	}
	for _, b := range m.gathered.spare {
		b.free()
	}
	m.gathered.spare = nil
}

// Do hands over a request and waits for its response. The response is there too if the request was
// accepted and failed. A cancelled context cancels the request.
func (m *Manager) Do(ctx context.Context, r Request) (*Response, error) {
	end, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	w := waiters.Get().(*waiter)
	over := ctx.Done()
	if r.size() > largestGathered || !m.gathered.add(m, &r, end, w, over != nil) {
		m.handOverAlone(&r, end, w)
	}
	if over == nil {
		<-w.signal
	} else {
		m.await(ctx, w)
	}
	response, err := w.response, w.err
	w.reset()
	if err != nil {
		return nil, err
	}
	return response, outcome(ctx, response)
}

// await returns when the waiter's request has ended.
func (m *Manager) await(ctx context.Context, w *waiter) {
	select {
	case <-w.signal:
	case <-ctx.Done():
		m.abandon(ctx, w)
		<-w.signal // every request ends, a cancelled one at once
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

func (m *Manager) handOverAlone(r *Request, end time.Time, w *waiter) {
	b := batch{arena: m.arenas.get()}
	defer m.arenas.put(b.arena)
	b.add(r, end, m.events.cq, w, true)
	m.handOver(&b)
}

// handOver submits the requests of waiters. One that is refused refuses none of the others.
func (m *Manager) handOver(b *batch) {
	defer runtime.KeepAlive(m)
	m.waiting.addWaiters(b)
	for i := 0; i < b.n; i++ {
		accepted, err := m.submitArena(b.arena, i, b.n-i)
		if b.stoppable {
			m.nameWaiters(b.arena, i, accepted)
		}
		if i += accepted; err != nil {
			m.waiting.drop(b.numbers[i])
			b.waiters[i].refuse(err)
		}
	}
}

// nameWaiters lets requests that were accepted be cancelled, and cancels those that should have been.
func (m *Manager) nameWaiters(memory *arena, from, count int) {
	for _, id := range m.waiting.name(memory.numbers[from:from+count], memory.ids[from:from+count]) {
		m.Cancel(id)
	}
}
