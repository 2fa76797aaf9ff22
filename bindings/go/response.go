package llmq

// #include "native.h"
import "C"

import (
	"encoding/json"
	"fmt"
	"time"
	"unsafe"
)

// Usage is what an attempt has consumed. Counts are >= 0.
type Usage struct {
	// InputTokens is everything that entered the model, cached tokens included.
	InputTokens int64
	// OutputTokens is everything that it produced, reasoning included.
	OutputTokens int64
	// CachedInputTokens is the part of InputTokens that was read from a cache.
	CachedInputTokens int64
	// CostMicros is money in millionths of the currency's unit; 0 if unknown.
	CostMicros int64
	// ReasoningTokens is the part of OutputTokens that is not shown.
	ReasoningTokens int64
}

func (u *Usage) native() C.llmq_usage_t {
	return C.llmq_usage_t{
		struct_size:         C.sizeof_llmq_usage_t,
		input_tokens:        C.int64_t(u.InputTokens),
		output_tokens:       C.int64_t(u.OutputTokens),
		cached_input_tokens: C.int64_t(u.CachedInputTokens),
		cost_micros:         C.int64_t(u.CostMicros),
		reasoning_tokens:    C.int64_t(u.ReasoningTokens),
	}
}

// refused says in words which count the library would not take; "" = it takes all.
func (u *Usage) refused() string {
	if u == nil {
		return ""
	}
	for _, count := range []struct {
		name  string
		value int64
	}{
		{"input_tokens", u.InputTokens}, {"output_tokens", u.OutputTokens},
		{"cached_input_tokens", u.CachedInputTokens}, {"cost_micros", u.CostMicros},
		{"reasoning_tokens", u.ReasoningTokens},
	} {
		if count.value < 0 {
			return fmt.Sprintf("usage: %s is %d, and must be 0 or more", count.name, count.value)
		}
	}
	return ""
}

func usageOf(raw *C.llmq_usage_t) Usage {
	return Usage{
		InputTokens:       int64(raw.input_tokens),
		OutputTokens:      int64(raw.output_tokens),
		CachedInputTokens: int64(raw.cached_input_tokens),
		CostMicros:        int64(raw.cost_micros),
		ReasoningTokens:   int64(raw.reasoning_tokens),
	}
}

// Response is the one outcome of a request.
type Response struct {
	// ID is that of the request.
	ID RequestID
	// Tag is that of the request, if it was submitted to a [Queue].
	Tag uint64
	// Status is StatusOK, or why the request did not succeed.
	Status Status
	// State is the final state.
	State State
	// Data is the processor's result, or the body that the provider sent, also with an error.
	Data []byte
	// Message says what went wrong; "" if nothing did.
	Message string
	// Usage of the last attempt, if UsageKnown.
	Usage      Usage
	UsageKnown bool
	// Shared: the usage is that of a call which another request has told already.
	Shared bool
	// Cached: an answer from before; its usage was that call's.
	Cached bool
	// Queued is the time from submit to the start of the last attempt, or to the end.
	Queued time.Duration
	// Run is how long the last attempt ran; 0 if none did.
	Run time.Duration
	// FirstOutput is the time from the start of the last attempt to the first output of a stream.
	FirstOutput time.Duration
	// RetryAfter tells, with an error, when a new try may make sense; 0 = not known.
	RetryAfter time.Duration
	// Attempts is how many were made.
	Attempts int
	// HTTPStatus is that of the last answer of a built-in provider; 0 if there was none.
	HTTPStatus int
	// Key and Metadata are those of the request.
	Key      string
	Metadata []byte
	// Deployment is the name of the one that ran the last attempt; "" if it has none.
	Deployment string
	// FallbackModel is the model that answered in place of the one asked for; "" if that one did.
	FallbackModel string
	// ProviderRequestID is the provider's own id of its last answer (x-request-id).
	ProviderRequestID string

	history *[]byte // JSON; nil if no attempt has failed
}

// Err is nil if the request succeeded, else an [*Error] that holds the response.
func (r *Response) Err() error {
	if r.Status == StatusOK {
		return nil
	}
	return &Error{Status: r.Status, Message: r.Message, RetryAfter: r.RetryAfter, Response: r}
}

// AttemptRecord tells of one attempt of a request of which at least one has failed.
type AttemptRecord struct {
	// Attempt is its number, from 1.
	Attempt int `json:"attempt"`
	// Deployment is where it ran; "" if that has no name.
	Deployment string `json:"deployment"`
	// Status is the name of its status, "LLMQ_ERR_SERVER".
	Status string `json:"status"`
	// HTTPStatus is that of the answer; 0 if there was none.
	HTTPStatus int `json:"http_status"`
	// Message is that of the provider or the processor; at most 200 bytes.
	Message string `json:"message"`
	// StartedMS, RunMS and RetryDelayMS are milliseconds: from the submit to its start, how long it ran,
	// and how long it was until another one could start.
	StartedMS    float64 `json:"started_ms"`
	RunMS        float64 `json:"run_ms"`
	RetryDelayMS float64 `json:"retry_delay_ms"`
}

// History tells of the attempts of a request of which at least one has failed, the last one
// included; nil if none has.
func (r *Response) History() []AttemptRecord {
	if r.history == nil {
		return nil
	}
	var records []AttemptRecord
	if json.Unmarshal(*r.history, &records) != nil {
		return nil
	}
	return records
}

// A slab is Go memory for the small payloads of a batch. What is larger has memory of its own, so
// that a response which is kept holds little besides itself.
type slab struct{ free []byte }

const (
	slabSize     = 6912 // a size that Go puts seven of into a span: fewer spans to take and to sweep
	largestShare = 1 << 10
	largestKept  = 64 << 10 // of a response that is read into again
)

