package llmq_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"llmq"
)

// together runs a function in many goroutines that begin at once.
func together(count int, run func(i int)) {
	var group sync.WaitGroup
	begin := make(chan bool)
	for i := 0; i < count; i++ {
		i := i
		group.Add(1)
		go func() {
			defer group.Done()
			<-begin
			run(i)
		}()
	}
	close(begin)
	group.Wait()
}

func TestManyGoroutinesInDoGetEachItsOwn(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	err := m.Handle("m", func(_ context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		return llmq.Result{Data: attempt.Payload}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	together(2000, func(i int) {
		ctx := context.Background()
		if i%3 == 0 {
			ctx = within(t)
		}
		r := llmq.Request{Model: "m", Key: fmt.Sprint(i), Operation: llmq.OpCustom,
			Payload: []byte(strings.Repeat(fmt.Sprint(i, " "), 1+i%500*i%7))}
		if i%10 == 0 {
			r.Model = "nobody"
		}
		if i%50 == 1 {
			r.Payload = []byte(strings.Repeat(fmt.Sprint(i), 20_000))
		}
		response, err := m.Do(ctx, r)
		if i%10 == 0 {
			if !errors.Is(err, llmq.ErrUnknownModel) || response != nil {
				t.Errorf("%d: %v %v", i, response, err)
			}
		} else if err != nil || response.Key != r.Key || string(response.Data) != string(r.Payload) {
			t.Errorf("%d: %+v %v", i, response, err)
		}
	})
	if stats, err := m.Stats("m"); err != nil || stats.Submitted != 1800 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestManyContextsThatEndInDoCancelEachItsOwn(t *testing.T) {
	m := open(t, mock(forever, llmq.Limit{Concurrency: 1}))
	together(1000, func(i int) {
		ctx, cancel := context.WithCancel(context.Background())
		if i%2 == 0 {
			go cancel() // before it was handed over, or after
		} else {
			cancel()
		}
		if _, err := m.Do(ctx, request()); !errors.Is(err, context.Canceled) {
			t.Errorf("%d: %v", i, err)
		}
	})
	if stats, err := m.Stats("m"); err != nil || stats.Pending != 0 || stats.Processing != 0 {
		t.Errorf("%+v %v", stats, err)
	}
}

func TestDoAndCloseAtOnceEndsForAll(t *testing.T) {
	m, err := llmq.Open(mock(1))
	if err != nil {
		t.Fatal(err)
	}
	together(500, func(i int) {
		if i == 250 {
			if err := m.Close(); err != nil {
				t.Error(err)
			}
			return
		}
		_, err := m.Do(context.Background(), request())
		if err != nil && !errors.Is(err, llmq.ErrClosed) && !errors.Is(err, llmq.ErrClosing) {
			t.Errorf("%d: %v", i, err)
		}
	})
}

func TestCloseEndsTheGoroutinesOfAManager(t *testing.T) {
	before := runtime.NumGoroutine()
	for i := 0; i < 20; i++ {
		m, err := llmq.Open(mock(0), llmq.WithKeys(func(string, string) string { return "none" }))
		if err != nil {
			t.Fatal(err)
		}
		together(40, func(int) {
			if _, err := m.Do(context.Background(), request()); err != nil {
				t.Error(err)
			}
		})
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
	for ctx := within(t); runtime.NumGoroutine() > before; runtime.Gosched() {
		if ctx.Err() != nil {
			t.Fatalf("%d goroutines, before there were %d", runtime.NumGoroutine(), before)
		}
	}
}
