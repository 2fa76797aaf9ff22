// Program bench measures what the Go form of llmq costs beyond the library: requests in batches of
// 256 through a Queue, awaited one by one by goroutines, beside Go's own goroutine and channel, and
// memory and threads while many are under way.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	total := flag.Int("requests", 300_000, "requests per measurement")
	rounds := flag.Int("rounds", 5, "measurements of each, of which the best counts")
	long := flag.Int("long", 1_000_000, "requests of the run that watches memory; 0 = no such run")
	native := flag.String("native", "", "the program of native/bare.c")
	flag.Parse()
	if err := run(*native, *total, *rounds, *long); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(native string, total, rounds, long int) error {
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
	var bare, batches, own, awaited, pending time.Duration
	for i := 0; i < rounds; i++ {
		bare = least(bare, inC(native, total))
		batches = least(batches, inBatches(m, total))
		own = least(own, goroutines(total))
		awaited = least(awaited, awaits(m, total))
		pending = least(pending, pendings(m, total))
	}
	row("C alone, batches of 256", bare, total)
	row("Queue, batches of 256", batches, total)
	row("  beyond C", batches-bare, total)
	row("goroutine + channel, Go alone", own, total)
	row("goroutine + Do", awaited, total)
	row("SubmitBatch + Wait", pending, total)
	for _, form := range []struct {
		name string
		took time.Duration
	}{{"Do", awaited}, {"SubmitBatch + Wait", pending}} {
		fmt.Printf("%-32s %8.2f, beyond C %.2f\n", form.name+" / Go's own",
			float64(form.took)/float64(own), float64(form.took-bare)/float64(own))
	}
	return atOnce(m, long)
}

func least(before, now time.Duration) time.Duration {
	if before == 0 {
		return now
	}
	return min(before, now)
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

func row(what string, took time.Duration, total int) {
	fmt.Printf("%-32s %8.0f ns per request\n", what, float64(took.Nanoseconds())/float64(total))
}

func inBatches(m *llmq.Manager, total int) time.Duration {
	q, err := m.NewQueue()
	check(err)
	defer q.Close()
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
	return spawn(total, func() {
		_, err := m.Do(context.Background(), llmq.Request{Model: "m", Payload: []byte(payload)})
		check(err)
	})
}

// goroutines is the same with what Go itself has for it: each waits for a channel that another
// goroutine answers, with new bytes, as many as the provider's answer has.
func goroutines(total int) time.Duration {
	type call struct{ answer chan []byte }
	calls := make(chan call, 1024)
	go func() {
		for one := range calls {
			one.answer <- make([]byte, answerSize)
		}
	}()
	defer close(calls)
	return spawn(total, func() {
		one := call{make(chan []byte, 1)}
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

// atOnce shows that 10,000 goroutines that wait take no threads, and that memory does not grow.
func atOnce(m *llmq.Manager, long int) error {
	slow, err := llmq.Open(llmq.Config{Models: []llmq.Model{{
		Name: "m", Provider: "mock",
		Extra: map[string]any{"mock.latency_ms": 500, "max_in_flight": 1000000},
	}}})
	if err != nil {
		return err
	}
	defer slow.Close()
	before := status("Threads")
	var group sync.WaitGroup
	for i := 0; i < 10_000; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			_, err := slow.Do(context.Background(), llmq.Request{Model: "m", Payload: []byte(payload)})
			check(err)
		}()
	}
	for stats, _ := slow.Stats(""); stats.Submitted < 10_000; stats, _ = slow.Stats("") {
		runtime.Gosched()
	}
	during := status("Threads")
	group.Wait()
	fmt.Printf("%-32s %8d before, %d while 10,000 wait\n", "threads", before, during)
	if long == 0 {
		return nil
	}
	inBatches(m, long/10)
	awaits(m, long/10)
	runtime.GC()
	first := status("VmRSS")
	for i := 0; i < 2; i++ {
		inBatches(m, long/2)
		runtime.GC()
		fmt.Printf("%-32s %8d kB at first, %d kB after %d requests\n", "resident memory", first,
			status("VmRSS"), (i+1)*long/2)
	}
	return nil
}

func status(what string) int {
	text, err := os.ReadFile("/proc/self/status")
	check(err)
	for _, line := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, what+":"); ok {
			value, err := strconv.Atoi(strings.Fields(rest)[0])
			check(err)
			return value
		}
	}
	return 0
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
