package llmq

// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// Events are those of one completion queue, in batches. A goroutine that waits for them is parked
// by Go's own poller, on the queue's file descriptor: no thread waits. One goroutine at a time.
type events struct {
	cq      *C.llmq_cq_t
	manager *C.llmq_manager_t // whose attempts come here; nil = none
	file    *os.File
	raw     syscall.RawConn
	events  *[batchSize]C.llmq_event_t
	details *[batchSize]C.lq_detail_t
	n       int
	memory  slab // what payloads are copied to
}

func newEvents() (*events, error) {
	e := &events{}
	if status := C.llmq_cq_create(&e.cq); status != C.LLMQ_OK {
		return nil, failure(status, nil)
	}
	runtime.SetFinalizer(e, func(e *events) { C.llmq_cq_unref(e.cq) })
	var fd C.int32_t
	if status := C.llmq_cq_fd(e.cq, C.LLMQ_CQ_FD_EVENTFD, &fd); status != C.LLMQ_OK {
		return nil, failure(status, nil)
	}
	// Go closes what it polls: it gets a descriptor of its own.
	mine, err := duplicate(int(fd))
	if err != nil {
		return nil, fmt.Errorf("llmq: no descriptor for events: %w", err)
	}
	e.file = os.NewFile(uintptr(mine), "llmq events")
	if e.raw, err = e.file.SyscallConn(); err != nil {
		return nil, fmt.Errorf("llmq: no polling of events: %w", err)
	}
	e.events = (*[batchSize]C.llmq_event_t)(C.calloc(batchSize, C.sizeof_llmq_event_t))
	e.details = (*[batchSize]C.lq_detail_t)(C.calloc(batchSize, C.sizeof_lq_detail_t))
	return e, nil
}

func duplicate(fd int) (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	mine, err := syscall.Dup(fd)
	if err == nil {
		syscall.CloseOnExec(mine)
	}
	return mine, err
}

// wait takes up to max events, a batch at most, and waits if there are none. The error is that of the
// file: it was closed, or its read deadline has passed.
func (e *events) wait(max int) (int, error) {
	err := e.raw.Read(func(uintptr) bool {
		return e.drain(max) > 0
	})
	return e.n, err
}

// drain is wait, but does not wait.
func (e *events) drain(max int) int {
	e.n = int(C.lq_drain(e.manager, e.cq, &e.events[0], &e.details[0],
		C.size_t(min(max, batchSize))))
	return e.n
}

// release frees the batch in C.
func (e *events) release() {
	if e.n > 0 {
		C.lq_release(&e.events[0], &e.details[0], C.size_t(e.n))
		e.n = 0
	}
}

// close ends a wait, or the next one.
func (e *events) close() { e.file.Close() }

// free is for the goroutine that waits, when it does no more. The queue itself goes with e.
func (e *events) free() {
	e.release()
	C.free(unsafe.Pointer(e.events))
	C.free(unsafe.Pointer(e.details))
	e.events, e.details = nil, nil
}
