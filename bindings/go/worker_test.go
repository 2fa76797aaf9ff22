package llmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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
		}, llmq.ErrProcessing, "cannot be taken"},
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
