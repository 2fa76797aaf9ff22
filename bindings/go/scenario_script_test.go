package llmq_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"llmq"
)

// scripted runs attempts as a case says, and notes what it sees of them.
type scripted struct {
	mu       sync.Mutex
	changed  *sync.Cond
	models   map[string][]outcome
	requests map[string][]outcome
	began    []beginning
	numbers  map[string][]int // of each ref, the numbers of its attempts
	stopped  map[string]bool  // told to stop
	finish   map[string]chan outcome
	shared   func(*llmq.Attempt) string // the request that a shared call began with
	lease    time.Duration              // of attempts; 0 = none
}

func newScripted() *scripted {
	s := &scripted{models: map[string][]outcome{}, requests: map[string][]outcome{},
		numbers: map[string][]int{}, stopped: map[string]bool{}, finish: map[string]chan outcome{}}
	s.changed = sync.NewCond(&s.mu)
	return s
}

// beginning is when an attempt of a request began.
type beginning struct {
	ref string
	at  time.Time
}

// order is that in which attempts began; each has a goroutine of its own, and these run in any order.
func (s *scripted) order() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.began, func(a, b beginning) int { return a.at.Compare(b.at) })
	var refs []string
	for _, one := range s.began {
		refs = append(refs, one.ref)
	}
	return refs
}

// until waits for something that changes under the lock; it fails after a minute.
func (s *scripted) until(what string, is func() bool) error {
	over := false
	timer := time.AfterFunc(time.Minute, func() { s.note(func() { over = true }) })
	defer timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	for !is() {
		if over {
			return fmt.Errorf("waited a minute for %s", what)
		}
		s.changed.Wait()
	}
	return nil
}

func (s *scripted) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
	s.changed.Broadcast()
}

func (s *scripted) held(ref string) chan outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.finish[ref] == nil {
		s.finish[ref] = make(chan outcome, 1)
	}
	return s.finish[ref]
}

func (s *scripted) handle(ctx context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
	s.mu.Lock()
	if attempt.Key == "" {
		attempt.Key = s.shared(attempt)
	}
	script, ok := s.requests[attempt.Key]
	if !ok {
		script = s.models[attempt.Model]
	}
	s.mu.Unlock()
	if len(script) == 0 {
		return llmq.Result{}, fmt.Errorf("no script for %q", attempt.Key)
	}
	s.note(func() {
		s.began = append(s.began, beginning{attempt.Key, attempt.Started})
		s.numbers[attempt.Key] = append(s.numbers[attempt.Key], attempt.Number)
	})
	defer func() {
		if ctx.Err() != nil {
			s.note(func() { s.stopped[attempt.Key] = true })
		}
	}()
	o := script[min(attempt.Number, len(script))-1]
	if s.lease > 0 && !o.Vanish {
		over := make(chan struct{})
		defer close(over)
		go s.keepAlive(attempt, over)
	}
	return s.play(ctx, attempt, o)
}

// keepAlive renews the lease of an attempt until that is over.
func (s *scripted) keepAlive(attempt *llmq.Attempt, over chan struct{}) {
	beats := time.NewTicker(s.lease / 4)
	defer beats.Stop()
	for attempt.Heartbeat() == nil {
		select {
		case <-beats.C:
		case <-over:
			return
		}
	}
}

func (s *scripted) play(ctx context.Context, attempt *llmq.Attempt, o outcome) (llmq.Result, error) {
	for _, chunk := range o.Chunks {
		if err := attempt.Chunk(ctx, []byte(chunk)); err != nil {
			return llmq.Result{}, err
		}
	}
	switch {
	case o.Hold:
		select {
		case next := <-s.held(attempt.Key):
			return s.play(ctx, attempt, next)
		case <-ctx.Done():
			return llmq.Result{}, ctx.Err()
		}
	case o.Vanish:
		<-ctx.Done() // lost; what is reported now is dropped
		return llmq.Result{}, ctx.Err()
	case o.Throw != "":
		panic(o.Throw)
	case o.Fail != "":
		status, ok := statuses[o.Fail]
		if !ok {
			panic("unknown status " + o.Fail)
		}
		return llmq.Result{}, &llmq.Error{Status: status, Message: o.Message,
			RetryAfter: time.Duration(o.RetryAfterMS) * time.Millisecond}
	case o.Echo != "":
		return llmq.Result{Data: []byte(echo(attempt, o.Echo))}, nil
	case o.Succeed != nil:
		result := llmq.Result{Data: []byte(*o.Succeed)}
		if o.Usage != nil {
			usage := o.Usage.usage()
			result.Usage = &usage
		}
		return result, nil
	default:
		panic("an outcome without an end")
	}
}

func echo(attempt *llmq.Attempt, what string) string {
	switch what {
	case "model":
		return attempt.Model
	case "tenant":
		return attempt.Tenant
	case "request_key":
		return attempt.Key
	case "metadata":
		return string(attempt.Metadata)
	case "payload":
		return string(attempt.Payload)
	case "payload_bytes":
		return strconv.Itoa(len(attempt.Payload))
	default:
		panic("unknown echo " + what)
	}
}

var statuses = func() map[string]llmq.Status {
	all := map[string]llmq.Status{}
	for status := llmq.StatusOK; status >= llmq.ErrUnknown; status-- {
		all[status.Name()] = status
	}
	return all
}()
