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

// A waiter is one goroutine in Do, the receiver of its response. Waiters are used again, with their
// channels.
type waiter struct {
	signal   chan struct{} // it is to lead, or its request has ended
	lead     bool
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
	waiters [batchSize]*waiter
	n       int
}

func (b *batch) add(r *Request, end time.Time, cq *C.llmq_cq_t, w *waiter) {
	b.reserve(r.size())
	b.set(b.n, r, end, cq, 0)
	b.waiters[b.n] = w
	b.n++
}

// gathered are requests of goroutines in Do that nobody has handed over yet. The first of them leads:
// it lets the others run that can, and hands over all that they have brought, in one call.
type gathered struct {
	mu    sync.Mutex
	full  []*batch
	last  *batch
	spare *batch
	led   bool // somebody leads
}

// add tells whether the waiter is to lead.
func (g *gathered) add(m *Manager, r *Request, end time.Time, w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.last == nil {
		g.last, g.spare = g.spare, nil
		if g.last == nil {
			g.last = &batch{arena: m.arenas.get()}
		}
	}
	g.last.add(r, end, m.events.cq, w)
	if g.last.n == batchSize {
		g.full = append(g.full, g.last)
		g.last = nil
	}
	lead := !g.led
	g.led = true
	return lead
}

// take gives the leader its batch. The first of the next one leads that, so that nobody works long for
// others.
func (g *gathered) take() *batch {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := g.last
	if len(g.full) > 0 {
		first, g.full = g.full[0], g.full[1:]
	} else {
		g.last = nil
	}
	next := g.last
	if len(g.full) > 0 {
		next = g.full[0]
	}
	if g.led = next != nil; g.led {
		next.waiters[0].lead = true
		next.waiters[0].signal <- struct{}{}
	}
	return first
}

// giveBack lets the memory of a batch be used again.
func (g *gathered) giveBack(m *Manager, b *batch) {
	clear(b.waiters[:b.n])
	b.n = 0
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.spare == nil && b.size <= keptArena {
		b.reset()
		g.spare = b
	} else {
		m.arenas.put(b.arena)
	}
}

// Do hands over a request and waits for its response. The response is there too if the request was
// accepted and failed. A cancelled context cancels the request.
func (m *Manager) Do(ctx context.Context, r Request) (*Response, error) {
	end, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	w := waiters.Get().(*waiter)
	if r.size() > largestGathered {
		m.handOverAlone(&r, end, w)
	} else if m.gathered.add(m, &r, end, w) {
		runtime.Gosched()
		m.lead()
	}
	m.await(ctx, w)
	response, err := w.response, w.err
	w.reset()
	if err != nil {
		return nil, err
	}
	return response, outcome(ctx, response)
}

// await returns when the waiter's request has ended. It leads if it is its turn.
func (m *Manager) await(ctx context.Context, w *waiter) {
	over := ctx.Done()
	for {
		if over == nil {
			<-w.signal
		} else {
			select {
			case <-w.signal:
			case <-over:
				over = nil // every request ends, a cancelled one at once
				m.abandon(ctx, w)
				continue
			}
		}
		if !w.lead {
			return
		}
		w.lead = false
		m.lead()
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

func (m *Manager) lead() {
	b := m.gathered.take()
	m.handOver(b)
	m.gathered.giveBack(m, b)
}

func (m *Manager) handOverAlone(r *Request, end time.Time, w *waiter) {
	b := batch{arena: m.arenas.get()}
	defer m.arenas.put(b.arena)
	b.add(r, end, m.events.cq, w)
	m.handOver(&b)
}

// handOver submits the requests of waiters. One that is refused refuses none of the others.
func (m *Manager) handOver(b *batch) {
	defer runtime.KeepAlive(m)
	m.waiting.addWaiters(b)
	for i := 0; i < b.n; i++ {
		accepted, err := m.submitArena(b.arena, i, b.n-i)
		m.nameWaiters(b.arena, i, accepted)
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
