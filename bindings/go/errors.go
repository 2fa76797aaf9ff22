package llmq

// #include "native.h"
import "C"

import (
	"context"
	"strings"
	"time"
)

// Name is the name of the status in the C API, "LLMQ_ERR_TIMEOUT".
func (s Status) Name() string {
	if Load() != nil {
		return ""
	}
	return C.GoString(C.llmq_status_name(C.llmq_status_t(s)))
}

// Error says in one sentence what the status means. A Status is an error so that errors.Is can look
// for it: errors.Is(err, llmq.ErrTimeout).
func (s Status) Error() string {
	if Load() != nil {
		return "llmq: no library"
	}
	return C.GoString(C.llmq_status_message(C.llmq_status_t(s)))
}

// Error is why a call of this package failed, or how a request ended that did not succeed. What a
// processor returns as an error decides how its attempt ends: see [Handler].
type Error struct {
	// Status is the class of the failure; never StatusOK.
	Status Status
	// Message says what was wrong, with the limit and the value where there are any.
	Message string
	// Key is the setting or argument at fault; "" if none.
	Key string
	// RetryAfter is when a new try may make sense; 0 = not known.
	RetryAfter time.Duration
	// Response tells the rest of a request that was accepted and failed; nil if it was not accepted.
	Response *Response
	// Cause is the error underneath, of a context or of a processor; nil if there is none.
	Cause error
}

// Error says the name of the status and what was wrong.
func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString("llmq: ")
	if e.Message != "" {
		text.WriteString(e.Message)
	} else {
		text.WriteString(e.Status.Error())
	}
	if e.Key != "" && !strings.Contains(e.Message, e.Key) {
		text.WriteString(": ")
		text.WriteString(e.Key)
	}
	text.WriteString(" (")
	text.WriteString(e.Status.Name())
	text.WriteString(")")
	return text.String()
}

// Unwrap gives errors.Is and errors.As the status, and the error underneath.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Status}
	}
	return []error{e.Status, e.Cause}
}

// Is says that a cancelled request is context.Canceled too, and a missed deadline
// context.DeadlineExceeded.
func (e *Error) Is(target error) bool {
	switch target {
	case context.Canceled:
		return e.Status == ErrCancelled
	case context.DeadlineExceeded:
		return e.Status == ErrDeadline
	default:
		return false
	}
}

// Timeout says whether time was over, as net.Error does.
func (e *Error) Timeout() bool { return e.Status == ErrTimeout || e.Status == ErrDeadline }

// Temporary says whether the same request may succeed later.
func (e *Error) Temporary() bool {
	switch e.Status {
	case ErrRateLimited, ErrOverloaded, ErrServer, ErrTransport, ErrTimeout, ErrQueueFull, ErrAgain:
		return true
	default:
		return false
	}
}

// failure is nil for OK. It takes the error object, if there is one.
func failure(status C.llmq_status_t, err *C.llmq_error_t) error {
	if status == C.LLMQ_OK {
		return nil
	}
	found := &Error{Status: Status(status)}
	if err != nil {
		found.Message = C.GoString(C.llmq_error_message(err))
		found.Key = C.GoString(C.llmq_error_key(err))
		C.llmq_error_free(err)
	}
	return found
}
