//go:build !race

// The race detector bears 8,128 goroutines, and has memory of its own: test.sh runs these without it.

package llmq_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"sync"
	"testing"

	"llmq"
)

// ofThisProcess is a number that the system tells, in kB where it is memory.
func ofThisProcess(t *testing.T, what string) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if os.IsNotExist(err) {
		t.Skip("the system does not tell " + what)
	}
	found := regexp.MustCompile(`(?m)^` + what + `:\s*(\d+)`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatal(what, err)
	}
	value, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// inBatches has so many requests answered, 256 at a time.
func inBatches(t *testing.T, m *llmq.Manager, total int) {
	t.Helper()
	q, err := m.NewQueue()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	q.ReuseMemory = true
	requests, responses := make([]llmq.Request, 256), make([]llmq.Response, 256)
	for i := range requests {
		requests[i] = request()
	}
	for sent, got := 0, 0; got < total; {
		if sent < total {
			ids, err := q.Submit(context.Background(), requests[:min(len(requests), total-sent)])
			if err != nil {
				t.Fatal(err)
			}
			sent += len(ids)
		}
		for got < sent-1024 || (sent == total && got < total) {
			n, err := q.Next(context.Background(), responses)
			if err != nil {
				t.Fatal(err)
			}
			for i := range responses[:n] {
				if err := responses[i].Err(); err != nil {
					t.Fatal(err)
				}
			}
			got += n
		}
	}
}

func TestMemoryStaysOverAMillionRequests(t *testing.T) {
	m := open(t, mock(0))
	inBatches(t, m, 200_000)
	first := ofThisProcess(t, "VmRSS")
	inBatches(t, m, 800_000)
	last := ofThisProcess(t, "VmRSS")
	t.Logf("%d kB after 200,000 requests, %d kB after 1,000,000", first, last)
	if last-first > 16<<10 {
		t.Errorf("%d kB more", last-first)
	}
}

func TestTenThousandGoroutinesInDoNeedNoThreadEach(t *testing.T) {
	const calls = 10_000
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	goOn := make(chan struct{})
	err := m.Handle("m", func(_ context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		<-goOn
		return llmq.Result{Data: attempt.Payload}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	before := ofThisProcess(t, "Threads")
	ctx := within(t)
	var group sync.WaitGroup
	for i := 0; i < calls; i++ {
		group.Add(1)
		go func(payload string) {
			defer group.Done()
			response, err := m.Do(ctx, llmq.Request{Model: "m", Payload: []byte(payload)})
			if err != nil || string(response.Data) != payload {
				t.Errorf("%s: %+v %v", payload, response, err)
			}
		}(fmt.Sprint(i))
	}
	for ; ; runtime.Gosched() {
		stats, err := m.Stats("")
		if err != nil || ctx.Err() != nil {
			t.Fatalf("%+v %v", stats, err)
		}
		if stats.Submitted == calls {
			break
		}
	}
	during := ofThisProcess(t, "Threads")
	t.Logf("%d threads before, %d while %d wait", before, during, calls)
	// Go itself starts some: for each of its processors, and in place of those that are in the kernel.
	if most := before + runtime.GOMAXPROCS(0) + 16; during > most {
		t.Errorf("%d threads, expected at most %d", during, most)
	}
	close(goOn)
	group.Wait()
}
