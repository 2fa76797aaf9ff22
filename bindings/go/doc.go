// Package llmq runs calls to LLM APIs as early as their limits allow, in order, each answered once.
//
// It is the Go form of libllmq, which counts requests and tokens per minute and per day, queues,
// retries what deserves it, and learns limits from what providers answer.
//
//	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{{
//		Name:     "gpt-4o-mini",
//		Provider: "openai",
//		Limits:   []llmq.Limit{{Requests: 500, Per: time.Minute}, {Concurrency: 8}},
//	}}})
//	if err != nil {
//		return err
//	}
//	defer manager.Close()
//	response, err := manager.Do(ctx, llmq.Request{Model: "gpt-4o-mini", Payload: body})
//
// # Forms of a call
//
// [Manager.Do] waits for the response. [Manager.Submit] returns a [Pending] at once.
// [Manager.Stream] hands over the response while it comes. [Call] is typed: JSON in, JSON out.
// [Queue] takes many requests at a time and gives their responses in batches: the cheapest form.
//
// # Contexts
//
// The context of a call is that of its request: when it is cancelled, so is the request, and its
// deadline is the request's deadline. A request whose deadline cannot be met fails early.
//
// # Goroutines and threads
//
// Everything may be called from any goroutine. A manager has one thread of the library and two
// goroutines: one takes its events from a file descriptor, one hands over what goroutines in Do have
// brought. No wait holds up a thread.
//
// # Errors
//
// Errors are [*Error]. A [Status] is an error too, for errors.Is:
//
//	if errors.Is(err, llmq.ErrRateLimited) { ... }
//
// A cancelled request is context.Canceled as well, a missed deadline context.DeadlineExceeded.
package llmq
