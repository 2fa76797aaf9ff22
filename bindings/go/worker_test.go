package llmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"llmq"
)

func TestErrorsOfAHandlerKeepTheirClass(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", MaxAttempts: 1}}},
		llmq.WithLogger(slog.New(slog.NewTextHandler(new(bytes.Buffer), nil)), llmq.LogOff))
	var next func() (llmq.Result, error)
	err := m.Handle("m", func(context.Context, *llmq.Attempt) (llmq.Result, error) { return next() })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fails  func() (llmq.Result, error)
		status llmq.Status
		words  string
	}{
		{func() (llmq.Result, error) { return llmq.Result{}, errors.New("out of ink") }, llmq.ErrProcessing, "out of ink"},
		{func() (llmq.Result, error) { return llmq.Result{}, llmq.ErrServer }, llmq.ErrServer, ""},
		{func() (llmq.Result, error) {
			return llmq.Result{}, fmt.Errorf("wrapped: %w", &llmq.Error{Status: llmq.ErrAuth, Message: "no key"})
		}, llmq.ErrAuth, "no key"},
		{func() (llmq.Result, error) { panic("lost") }, llmq.ErrProcessing, "panic: lost"},
		{func() (llmq.Result, error) {
			return llmq.Result{Usage: &llmq.Usage{InputTokens: -1}}, nil
		}, llmq.ErrProcessing, "usage: input_tokens is -1, and must be 0 or more"},
	} {
		next = c.fails
		response, err := m.Do(within(t), llmq.Request{Model: "m"})
		if !errors.Is(err, c.status) || !strings.Contains(response.Message, c.words) {
			t.Errorf("%v, expected %v", err, c.status)
		}
		if len(response.History()) != 1 {
			t.Errorf("%+v", response.History())
		}
	}
}

// A slot that a refused report left open would have the next request wait for ever.
func TestWhatAHandlerReportsAndTheLibraryRefusesEndsTheAttempt(t *testing.T) {
	lines := make(chan string, 100)
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", MaxAttempts: 1, Limits: []llmq.Limit{{Concurrency: 1}}}}},
		llmq.WithLogger(slog.New(collector{lines: lines}), llmq.LogOff))
	var next func() (any, *llmq.Usage, error)
	err := llmq.HandleJSON(m, "m", func(context.Context, any) (any, *llmq.Usage, error) { return next() })
	if err != nil {
		t.Fatal(err)
	}
	ask := llmq.Request{Model: "m", Payload: []byte("{}")}
	for _, c := range []struct {
		value  any
		usage  *llmq.Usage
		fails  error
		status llmq.Status
		words  string
		logged string
	}{
		{1, &llmq.Usage{OutputTokens: -2}, nil, llmq.ErrProcessing, "usage: output_tokens is -2, and must be 0 or more", ""},
		{1, &llmq.Usage{CostMicros: -3}, nil, llmq.ErrProcessing, "usage: cost_micros is -3, and must be 0 or more", ""},
		{func() {}, nil, nil, llmq.ErrProcessing, "unsupported type: func()", ""},
		{math.NaN(), nil, nil, llmq.ErrProcessing, "unsupported value: NaN", ""},
		{nil, nil, &llmq.Error{Status: llmq.ErrServer, RetryAfter: -time.Second}, llmq.ErrServer, "",
			"WARN llmq: a handler's RetryAfter is negative, and is left out"},
		{nil, nil, (*llmq.Error)(nil), llmq.ErrProcessing, "panic: ", "ERROR llmq: a handler has panicked"},
		{nil, nil, &llmq.Error{Status: 7}, llmq.ErrProcessing, "", ""},
	} {
		next = func() (any, *llmq.Usage, error) { return c.value, c.usage, c.fails }
		response, err := m.Do(within(t), ask)
		if !errors.Is(err, c.status) || !strings.Contains(response.Message, c.words) || response.RetryAfter != 0 {
			t.Errorf("%+v: %v %+v", c, err, response)
		}
		if c.logged != "" {
			select {
			case line := <-lines:
				if line != c.logged {
					t.Errorf("%q, expected %q", line, c.logged)
				}
			case <-within(t).Done():
				t.Errorf("the log does not say %q", c.logged)
			}
		}
		next = func() (any, *llmq.Usage, error) { return "well", nil, nil }
		if response, err := m.Do(within(t), ask); err != nil || string(response.Data) != `"well"` {
			t.Errorf("after %+v: %+v %v", c, response, err)
		}
	}
}

type question struct {
	Word string `json:"word"`
}
type answer struct {
	Letters int `json:"letters"`
}

func TestTypedCallsAndHandlers(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}, {Name: "list"}}})
	err := llmq.HandleJSON(m, "m", func(_ context.Context, q question) (answer, *llmq.Usage, error) {
		return answer{len(q.Word)}, &llmq.Usage{InputTokens: 1, OutputTokens: 2}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, response, err := llmq.Call[question, answer](within(t), m, "m", question{"river"},
		func(r *llmq.Request) { r.Tenant = "t" })
	if err != nil || got.Letters != 5 || response.Usage.OutputTokens != 2 {
		t.Error(got, response, err)
	}
	if _, _, err := llmq.Call[[]int, answer](within(t), m, "m", []int{1}); !errors.Is(err, llmq.ErrBadRequest) {
		t.Error(err)
	}
	if _, _, err := llmq.Call[question, []int](within(t), m, "m", question{}); !errors.Is(err, llmq.ErrProcessing) {
		t.Error(err)
	}
	if _, _, err := llmq.Call[func(), answer](within(t), m, "m", nil); !errors.Is(err, llmq.ErrInvalidValue) {
		t.Error(err)
	}
}

func TestAnAttemptWithoutHeartbeatsIsLost(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	lost := make(chan error, 1)
	err := m.Handle("m", func(ctx context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		if attempt.Number == 1 {
			<-ctx.Done()
			lost <- attempt.Heartbeat()
			return llmq.Result{}, ctx.Err()
		}
		if err := attempt.Heartbeat(); err != nil {
			t.Error(err)
		}
		return llmq.Result{Data: []byte("again")}, nil
	}, llmq.WithLease(20*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	response, err := m.Do(within(t), request())
	if err != nil || string(response.Data) != "again" || response.Attempts != 2 {
		t.Error(response, err)
	}
	if err := <-lost; !errors.Is(err, llmq.ErrStale) {
		t.Error(err)
	}
}
