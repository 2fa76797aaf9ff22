package llmq

// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"sync"
	"time"
	"unsafe"
)

// Requests that cross the border together, and events likewise. A call into C that takes much more than
// 10 us has its place among Go's processors taken away, and must wait for one when it comes back.
const batchSize = 32

// Arenas that are larger are not kept for later.
const keptArena = 1 << 20

// An arena is the C memory of one batch: the structs of up to batchSize requests, the ids that they
// get, and the bytes that they point to. C never sees a Go pointer.
type arena struct {
	requests *[batchSize]C.llmq_request_t
	ids      *[batchSize]C.llmq_request_id_t
	numbers  [batchSize]uint64 // of the receivers
	accepted *C.size_t
	bytes    unsafe.Pointer
	size     int
	used     int
	filled   []unsafe.Pointer // bytes of this batch that had no more room
	now      int64            // of the library's clock; 0 = not asked yet
}

func newArena() *arena {
	return &arena{
		requests: (*[batchSize]C.llmq_request_t)(C.calloc(batchSize, C.sizeof_llmq_request_t)),
		ids:      (*[batchSize]C.llmq_request_id_t)(C.calloc(batchSize, C.sizeof_llmq_request_id_t)),
		accepted: (*C.size_t)(C.calloc(1, C.sizeof_size_t)),
	}
}

func (a *arena) free() {
	a.reset()
	C.free(unsafe.Pointer(a.requests))
	C.free(unsafe.Pointer(a.ids))
	C.free(unsafe.Pointer(a.accepted))
	C.free(a.bytes)
}

// reset forgets the batch.
func (a *arena) reset() {
	for _, bytes := range a.filled {
		C.free(bytes)
	}
	a.used, a.now, a.filled = 0, 0, a.filled[:0]
}

// reserve makes room for so many bytes more. Those that are there stay where they are.
func (a *arena) reserve(size int) {
	if a.used+size <= a.size {
		return
	}
	if a.used > 0 {
		a.filled = append(a.filled, a.bytes)
	} else {
		C.free(a.bytes)
	}
	a.size = max(2*a.size, size, 16<<10)
	a.bytes, a.used = C.malloc(C.size_t(a.size)), 0
}

// put copies bytes that there is room for, and tells where they are now.
func (a *arena) put(data unsafe.Pointer, size int) unsafe.Pointer {
	if size == 0 {
		return nil
	}
	at := unsafe.Add(a.bytes, a.used)
	copy(unsafe.Slice((*byte)(at), size), unsafe.Slice((*byte)(data), size))
	a.used += size
	return at
}

func (a *arena) putString(text string) (*C.char, C.size_t) {
	return (*C.char)(a.put(unsafe.Pointer(unsafe.StringData(text)), len(text))), C.size_t(len(text))
}

func (a *arena) putBytes(data []byte) (unsafe.Pointer, C.size_t) {
	return a.put(unsafe.Pointer(unsafe.SliceData(data)), len(data)), C.size_t(len(data))
}

// absolute is a time of the wall or Go's own clock on the library's.
func (a *arena) absolute(deadline time.Time) C.int64_t {
	if deadline.IsZero() {
		return 0
	}
	if a.now == 0 {
		a.now = int64(C.llmq_now_ns())
	}
	// What has passed is 1: 0 would be no deadline.
	return C.int64_t(max(1, a.now+int64(time.Until(deadline))))
}

// set writes request number i, for whose bytes there is room. It ends at `end`, if not before.
func (a *arena) set(i int, r *Request, end time.Time, cq *C.llmq_cq_t, user uint64) {
	raw := &a.requests[i]
	raw.struct_size = C.sizeof_llmq_request_t
	raw.flags = C.uint32_t(r.Flags)
	raw.operation = C.int32_t(r.Operation)
	raw.priority = C.int32_t(r.Priority)
	raw.model, raw.model_len = a.putString(r.Model)
	raw.tenant, raw.tenant_len = a.putString(r.Tenant)
	raw.payload, raw.payload_len = a.putBytes(r.Payload)
	raw.request_key, raw.request_key_len = a.putString(r.Key)
	raw.dedup_key, raw.dedup_key_len = a.putString(r.DedupKey)
	raw.metadata, raw.metadata_len = a.putBytes(r.Metadata)
	raw.deadline_ns = a.absolute(earlier(r.Deadline, end))
	raw.timeout_ns = C.int64_t(max(-1, int64(r.Timeout)))
	raw.est_input_tokens = C.int64_t(r.EstInputTokens)
	raw.est_output_tokens = C.int64_t(r.EstOutputTokens)
	raw.max_attempts = C.uint32_t(r.MaxAttempts)
	raw.user_data = C.uint64_t(user)
	raw.cq = cq
}

// arenas are those that nobody uses now.
type arenas struct {
	mu     sync.Mutex
	free   []*arena
	closed bool
}

func (a *arenas) get() *arena {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.free); n > 0 {
		last := a.free[n-1]
		a.free = a.free[:n-1]
		return last
	}
	return newArena()
}

// The memory of many submitters at a time is kept for eight of them.
func (a *arenas) put(used *arena) {
	a.mu.Lock()
	defer a.mu.Unlock()
	used.reset()
	if a.closed || len(a.free) >= 8 || used.size > keptArena {
		used.free()
		return
	}
	a.free = append(a.free, used)
}

func (a *arenas) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range a.free {
		one.free()
	}
	a.free, a.closed = nil, true
}
