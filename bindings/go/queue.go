package llmq

// #include "native.h"
import "C"

import (
	"context"
	"os"
	"runtime"
	"sync"
	"time"
)

// Queue gets the responses of many requests, in batches and in the order in which they end. It costs
// the least per request: nothing of Go is made for one until its response is read. One goroutine at a
// time reads; any may submit. It must be closed.
type Queue struct {
	// ReuseMemory lets Next write Data and Metadata to the memory that the responses of its slice have, as
	// append(Data[:0], ...) does, in place of new one: no garbage. Who keeps one of them longer than until
	// the slice is used again must copy it. To be set before Next is called.
	ReuseMemory bool

	manager *Manager
	events  *events
	reading sync.Mutex   // held by who waits for events, or frees them
	life    sync.RWMutex // held by who submits, against the end of the queue
	closed  bool
}

// NewQueue makes a queue for requests of this manager.
func (m *Manager) NewQueue() (*Queue, error) {
	e, err := newEvents()
	if err != nil {
		return nil, err
	}
	return &Queue{manager: m, events: e}, nil
}

// Submit hands over requests, in order, until one is refused: it returns the ids of those before it,
// and why that one was not accepted. Responses carry the tags of their requests. The context's
// deadline is that of the requests too; its cancellation is not.
func (q *Queue) Submit(ctx context.Context, requests []Request) ([]RequestID, error) {
	q.life.RLock()
	defer q.life.RUnlock()
	if q.closed {
		return nil, errQueueClosed()
	}
	ids := make([]RequestID, len(requests))
	accepted, err := q.manager.submitAll(ctx, requests, delivery{
		cq:     q.events.cq,
		accept: func(i int, id RequestID) { ids[i] = id },
	})
	return ids[:accepted], err
}

// Next waits for responses and writes those that are there to the slice; it returns how many. What they
// point to is new each time (but see ReuseMemory), only the slice is used again. When the context ends,
// so does the wait, and nothing is lost.
func (q *Queue) Next(ctx context.Context, into []Response) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	q.reading.Lock()
	defer q.reading.Unlock()
	if ctx.Done() != nil {
		stop := context.AfterFunc(ctx, func() { q.events.file.SetReadDeadline(time.Unix(1, 0)) })
		defer stop()
	}
	for {
		if err := ctx.Err(); err != nil {
			return 0, contextError(ctx, err)
		}
		_, err := q.events.wait(len(into))
		if os.IsTimeout(err) {
			// Of this context, or late, of one before.
			q.events.file.SetReadDeadline(time.Time{})
			continue
		}
		if err != nil {
			return 0, errQueueClosed()
		}
		if n := q.readAll(into); n > 0 {
			return n, nil
		}
	}
}

// readAll reads the batch that the wait has found, and further ones that are there.
func (q *Queue) readAll(into []Response) int {
	n := 0
	for {
		found := q.events.n
		n += q.read(into[n:])
		if found < batchSize || n == len(into) || q.events.drain(len(into)-n) == 0 {
			return n
		}
	}
}

// read copies the responses of a batch. Other events were not asked for.
func (q *Queue) read(into []Response) int {
	n := 0
	for i := 0; i < q.events.n; i++ {
		event, detail := &q.events.events[i], &q.events.details[i]
		if event._type != C.LLMQ_EV_DONE {
			continue
		}
		if q.ReuseMemory {
			into[n].readAgain(event, detail, &q.events.memory)
		} else {
			into[n].readDone(event, detail, &q.events.memory)
		}
		n++
	}
	q.events.release()
	return n
}

func errQueueClosed() error { return &Error{Status: ErrClosed, Message: "the queue is closed"} }

// Close ends the queue, and a wait on it. Requests that have not ended go on; their responses are
// dropped. Closing twice does nothing.
func (q *Queue) Close() error {
	q.life.Lock()
	defer q.life.Unlock()
	if q.closed {
		return nil
	}
	q.closed = true
	q.events.close()
	q.reading.Lock()
	defer q.reading.Unlock()
	q.events.free()
	runtime.SetFinalizer(q.events, nil)
	C.llmq_cq_unref(q.events.cq)
	return nil
}
