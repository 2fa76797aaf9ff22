package llmq

import (
	"context"
	"time"
)

// RequestID names a request of a manager. It is never 0 and never used again.
type RequestID uint64

// Request is what is to be called. Zero members mean the default. Nothing of it is kept: it may be
// changed as soon as it was submitted.
type Request struct {
	// Model is the name of a registered model.
	Model string
	// Payload is what the processor or provider gets, JSON for providers. At most 2 GiB - 1.
	Payload []byte
	// Operation tells what is asked of a built-in provider.
	Operation Operation
	// Priority is its place in line against other requests.
	Priority Priority
	// Tenant tells whose request it is, for fairness and limits of tenants. At most 255 bytes.
	Tenant string
	// Key is the caller's own id, for logs and look-ups. At most 1,024 bytes.
	Key string
	// DedupKey lets requests with the same one share a call, if model, tenant, operation and payload
	// are the same too. At most 1,024 bytes.
	DedupKey string
	// Metadata is opaque; it comes back with the response.
	Metadata []byte
	// Deadline is when the response must be there; the context's deadline if that is earlier. The zero
	// time = none.
	Deadline time.Time
	// Timeout bounds each attempt; 0 = the model's timeout_ms, negative = none. Rounded up to 1 ms.
	Timeout time.Duration
	// EstInputTokens and EstOutputTokens are what it will probably use; 0 = llmq estimates, -1 = none.
	EstInputTokens  int64
	EstOutputTokens int64
	// MaxAttempts bounds how often it is tried; 0 = the model's retry.max_attempts. At most 60.
	MaxAttempts uint32
	// Flags are RequestKeep, RequestLateUsage, RequestRestart; [Manager.Stream] sets RequestStream.
	Flags RequestFlags
	// Tag comes back with the response, where it is read from a [Queue].
	Tag uint64
}

// size is how many bytes of memory the texts of the request take.
func (r *Request) size() int {
	return len(r.Model) + len(r.Payload) + len(r.Tenant) + len(r.Key) + len(r.DedupKey) +
		len(r.Metadata)
}

// begin is the context's deadline, and its error if it has ended already.
func begin(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, contextError(ctx, err)
	}
	end, _ := ctx.Deadline()
	return end, nil
}

// earlier is the first of two deadlines; the zero time is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// contextError is the failure of a call whose context has ended.
func contextError(ctx context.Context, err error) error {
	status := ErrCancelled
	if err == context.DeadlineExceeded {
		status = ErrDeadline
	}
	return &Error{Status: status, Message: "the context has ended", Cause: context.Cause(ctx)}
}
