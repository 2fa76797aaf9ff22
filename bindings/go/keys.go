package llmq

// #include "native.h"
import "C"

import (
	"log/slog"
	"runtime/cgo"
	"runtime/debug"
	"unsafe"
)

// WithKeys lets a function give the provider's key to every model that names no other source of it,
// also to those that are registered later. It is asked before each attempt, so that a key which has
// changed is used at once, and is given the names of the model and of its deployment, "" for the only
// one. "" = there is none; so is a panic, which is logged.
//
// It is called on the library's thread, which calls nobody's provider meanwhile: it must not wait, and
// looks into memory that another goroutine keeps fresh. A call takes a microsecond or two, and only
// attempts that need a key make one.
func WithKeys(key func(model, deployment string) string) Option {
	return func(o *options) { o.keys = key }
}

type keys struct {
	of     func(model, deployment string) string
	logger *slog.Logger
}

// askForKeys lets models of the settings have their keys from a function.
func askForKeys(c *conf, k keys) error {
	handle := cgo.NewHandle(k)
	return failure(C.lq_ask_for_keys(c.raw, C.uintptr_t(handle)), nil)
}

//export lqDropKeys
func lqDropKeys(handle C.uintptr_t) { cgo.Handle(handle).Delete() }

//export lqKeyOf
func lqKeyOf(handle C.uintptr_t, model *C.char, modelSize C.size_t, deployment *C.char,
	deploymentSize C.size_t, out *C.char, room C.size_t) C.int64_t {
	k := cgo.Handle(handle).Value().(keys)
	key := k.ask(stringOf(model, modelSize), stringOf(deployment, deploymentSize))
	if key == "" || len(key) > int(room) {
		return -1
	}
	return C.int64_t(copy(unsafe.Slice((*byte)(unsafe.Pointer(out)), int(room)), key))
}

// ask keeps a panic from ending the program on a thread that is not Go's.
func (k keys) ask(model, deployment string) (key string) {
	defer func() {
		if what := recover(); what != nil {
			k.logger.Error("llmq: the function for keys has panicked", slog.String("model", model),
				slog.Any("panic", what), slog.String("stack", string(debug.Stack())))
			key = ""
		}
	}()
	return k.of(model, deployment)
}
