package llmq_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"llmq"
)

var states = map[llmq.State]string{llmq.StateCompleted: "completed", llmq.StateFailed: "failed",
	llmq.StateCancelled: "cancelled", llmq.StateExpired: "expired"}

// compare says the first thing that did not come as expected.
func (r *runner) compare() error {
	want := &r.scenario.Expect
	r.script.mu.Lock()
	done := slices.Clone(r.done)
	r.script.mu.Unlock()
	order := r.script.order()
	for _, ref := range r.refs {
		response, asked := r.responses[ref], r.asked[ref]
		if response.Key != ref || string(response.Metadata) != asked.Metadata {
			return differs("%s has the key %q and the metadata %q", ref, response.Key, response.Metadata)
		}
	}
	for ref, is := range want.Requests {
		response := r.responses[ref]
		if response == nil {
			return differs("%q was never accepted", ref)
		}
		if err := r.compareOne(ref, response, &is); err != nil {
			return err
		}
	}
	if want.Started != nil && !slices.Equal(want.Started, order) {
		return differs("started %v, expected %v", order, want.Started)
	}
	if want.Permits != nil && !slices.Equal(want.Permits, r.permits.order) {
		return differs("permits %v, expected %v", r.permits.order, want.Permits)
	}
	if want.Done != nil && !slices.Equal(want.Done, done) {
		return differs("done %v, expected %v", done, want.Done)
	}
	if took := time.Since(r.began); took < time.Duration(want.AtLeastMS)*time.Millisecond {
		return differs("it took %v, expected at least %d ms", took, want.AtLeastMS)
	}
	if err := r.totals(want.Totals); err != nil {
		return err
	}
	// Counters follow what has happened after a turn of the loop.
	if _, err := r.manager.Info(""); err != nil && !errors.Is(err, llmq.ErrClosed) {
		return err
	}
	for model, is := range want.Stats {
		if err := r.statsNow(model, is); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) totals(want map[string]int) error {
	if want == nil {
		return nil
	}
	got := map[string]int{}
	for _, response := range r.responses {
		got[response.Status.Name()]++
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return differs("totals %v, expected %v", got, want)
	}
	return nil
}

// stats waits for counters.
func (r *runner) stats(model string, want map[string]int) error {
	var err error
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if err = r.statsNow(model, want); err == nil {
			return nil
		}
	}
	return err
}

func (r *runner) statsNow(model string, want map[string]int) error {
	stats, err := r.manager.Stats(model)
	if err != nil {
		return err
	}
	all := map[string]uint64{
		"submitted": stats.Submitted, "completed": stats.Completed, "failed": stats.Failed,
		"cancelled": stats.Cancelled, "expired": stats.Expired, "attempts": stats.Attempts,
		"retries": stats.Retries, "rate_limited": stats.RateLimited, "pending": stats.Pending,
		"processing": stats.Processing, "pending_bytes": stats.PendingBytes,
		"input_tokens": stats.InputTokens, "output_tokens": stats.OutputTokens,
		"cached_input_tokens": stats.CachedInputTokens, "reasoning_tokens": stats.ReasoningTokens,
	}
	for name, value := range want {
		got, ok := all[name]
		if !ok {
			return differs("unknown counter %q", name)
		}
		if got != uint64(value) {
			return differs("%s of %q is %d, expected %d", name, model, got, value)
		}
	}
	return nil
}

// differ compares a value with an expectation, if there is one.
func differ[T comparable](ref, what string, got T, want *T) error {
	if want == nil || got == *want {
		return nil
	}
	return differs("%s: %s is %v, expected %v", ref, what, got, *want)
}

func contains(ref, what, got string, want *string) error {
	if want == nil || strings.Contains(got, *want) {
		return nil
	}
	return differs("%s: %s is %q, expected %q in it", ref, what, got, *want)
}

func (r *runner) compareOne(ref string, response *llmq.Response, is *expected) error {
	r.script.mu.Lock()
	chunks := slices.Clone(r.chunks[ref])
	r.script.mu.Unlock()
	for _, err := range []error{
		differ(ref, "status", response.Status.Name(), is.Status),
		differ(ref, "state", states[response.State], is.State),
		differ(ref, "attempts", response.Attempts, is.Attempts),
		differ(ref, "data", string(response.Data), is.Data),
		contains(ref, "data", string(response.Data), is.DataContains),
		contains(ref, "error", response.Message, is.ErrorContains),
		differ(ref, "http_status", response.HTTPStatus, is.HTTPStatus),
		differ(ref, "deployment", response.Deployment, is.Deployment),
		differ(ref, "fallback_model", response.FallbackModel, is.FallbackModel),
		differ(ref, "cached", response.Cached, is.Cached),
		differ(ref, "shared", response.Shared, is.Shared),
		compareUsage(ref, response, is.Usage),
	} {
		if err != nil {
			return err
		}
	}
	if is.Chunks != nil && !slices.Equal(chunks, *is.Chunks) {
		return differs("%s: chunks are %q, expected %q", ref, chunks, *is.Chunks)
	}
	if is.ChunksAtLeast != nil && len(chunks) < *is.ChunksAtLeast {
		return differs("%s: %d chunks, expected at least %d", ref, len(chunks), *is.ChunksAtLeast)
	}
	if is.History != nil {
		var history []string
		for _, record := range response.History() {
			history = append(history, record.Status)
		}
		if !slices.Equal(history, *is.History) {
			return differs("%s: history is %v, expected %v", ref, history, *is.History)
		}
	}
	return nil
}

func compareUsage(ref string, response *llmq.Response, want json.RawMessage) error {
	if want == nil {
		return nil
	}
	if string(want) == "null" {
		if response.UsageKnown {
			return differs("%s: usage is %+v, expected none", ref, response.Usage)
		}
		return nil
	}
	usage := counts(response.Usage)
	got := usage
	if err := strict(want, &usage); err != nil {
		return err
	}
	if !response.UsageKnown || usage != got {
		return differs("%s: usage is %+v, expected %s", ref, response.Usage, want)
	}
	return nil
}
