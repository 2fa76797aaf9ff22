package llmq_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"llmq"
)

// runner does the steps of one case.
type runner struct {
	scenario *scenario
	manager  *llmq.Manager
	script   *scripted
	queue    *llmq.Queue // where the order of the ends is asked for
	refs     []string    // as accepted; the tag of a request is its place here, from 1
	asked    map[string]submission
	ids      map[string]llmq.RequestID
	began    time.Time
	closing  sync.WaitGroup

	// Under the lock of script:
	responses map[string]*llmq.Response
	chunks    map[string][]string
	done      []string
	permits   permits
}

func runScenario(s *scenario) error {
	for _, need := range s.Needs {
		switch need {
		case "workers", "permits", "vanish":
		default:
			return differs("unknown need %q", need)
		}
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	m, err := llmq.Open(s.Config, llmq.WithLogger(logger, llmq.LogTrace))
	if err != nil {
		return err
	}
	defer m.Close()
	r := &runner{scenario: s, manager: m, script: newScripted(), asked: map[string]submission{},
		ids: map[string]llmq.RequestID{}, responses: map[string]*llmq.Response{},
		chunks: map[string][]string{}, began: time.Now()}
	r.script.shared = r.shared
	if s.Workers != nil {
		r.script.lease = time.Duration(s.Workers.LeaseMS) * time.Millisecond
	}
	defer r.closing.Wait()
	if err := r.processors(s.Processors); err != nil {
		return err
	}
	if s.Expect.Done != nil {
		if r.queue, err = m.NewQueue(); err != nil {
			return err
		}
		go r.readQueue()
		defer r.queue.Close()
	}
	for i := range s.Steps {
		if err := r.step(&s.Steps[i]); err != nil {
			return fmt.Errorf("step %d, %s: %w", i+1, s.Steps[i].Do, err)
		}
	}
	if err := r.script.until("the end of all requests", func() bool {
		return len(r.responses) == len(r.refs) && r.permits.undecided == 0
	}); err != nil {
		return err
	}
	return r.compare()
}

func (r *runner) processors(scripts map[string][]outcome) error {
	for model, script := range scripts {
		r.script.note(func() { r.script.models[model] = script })
		var with []llmq.HandleOption
		if r.scenario.Workers != nil {
			with = append(with, llmq.WithLease(r.script.lease))
		}
		err := r.manager.Handle(model, r.script.handle, with...)
		if err != nil && !errors.Is(err, llmq.ErrUnknownModel) { // of a model that comes later
			return err
		}
	}
	return nil
}

// shared finds the request that an attempt of a shared call is for: the first one that has not ended.
func (r *runner) shared(attempt *llmq.Attempt) string {
	for _, ref := range r.refs {
		asked := r.asked[ref]
		if asked.DedupKey != "" && r.responses[ref] == nil &&
			string(payload(&asked, attempt.Model)) == string(attempt.Payload) {
			return ref
		}
	}
	return ""
}

func (r *runner) readQueue() {
	responses := make([]llmq.Response, 256)
	for {
		n, err := r.queue.Next(context.Background(), responses)
		if err != nil {
			return
		}
		for i := range responses[:n] {
			response := responses[i]
			r.script.mu.Lock()
			ref := r.refs[response.Tag-1]
			r.script.mu.Unlock()
			r.end(ref, &response)
		}
	}
}

func (r *runner) end(ref string, response *llmq.Response) {
	r.script.note(func() {
		r.responses[ref] = response
		r.done = append(r.done, ref)
	})
}

// failed compares an error with the status that a step names; "" = none.
func failed(err error, want string) error {
	if want == "" {
		return err
	}
	status, ok := statuses[want]
	if !ok {
		return differs("unknown status %q", want)
	}
	if !errors.Is(err, status) {
		return differs("gives %v, expected %s", err, want)
	}
	return nil
}

func mode(name string) llmq.ShutdownMode {
	return map[string]llmq.ShutdownMode{"drain": llmq.ShutdownDrain, "cancel": llmq.ShutdownCancel,
		"abort": llmq.ShutdownAbort}[name]
}

func (r *runner) step(s *step) error {
	switch s.Do {
	case "submit":
		return r.submit(s)
	case "submit_many":
		all := make([]submission, s.Count)
		for i := range all {
			all[i] = s.submission
			all[i].Ref = fmt.Sprintf("%s%d", s.Ref, i)
		}
		return r.submitBatch(all, s)
	case "submit_batch":
		return r.submitBatch(s.Requests, s)
	case "wait":
		return r.wait(s)
	case "cancel":
		return failed(r.cancel(s.Ref), s.Error)
	case "acquire":
		return r.acquire(s)
	case "release":
		return failed(r.release(s), s.Error)
	case "finish":
		r.script.held(s.Ref) <- *s.With
		return nil
	case "set":
		return failed(r.manager.Set(s.Key, s.Value), s.Error)
	case "add_models":
		if err := failed(r.manager.RegisterModels(s.Config), s.Error); err != nil || s.Error != "" {
			return err
		}
		if err := r.processors(s.Processors); err != nil {
			return err
		}
		return r.processors(r.scenario.Processors)
	case "remove_model":
		return failed(r.manager.RemoveModel(s.Model, mode(s.Mode)), s.Error)
	case "usage_update":
		return failed(r.manager.UpdateUsage(r.ids[s.Ref], s.Usage.usage()), s.Error)
	case "response_get":
		return r.get(s)
	case "shutdown":
		return r.shutdown(s)
	default:
		return differs("unknown step %q", s.Do)
	}
}

func (r *runner) get(s *step) error {
	response, err := r.manager.Get(r.ids[s.Ref])
	if err := failed(err, s.Error); err != nil || s.Error != "" {
		return err
	}
	var is expected
	if err := strict(s.Is, &is); err != nil {
		return err
	}
	return r.compareOne(s.Ref, response, &is)
}

// shutdown returns when the manager refuses requests; the rest goes on.
func (r *runner) shutdown(s *step) error {
	ctx, cancel := context.WithCancel(context.Background())
	if s.DeadlineMS != 0 {
		ctx, cancel = context.WithTimeout(context.Background(), time.Duration(s.DeadlineMS)*time.Millisecond)
	}
	r.closing.Add(1)
	go func() {
		defer r.closing.Done()
		defer cancel()
		r.manager.Shutdown(ctx, mode(s.Mode))
	}()
	for {
		err := r.manager.Check(llmq.Request{Model: "m", Operation: llmq.OpCustom})
		if errors.Is(err, llmq.ErrClosing) || errors.Is(err, llmq.ErrClosed) {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
}

func (r *runner) request(s *submission) llmq.Request {
	operation, priority := llmq.OpCustom, llmq.PriorityDefault
	switch s.Operation {
	case "chat":
		operation = llmq.OpChat
	case "embeddings":
		operation = llmq.OpEmbeddings
	}
	switch s.Priority {
	case "urgent":
		priority = llmq.PriorityUrgent
	case "high":
		priority = llmq.PriorityHigh
	case "normal":
		priority = llmq.PriorityNormal
	case "batch":
		priority = llmq.PriorityBatch
	}
	request := llmq.Request{
		Model: s.Model, Operation: operation, Priority: priority, Tenant: s.Tenant, Key: s.Ref,
		DedupKey: s.DedupKey, Metadata: []byte(s.Metadata), MaxAttempts: s.MaxAttempts,
		Timeout:        time.Duration(s.TimeoutMS) * time.Millisecond,
		EstInputTokens: s.EstInputTokens, EstOutputTokens: s.EstOutputTokens,
	}
	if s.Model == "" {
		request.Model = "m"
	}
	if s.DeadlineMS != 0 {
		request.Deadline = time.Now().Add(time.Duration(s.DeadlineMS) * time.Millisecond)
	}
	for flag, set := range map[llmq.RequestFlags]bool{llmq.RequestKeep: s.Keep,
		llmq.RequestLateUsage: s.LateUsage, llmq.RequestRestart: s.Restart} {
		if set {
			request.Flags |= flag
		}
	}
	request.Payload = payload(s, request.Model)
	return request
}

func payload(s *submission, model string) []byte {
	var text string
	switch {
	case s.PayloadBytes > 0:
		return []byte(strings.Repeat("x", s.PayloadBytes))
	case s.Payload != nil && json.Unmarshal(s.Payload, &text) == nil:
		return []byte(text)
	case s.Payload != nil:
		return s.Payload
	case s.Operation == "chat":
		name, _ := json.Marshal(model)
		ref, _ := json.Marshal(s.Ref)
		return []byte(fmt.Sprintf(`{"model": %s, "messages": [{"role": "user", "content": %s}]}`, name, ref))
	default:
		return []byte(s.Ref)
	}
}

// note keeps what will be compared; before the request is handed over, since it may end at once.
func (r *runner) expectOne(s *submission) {
	r.script.note(func() {
		r.refs = append(r.refs, s.Ref)
		r.asked[s.Ref] = *s
		if s.Attempts != nil {
			r.script.requests[s.Ref] = s.Attempts
		}
	})
}

func (r *runner) forget(count int) {
	r.script.note(func() { r.refs = r.refs[:len(r.refs)-count] })
}

func (r *runner) submit(s *step) error {
	r.expectOne(&s.submission)
	err := r.handOver(&s.submission)
	if err != nil {
		r.forget(1)
	}
	return failed(err, s.Error)
}

func (r *runner) handOver(s *submission) error {
	ctx, request := context.Background(), r.request(s)
	switch {
	case s.Stream:
		stream, err := r.manager.Stream(ctx, request)
		if err != nil {
			return err
		}
		r.ids[s.Ref] = stream.ID()
		go func() {
			for stream.Next() {
				data := string(stream.Chunk().Data)
				r.script.note(func() { r.chunks[s.Ref] = append(r.chunks[s.Ref], data) })
			}
			r.end(s.Ref, stream.Response())
		}()
	case r.queue != nil:
		request.Tag = uint64(slices.Index(r.refs, s.Ref) + 1)
		ids, err := r.queue.Submit(ctx, []llmq.Request{request})
		if err != nil {
			return err
		}
		r.ids[s.Ref] = ids[0]
	default:
		pending, err := r.manager.Submit(ctx, request)
		if err != nil {
			return err
		}
		r.await(s.Ref, pending)
	}
	return nil
}

func (r *runner) await(ref string, pending *llmq.Pending) {
	r.ids[ref] = pending.ID()
	go func() {
		response, _ := pending.Wait(context.Background())
		r.end(ref, response)
	}()
}

func (r *runner) submitBatch(all []submission, s *step) error {
	requests := make([]llmq.Request, len(all))
	for i := range all {
		requests[i] = r.request(&all[i])
		r.expectOne(&all[i])
	}
	pendings, err := r.manager.SubmitBatch(context.Background(), requests)
	r.forget(len(all) - len(pendings))
	for i, pending := range pendings {
		r.await(all[i].Ref, pending)
	}
	accepted := len(all)
	if s.Accepted != nil {
		accepted = *s.Accepted
	}
	if len(pendings) != accepted {
		return differs("%d are accepted, expected %d (%v)", len(pendings), accepted, err)
	}
	return failed(err, s.Error)
}

func (r *runner) wait(s *step) error {
	switch s.For {
	case "done":
		return r.script.until(s.Ref+" done", func() bool { return r.responses[s.Ref] != nil })
	case "started":
		return r.script.until(s.Ref+" started", func() bool {
			numbers := r.script.numbers[s.Ref]
			return len(numbers) > 0 && (s.Attempt == 0 || slices.Contains(numbers, s.Attempt))
		})
	case "stopped":
		return r.script.until(s.Ref+" stopped", func() bool { return r.script.stopped[s.Ref] })
	case "chunks":
		return r.script.until("chunks of "+s.Ref, func() bool { return len(r.chunks[s.Ref]) >= max(1, s.Count) })
	case "permit":
		return r.script.until("the permit of "+s.Ref, func() bool { return r.permits.given[s.Ref] != nil })
	case "stats":
		var is map[string]int
		if err := json.Unmarshal(s.Is, &is); err != nil {
			return err
		}
		return r.stats(s.Model, is)
	default:
		return differs("unknown wait %q", s.For)
	}
}
