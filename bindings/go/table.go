package llmq

// #include "native.h"
import "C"

import "sync"

// A receiver gets the events of one request, from the manager's goroutine: it must not wait.
type receiver interface {
	receive(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab)
}

// A table knows receivers by a number, which travels through C as user_data: C holds no pointer of
// Go. The upper half of a number counts how often its place was used, so that an old one finds
// nothing. 0 is no number.
type table struct {
	mu     sync.Mutex
	places []place
	free   []uint32
}

type place struct {
	to    receiver
	id    RequestID // of a waiter's request that was accepted
	round uint32
	over  bool // to be cancelled as soon as it has an id
}

func (t *table) add(to receiver) uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.put(to)
}

// put is add under the lock.
func (t *table) put(to receiver) uint64 {
	var at uint32
	if n := len(t.free); n > 0 {
		at = t.free[n-1]
		t.free = t.free[:n-1]
	} else {
		at = uint32(len(t.places))
		t.places = append(t.places, place{})
	}
	t.places[at].to = to
	return uint64(t.places[at].round)<<32 | uint64(at+1)
}

func (t *table) at(number uint64) (*place, uint32) {
	at := uint32(number) - 1
	if number == 0 || int(at) >= len(t.places) {
		return nil, at
	}
	if found := &t.places[at]; found.round == uint32(number>>32) {
		return found, at
	}
	return nil, at
}

func (t *table) drop(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remove(number)
}

func (t *table) remove(number uint64) {
	if found, at := t.at(number); found != nil {
		*found = place{round: found.round + 1}
		t.free = append(t.free, at)
	}
}

// find fills in the receivers of a batch of events. Those of last events leave the table.
func (t *table) find(events []C.llmq_event_t, to []receiver) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range events {
		event := &events[i]
		if event._type == C.LLMQ_EV_READY || event._type == C.LLMQ_EV_CANCEL_REQUESTED {
			continue
		}
		number := uint64(event.user_data)
		if found, _ := t.at(number); found != nil {
			to[i] = found.to
			if event._type != C.LLMQ_EV_CHUNK {
				t.remove(number)
			}
		}
	}
}

// addWaiters gives waiters their numbers, and their requests too. From when all of these are accepted the
// waiters may be used for others: only the numbers are good then.
func (t *table) addWaiters(b *batch, memory *arena) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range b.waiters[:b.n] {
		w := &b.waiters[i]
		w.number = t.put(w)
		if w.over {
			found, _ := t.at(w.number)
			found.over = true
		}
		memory.numbers[i] = w.number
		memory.requests[i].user_data = C.uint64_t(w.number)
	}
}

// name notes the ids of requests that were accepted. Those that are to be cancelled are returned.
func (t *table) name(numbers []uint64, ids []C.llmq_request_id_t) (over []RequestID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, number := range numbers {
		found, _ := t.at(number)
		if found == nil {
			continue // it has ended
		}
		found.id = RequestID(ids[i])
		if found.over {
			over = append(over, found.id)
		}
	}
	return over
}

// abandon gives the id of a waiter's request, to be cancelled; 0 if it has none yet, and is
// cancelled as soon as it has, or if it has ended.
func (t *table) abandon(w *waiter) RequestID {
	t.mu.Lock()
	defer t.mu.Unlock()
	w.over = true
	if found, _ := t.at(w.number); found != nil {
		found.over = true
		return found.id
	}
	return 0
}
