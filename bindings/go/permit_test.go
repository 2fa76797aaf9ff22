package llmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"llmq"
)

func oneAtATime(t *testing.T) *llmq.Manager {
	return open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Limits: []llmq.Limit{{Concurrency: 1}}}}})
}

func TestAPermitIsForOneCall(t *testing.T) {
	m := oneAtATime(t)
	permit, err := m.Acquire(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if permit.Model != "m" || permit.ID == 0 || permit.RequestID == 0 || permit.Deployment != "" {
		t.Errorf("%+v", permit)
	}
	if _, _, err := m.TryAcquire(llmq.Request{Model: "m"}); !errors.Is(err, llmq.ErrAgain) {
		t.Error(err)
	}
	if err := permit.Heartbeat(); err != nil {
		t.Error(err)
	}
	if err := permit.Release(&llmq.Usage{InputTokens: 3, OutputTokens: 4}); err != nil {
		t.Error(err)
	}
	if err := permit.Release(nil); !errors.Is(err, llmq.ErrStale) {
		t.Error(err)
	}
	next, _, err := m.TryAcquire(llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if err := next.Fail(llmq.ErrServer); err != nil {
		t.Error(err)
	}
	stats, err := m.Stats("m")
	for ctx := within(t); err == nil && stats.Failed == 0 && ctx.Err() == nil; stats, err = m.Stats("m") {
		time.Sleep(time.Millisecond) // counters follow
	}
	if err != nil || stats.OutputTokens != 4 || stats.Failed != 1 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestAWaitForAPermitEndsWithItsContext(t *testing.T) {
	m := oneAtATime(t)
	first, err := m.Acquire(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	if _, err := m.Acquire(ctx, llmq.Request{Model: "m"}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	late, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Acquire(late, llmq.Request{Model: "m"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if err := first.Release(nil); err != nil {
		t.Error(err)
	}
	if _, err := m.Acquire(within(t), llmq.Request{Model: "nobody"}); !errors.Is(err, llmq.ErrUnknownModel) {
		t.Error(err)
	}
}

func TestAPermitThatIsNotEndedIsLost(t *testing.T) {
	m := oneAtATime(t)
	lost, err := m.Acquire(within(t), llmq.Request{Model: "m", Timeout: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	next, err := m.Acquire(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if err := lost.Release(nil); !errors.Is(err, llmq.ErrStale) {
		t.Error(err)
	}
	if err := next.Release(nil); err != nil {
		t.Error(err)
	}
}

func TestAPermitThatIsEndedWronglyIsStillHeld(t *testing.T) {
	m := oneAtATime(t)
	permit, err := m.Acquire(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for words, end := range map[string]func() error{
		"usage: cached_input_tokens is -1, and must be 0 or more": func() error {
			return permit.Release(&llmq.Usage{CachedInputTokens: -1})
		},
		"retry_after is -1s, and must be 0 or more": func() error {
			return permit.Fail(&llmq.Error{Status: llmq.ErrRateLimited, RetryAfter: -time.Second})
		},
	} {
		if err := end(); !errors.Is(err, llmq.ErrInvalidArg) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, expected %s", err, words)
		}
		if _, _, err := m.TryAcquire(llmq.Request{Model: "m"}); !errors.Is(err, llmq.ErrAgain) {
			t.Error(err)
		}
	}
	if err := permit.Release(&llmq.Usage{InputTokens: 3}); err != nil {
		t.Error(err)
	}
	if next, _, err := m.TryAcquire(llmq.Request{Model: "m"}); err != nil {
		t.Error(err)
	} else if err := next.Release(nil); err != nil {
		t.Error(err)
	}
}

func TestHeadersTeachTheDeploymentThatWasCalled(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Deployments: []map[string]any{
		{"name": "east", "provider": "mock", "rpm": 1000},
		{"name": "west", "provider": "mock", "rpm": 1000},
	}}}})
	permit, err := m.Acquire(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	headers := http.Header{"X-Ratelimit-Limit-Requests": {"60"}}
	if err := permit.ReportLimits(headers); err != nil {
		t.Error(err)
	}
	if err := permit.Release(nil); err != nil {
		t.Error(err)
	}
	if err := permit.ReportLimits(headers); !errors.Is(err, llmq.ErrStale) {
		t.Error(err)
	}
	text, err := m.Info("m")
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		Deployments []struct {
			Name   string
			Limits []struct {
				Kind      string
				Effective int
			}
		}
	}
	if err := json.Unmarshal(text, &info); err != nil {
		t.Fatal(err)
	}
	amounts := map[string]int{}
	for _, deployment := range info.Deployments {
		for _, limit := range deployment.Limits {
			if limit.Kind == "requests" {
				amounts[deployment.Name] = limit.Effective
			}
		}
	}
	expected := map[string]int{"east": 1000, "west": 1000}
	expected[permit.Deployment] = 60
	if !reflect.DeepEqual(amounts, expected) {
		t.Errorf("%v, called was %s", amounts, permit.Deployment)
	}
}
