package llmq

// #include "native.h"
import "C"

import (
	"context"
	"sync"
	"unsafe"
)

// Chunk is a piece of a streamed response.
type Chunk struct {
	// Data is the JSON of one event of the provider's stream, or what a processor gave. It is the
	// caller's.
	Data []byte
	// Attempt is the number of the attempt that it comes from. With RequestRestart the pieces begin
	// anew when it changes.
	Attempt int
	// OutputTokens is how many there were so far; 0 if that is not known.
	OutputTokens int64
}

// Stream is the response of a request while it comes.
//
//	stream, err := manager.Stream(ctx, request)
//	if err != nil {
//		return err
//	}
//	defer stream.Close()
//	for stream.Next() {
//		use(stream.Chunk().Data)
//	}
//	return stream.Err()
//
// A reader that is slow makes the provider wait, once it is stream_buffer_bytes behind. One goroutine
// at a time reads.
type Stream struct {
	pending *Pending
	wake    chan struct{}

	mu       sync.Mutex
	came     []C.llmq_event_t // what Next has not looked at; C owns what they hold
	dropping bool             // nobody will read any more

	reading []C.llmq_event_t
	next    int
	chunk   Chunk
	memory  slab
}

// Stream hands over a request whose response is read while it comes. The context governs all of it.
func (m *Manager) Stream(ctx context.Context, r Request) (*Stream, error) {
	end, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	r.Flags |= RequestStream
	s := &Stream{
		pending: &Pending{manager: m, ctx: ctx, done: make(chan struct{})},
		wake:    make(chan struct{}, 1),
	}
	if ctx.Done() != nil {
		s.pending.stop = context.AfterFunc(ctx, s.pending.contextOver)
	}
	id, err := m.submit(&r, end, s)
	if err != nil {
		s.pending.release()
		return nil, err
	}
	s.pending.accept(id)
	return s, nil
}

func (s *Stream) receive(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	if event._type != C.LLMQ_EV_CHUNK {
		s.pending.receive(event, detail, memory)
		return
	}
	s.mu.Lock()
	if !s.dropping {
		// The piece stays in C until it was read: that is how the provider hears of a slow reader.
		s.came = append(s.came, *event)
		event.handle = nil
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next waits for the next piece, which Chunk gives then. False: there are no more; Err tells why.
func (s *Stream) Next() bool {
	for s.next == len(s.reading) {
		releaseEvents(s.reading)
		if s.reading, s.next = s.take(s.reading[:0]), 0; len(s.reading) > 0 {
			break
		}
		select {
		case <-s.wake:
		case <-s.pending.done:
			// All pieces came before the end.
			if s.reading = s.take(s.reading); len(s.reading) == 0 {
				return false
			}
		}
	}
	event := &s.reading[s.next]
	s.next++
	s.chunk = Chunk{
		Data:         s.memory.copy(event.data, int(event.data_len)),
		Attempt:      int(event.attempt),
		OutputTokens: int64(event.output_tokens),
	}
	return true
}

// take swaps what came with an empty slice.
func (s *Stream) take(empty []C.llmq_event_t) []C.llmq_event_t {
	s.mu.Lock()
	defer s.mu.Unlock()
	came := s.came
	s.came = empty
	return came
}

func releaseEvents(events []C.llmq_event_t) {
	if len(events) > 0 {
		C.llmq_events_release((*C.llmq_event_t)(unsafe.Pointer(&events[0])), C.sizeof_llmq_event_t,
			C.size_t(len(events)))
	}
}

// Chunk is the piece that Next has found.
func (s *Stream) Chunk() Chunk { return s.chunk }

// ID is the request's id.
func (s *Stream) ID() RequestID { return s.pending.ID() }

// Err is why the request failed; nil if it succeeded, or has not ended.
func (s *Stream) Err() error {
	select {
	case <-s.pending.done:
		return outcome(s.pending.ctx, s.pending.response)
	default:
		return nil
	}
}

// Response is the whole response, once Next has returned false; nil before the end.
func (s *Stream) Response() *Response {
	select {
	case <-s.pending.done:
		return s.pending.response
	default:
		return nil
	}
}

// Close cancels the request if it has not ended, and frees what was not read. It must be called if
// Next has not returned false, by the goroutine that reads. It returns nil.
func (s *Stream) Close() error {
	s.mu.Lock()
	s.dropping = true
	s.mu.Unlock()
	select {
	case <-s.pending.done:
	default:
		s.pending.Cancel()
	}
	releaseEvents(s.reading)
	s.reading, s.next = nil, 0
	releaseEvents(s.take(nil))
	return nil
}