func (s *slab) copy(data unsafe.Pointer, size int) []byte {
	if size == 0 {
		return nil
	}
	from := unsafe.Slice((*byte)(data), size)
	if size > largestShare {
		return append([]byte(nil), from...)
	}
	if size > len(s.free) {
		s.free = make([]byte, slabSize)
	}
	into := s.free[:size:size]
	s.free = s.free[size:]
	copy(into, from)
	return into
}

// text is copy for a text: no memory of its own for each.
func (s *slab) text(data *C.char, size C.size_t) string {
	into := s.copy(unsafe.Pointer(data), int(size))
	return unsafe.String(unsafe.SliceData(into), len(into)) // nobody writes there any more
}

func stringOf(data *C.char, size C.size_t) string {
	if size == 0 {
		return ""
	}
	return string(unsafe.Slice((*byte)(unsafe.Pointer(data)), int(size)))
}

// readDone copies what a DONE event and its detail say. Each member is written where it is: what was
// there before may be an older response, and to make one elsewhere and to copy it costs twice.
func (r *Response) readDone(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	r.readEvent(event)
	r.readBytes(detail, memory)
	r.readDetail(detail, memory)
}

func (r *Response) readBytes(detail *C.lq_detail_t, memory *slab) {
	r.Data = memory.copy(unsafe.Pointer(detail.data), int(detail.data_len))
	r.Metadata = memory.copy(unsafe.Pointer(detail.metadata), int(detail.metadata_len))
}

func (r *Response) readEvent(event *C.llmq_event_t) {
	r.ID = RequestID(event.request_id)
	r.Tag = uint64(event.user_data)
	r.Status = Status(event.status)
	r.State = State(event.state)
	r.Queued = time.Duration(event.queued_ns)
	r.Run = time.Duration(event.run_ns)
	r.FirstOutput = time.Duration(event.first_output_ns)
	r.RetryAfter = time.Duration(event.retry_after_ns)
	r.Attempts = int(event.attempt)
	r.Shared = event.flags&C.LLMQ_EVENT_SHARED != 0
	r.Cached = event.flags&C.LLMQ_EVENT_CACHED != 0
	r.Usage.InputTokens = int64(event.input_tokens)
	r.Usage.OutputTokens = int64(event.output_tokens)
	r.Usage.CachedInputTokens = int64(event.cached_input_tokens)
	r.Usage.CostMicros = int64(event.cost_micros)
	r.Usage.ReasoningTokens = int64(event.reasoning_tokens)
}

// readAgain is readDone into the memory that the response has.
func (r *Response) readAgain(event *C.llmq_event_t, detail *C.lq_detail_t, memory *slab) {
	r.readEvent(event)
	r.Data = again(r.Data, unsafe.Pointer(detail.data), int(detail.data_len))
	r.Metadata = again(r.Metadata, unsafe.Pointer(detail.metadata), int(detail.metadata_len))
	r.readDetail(detail, memory)
}

// again copies to the memory of an older text, unless that is much larger.
func again(old []byte, data unsafe.Pointer, size int) []byte {
	if cap(old) > largestKept && cap(old) > 4*size {
		old = nil
	}
	return append(old[:0], unsafe.Slice((*byte)(data), size)...)
}

func (r *Response) readDetail(detail *C.lq_detail_t, memory *slab) {
	r.HTTPStatus = int(detail.http_status)
	r.UsageKnown = detail.usage_known != 0
	r.history = nil
	if detail.plain != 0 {
		r.Message, r.Key, r.Deployment, r.FallbackModel, r.ProviderRequestID = "", "", "", "", ""
		return
	}
	r.Message = memory.text(detail.error, detail.error_len)
	r.Key = memory.text(detail.request_key, detail.request_key_len)
	r.Deployment = memory.text(detail.deployment, detail.deployment_len)
	r.FallbackModel = memory.text(detail.fallback_model, detail.fallback_model_len)
	r.ProviderRequestID = memory.text(detail.provider_request_id, detail.provider_request_id_len)
	if detail.history_len > 2 { // more than []
		history := append([]byte(nil), unsafe.Slice((*byte)(unsafe.Pointer(detail.history)),
			int(detail.history_len))...)
		r.history = &history
	}
}

// takeResponse reads a response that was asked for by id, and frees it.
func takeResponse(raw *C.llmq_response_t) *Response {
	var detail C.lq_detail_t
	C.lq_describe(raw, &detail)
	var submitted, started, finished C.int64_t
	C.llmq_response_timings(raw, &submitted, &started, &finished)
	flags := C.llmq_response_flags(raw)
	r := &Response{
		ID:          RequestID(C.llmq_response_request_id(raw)),
		Status:      Status(C.llmq_response_status(raw)),
		State:       State(C.llmq_response_state(raw)),
		Queued:      time.Duration(finished - submitted),
		FirstOutput: time.Duration(C.llmq_response_first_output_ns(raw)),
		Attempts:    int(C.llmq_response_attempts(raw)),
		Shared:      flags&C.LLMQ_EVENT_SHARED != 0,
		Cached:      flags&C.LLMQ_EVENT_CACHED != 0,
	}
	if started != 0 {
		r.Queued, r.Run = time.Duration(started-submitted), time.Duration(finished-started)
	}
	usage := C.llmq_usage_t{struct_size: C.sizeof_llmq_usage_t}
	if C.llmq_response_usage(raw, &usage) == C.LLMQ_OK {
		r.Usage = usageOf(&usage)
	}
	var memory slab
	r.readBytes(&detail, &memory)
	r.readDetail(&detail, &memory)
	C.llmq_buf_free(detail.history)
	C.llmq_response_free(raw)
	return r
}
