// Program bench measures what the Go form of llmq costs beyond the library: requests in batches of
// 256 through a Queue, awaited one by one by goroutines, beside Go's own goroutine and channel.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"llmq"
)

// Of the answer that the mock gives.
const answerSize = 270

const payload = `{"messages":[{"role":"user","content":"Name a river."}],"max_tokens":20}`

func main() {
	total := flag.Int("requests", 60_000, "requests per measurement")
	rounds := flag.Int("rounds", 9, "rounds, of which the median counts; a first one warms up")
	native := flag.String("native", "", "the program of native/bare.c")
	flag.Parse()
	if err := run(*native, *total, *rounds); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(native string, total, rounds int) error {
	m, err := llmq.Open(llmq.Config{Models: []llmq.Model{{
		Name: "m", Provider: "mock",
		Extra: map[string]any{"mock.latency_ms": 0, "max_in_flight": 1000000},
	}}})
	if err != nil {
		return err
	}
	defer m.Close()
	fmt.Printf("%s %s, llmq %s, GOMAXPROCS %d, load %s\n", runtime.Version(), runtime.GOARCH,
		llmq.Version(), runtime.GOMAXPROCS(0), firstWords("/proc/loadavg", 3))
	fmt.Println("processor time per request, of all threads but the library's own:")
	// In turns, so that what else the machine does meets all of them alike.
	forms := []struct {
		name string
		run  func() time.Duration
	}{
		{"C alone, batches of 256", func() time.Duration { return inC(native, total) }},
		{"Go's own goroutine + future", func() time.Duration { return futures(total) }},
		{"Queue, ReuseMemory, batches of 256", func() time.Duration { return inBatches(m, total, true) }},
		{"Queue, batches of 256", func() time.Duration { return inBatches(m, total, false) }},
		{"goroutine + Do", func() time.Duration { return awaits(m, total) }},
		{"SubmitBatch + Wait", func() time.Duration { return pendings(m, total) }},
	}
	took := make([][]float64, len(forms))
	for round := 0; round <= rounds; round++ {
		for i, form := range forms {
			if ns := float64(form.run().Nanoseconds()) / float64(total); round > 0 {
				took[i] = append(took[i], ns)
			}
		}
	}
	inC, own := took[0], took[1]
	fmt.Printf("%-36s %8s %10s %22s %14s\n", "", "ns", "beyond C", "beyond C / Go's own", "all / Go's own")
	for i, form := range forms {
		fmt.Printf("%-36s %8.0f", form.name, median(rounds, func(k int) float64 { return took[i][k] }))
		if i > 1 {
			beyond := func(k int) float64 { return took[i][k] - inC[k] }
			fmt.Printf(" %10.0f %22.2f %14.2f", median(rounds, beyond),
				median(rounds, func(k int) float64 { return beyond(k) / own[k] }),
				median(rounds, func(k int) float64 { return took[i][k] / own[k] }))
		}
		fmt.Println()
	}
	return nil
}

func median(rounds int, of func(round int) float64) float64 {
	all := make([]float64, rounds)
	for k := range all {
		all[k] = of(k)
	}
	slices.Sort(all)
	return all[rounds/2]
}

// inC runs the same in C, as another program.
func inC(program string, total int) time.Duration {
	if program == "" {
		return 0
	}
	output, err := exec.Command(program, strconv.Itoa(total)).Output()
	check(err)
	used, err := strconv.ParseInt(strings.TrimSpace(string(output)), 10, 64)
	check(err)
	return time.Duration(used)
}

// used is the processor time of this program's threads, without those of the library.
func used() time.Duration {
	tasks, err := filepath.Glob("/proc/self/task/*")
	check(err)
	sum := time.Duration(0)
	for _, task := range tasks {
		name, err := os.ReadFile(task + "/comm")
		if err != nil || strings.HasPrefix(string(name), "llmq-") {
			continue
		}
		ns, err := strconv.ParseInt(firstWords(task+"/schedstat", 1), 10, 64)
		check(err)
		sum += time.Duration(ns)
	}
	return sum
}

func inBatches(m *llmq.Manager, total int, reuse bool) time.Duration {
	q, err := m.NewQueue()
	check(err)
	defer q.Close()
	q.ReuseMemory = reuse
	requests := make([]llmq.Request, 256)
	for i := range requests {
		requests[i] = llmq.Request{Model: "m", Payload: []byte(payload), Tag: uint64(i + 1)}
	}
	responses := make([]llmq.Response, 256)
	began := used()
	for sent, got := 0, 0; got < total; {
		if sent < total {
			n := min(len(requests), total-sent)
			_, err := q.Submit(context.Background(), requests[:n])
			check(err)
			sent += n
		}
		for got < sent-1024 || (sent >= total && got < total) {
			n, err := q.Next(context.Background(), responses)
			check(err)
			got += n
		}
	}
	return used() - began
}

// awaits has 1,000 goroutines at a time that wait for one response each.
func awaits(m *llmq.Manager, total int) time.Duration {
	request := llmq.Request{Model: "m", Payload: []byte(payload)}
	return spawn(total, func() {
		_, err := m.Do(context.Background(), request)
		check(err)
	})
}

// futures is the same with what Go itself has for it, without a library, limits or a queue: each
// goroutine gives a copy of its request to another one and waits for a new response, with as many new
// bytes as the provider's answer has.
func futures(total int) time.Duration {
	type call struct {
		request llmq.Request
		answer  chan *llmq.Response
	}
	calls := make(chan *call, 1024)
	go func() {
		for one := range calls {
			one.answer <- &llmq.Response{Tag: one.request.Tag, Data: make([]byte, answerSize)}
		}
	}()
	defer close(calls)
	request := llmq.Request{Model: "m", Payload: []byte(payload)}
	return spawn(total, func() {
		one := &call{request, make(chan *llmq.Response, 1)}
		one.request.Payload = append([]byte(nil), request.Payload...)
		calls <- one
		<-one.answer
	})
}

func spawn(total int, work func()) time.Duration {
	began := used()
	for done := 0; done < total; done += 1000 {
		var group sync.WaitGroup
		for i := 0; i < 1000; i++ {
			group.Add(1)
			go func() {
				defer group.Done()
				work()
			}()
		}
		group.Wait()
	}
	return used() - began
}

func pendings(m *llmq.Manager, total int) time.Duration {
	requests := make([]llmq.Request, 256)
	for i := range requests {
		requests[i] = llmq.Request{Model: "m", Payload: []byte(payload)}
	}
	ctx := context.Background()
	began := used()
	var before []*llmq.Pending
	for done := 0; done < total; done += len(requests) {
		now, err := m.SubmitBatch(ctx, requests)
		check(err)
		for _, one := range before {
			_, err := one.Wait(ctx)
			check(err)
		}
		before = now
	}
	for _, one := range before {
		_, err := one.Wait(ctx)
		check(err)
	}
	return used() - began
}

func firstWords(file string, count int) string {
	text, err := os.ReadFile(file)
	check(err)
	return strings.Join(strings.Fields(string(text))[:count], " ")
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
