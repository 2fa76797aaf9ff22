package llmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"llmq"
)

// open makes a manager that is closed with the test.
func open(t testing.TB, settings any, with ...llmq.Option) *llmq.Manager {
	t.Helper()
	m, err := llmq.Open(settings, with...)
	return closing(t, m, err)
}

// closing has a manager that was just made closed with the test.
func closing(t testing.TB, m *llmq.Manager, err error) *llmq.Manager {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// mock has a model m of the in-process mock provider.
func mock(latencyMS int, limits ...llmq.Limit) llmq.Config {
	return llmq.Config{Models: []llmq.Model{{Name: "m", Provider: "mock", Limits: limits,
		Extra: map[string]any{"mock.latency_ms": latencyMS}}}}
}

// within is a context that ends a test that hangs.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

const forever = 3_600_000

func request() llmq.Request {
	return llmq.Request{Model: "m", Payload: []byte(
		`{"messages":[{"role":"user","content":"Name a river."}],"max_tokens":20}`)}
}

func TestDoGivesTheResponse(t *testing.T) {
	m := open(t, mock(0))
	r := request()
	r.Key, r.Metadata = "key 1", []byte{0, 1, 2}
	response, err := m.Do(within(t), r)
	if err != nil {
		t.Fatal(err)
	}
	if response.State != llmq.StateCompleted || len(response.Data) == 0 || response.Attempts != 1 {
		t.Errorf("%+v", response)
	}
	if response.Key != "key 1" || string(response.Metadata) != "\x00\x01\x02" {
		t.Errorf("%q %q", response.Key, response.Metadata)
	}
	if !response.UsageKnown || response.Usage.OutputTokens == 0 {
		t.Errorf("%+v", response.Usage)
	}
}

func TestARefusedRequestTellsWhyInWords(t *testing.T) {
	m := open(t, mock(0))
	_, err := m.Do(within(t), llmq.Request{Model: "nobody"})
	var e *llmq.Error
	if !errors.Is(err, llmq.ErrUnknownModel) || !errors.As(err, &e) {
		t.Fatal(err)
	}
	if !strings.Contains(e.Message, "nobody") || !strings.Contains(err.Error(), "LLMQ_ERR_UNKNOWN_MODEL") {
		t.Error(err)
	}
}

func TestSettingsThatAreWrongAreNamed(t *testing.T) {
	for _, settings := range []any{
		`{"max_pendin": 1}`,
		map[string]any{"max_pending": -1},
		llmq.Config{Extra: map[string]any{"no_such_key": 1}},
		`{`,
		func() {},
		llmq.Config{Models: []llmq.Model{{Name: "m", Limits: []llmq.Limit{{Requests: 1, Per: time.Millisecond}}}}},
	} {
		_, err := llmq.Open(settings)
		var e *llmq.Error
		if !errors.As(err, &e) || e.Status != llmq.ErrUnknownKey && e.Status != llmq.ErrInvalidValue {
			t.Errorf("%v: %v", settings, err)
		}
		if checked := llmq.CheckConfig(settings); checked == nil || checked.Error() != err.Error() {
			t.Errorf("%v: %v, but Open: %v", settings, checked, err)
		}
	}
	if err := llmq.CheckConfig(mock(1, llmq.Limit{Requests: 5, Per: time.Minute})); err != nil {
		t.Error(err)
	}
}

func TestACancelledContextCancelsTheRequest(t *testing.T) {
	m := open(t, mock(forever))
	ctx, cancel := context.WithCancel(within(t))
	pending, err := m.Submit(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	go cancel()
	response, err := pending.Wait(within(t))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, llmq.ErrCancelled) {
		t.Fatal(err)
	}
	if response.State != llmq.StateCancelled || pending.State() != llmq.StateCancelled {
		t.Errorf("%+v", response)
	}
	if _, err := m.Do(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	cause := errors.New("the user left")
	ctx2, cancel2 := context.WithCancelCause(within(t))
	go cancel2(cause)
	if _, err := m.Do(ctx2, request()); !errors.Is(err, cause) || !errors.Is(err, llmq.ErrCancelled) {
		t.Error(err)
	}
}

func TestTheDeadlineOfTheContextIsTheRequests(t *testing.T) {
	m := open(t, mock(forever))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	response, err := m.Do(ctx, request())
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if response.Status != llmq.ErrDeadline || response.State != llmq.StateExpired {
		t.Errorf("%+v", response)
	}
	r := request()
	r.Deadline = time.Now().Add(10 * time.Millisecond)
	if _, err := m.Do(within(t), r); !errors.Is(err, llmq.ErrDeadline) {
		t.Error(err)
	}
}

func TestWhoStopsWaitingLosesNothing(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	goOn := make(chan struct{})
	err := m.Handle("m", func(context.Context, *llmq.Attempt) (llmq.Result, error) {
		<-goOn
		return llmq.Result{Data: []byte("late")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pending, err := m.Submit(context.Background(), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := pending.Wait(short); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(goOn)
	if response, err := pending.Wait(within(t)); err != nil || string(response.Data) != "late" {
		t.Error(response, err)
	}
}

func TestModelsAndSettingsChangeWhileItRuns(t *testing.T) {
	m := open(t, mock(0))
	more := llmq.Config{Models: []llmq.Model{{Name: "n", Provider: "mock"}}}
	if err := m.RegisterModels(more); err != nil {
		t.Fatal(err)
	}
	if err := m.RegisterModels(more); !errors.Is(err, llmq.ErrModelExists) {
		t.Error(err)
	}
	if err := m.RegisterNewModels(more); err != nil {
		t.Error(err)
	}
	if names, err := m.Models(); err != nil || fmt.Sprint(names) != "[m n]" {
		t.Error(names, err)
	}
	if err := m.Set("model.n.rpm", "17"); err != nil {
		t.Error(err)
	}
	if info, err := m.Info("n"); err != nil || !bytes.Contains(info, []byte("17")) {
		t.Error(string(info), err)
	}
	if err := m.Set("model.n.rpmm", "17"); !errors.Is(err, llmq.ErrUnknownKey) {
		t.Error(err)
	}
	if err := m.RemoveModel("n", llmq.ShutdownDrain); err != nil {
		t.Error(err)
	}
	if _, err := m.Info("n"); !errors.Is(err, llmq.ErrUnknownModel) {
		t.Error(err)
	}
}

func TestStatsEstimatesAndWaits(t *testing.T) {
	m := open(t, mock(forever, llmq.Limit{Concurrency: 1}))
	if usage, err := m.Estimate(request()); err != nil || usage.InputTokens == 0 || usage.OutputTokens != 20 {
		t.Error(usage, err)
	}
	if err := m.Check(llmq.Request{Model: "nobody"}); !errors.Is(err, llmq.ErrUnknownModel) {
		t.Error(err)
	}
	all, err := m.SubmitBatch(within(t), []llmq.Request{request(), request(), request()})
	if err != nil {
		t.Fatal(err)
	}
	if wait, err := m.WaitEstimate(all[2].ID()); err != nil || wait.Position != 2 {
		t.Errorf("%+v %v", wait, err)
	}
	if _, err := m.Peek(all[0].ID()); !errors.Is(err, llmq.ErrAgain) {
		t.Error(err)
	}
	for _, one := range all {
		one.Cancel()
		one.Wait(within(t))
	}
	if response, err := m.Peek(all[0].ID()); err != nil || response.State != llmq.StateCancelled {
		t.Error(response, err)
	}
	m.Info("")
	if stats, err := m.Stats("m"); err != nil || stats.Submitted != 3 || stats.Cancelled != 3 {
		t.Errorf("%+v %v", stats, err)
	}
	if text, err := m.StatsJSON(); err != nil || !bytes.Contains(text, []byte("joined")) {
		t.Error(string(text), err)
	}
}

func TestAfterCloseEverythingAnswersAndNothingHangs(t *testing.T) {
	m, err := llmq.Open(mock(forever))
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.SubmitBatch(context.Background(), []llmq.Request{request(), request()})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	for _, one := range all {
		response, err := one.Wait(within(t))
		if !errors.Is(err, llmq.ErrClosing) || response.State != llmq.StateCancelled {
			t.Error(response, err)
		}
	}
	if _, err := m.Do(within(t), request()); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
	if _, err := m.Info(""); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
}

func TestAShutdownWaitsAsLongAsItsContext(t *testing.T) {
	m, err := llmq.Open(mock(forever))
	if err != nil {
		t.Fatal(err)
	}
	pending, err := m.Submit(context.Background(), request())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := m.Shutdown(ctx, llmq.ShutdownDrain); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := pending.Wait(within(t)); !errors.Is(err, llmq.ErrClosing) {
		t.Error(err)
	}
}
