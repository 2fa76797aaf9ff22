package llmq_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"llmq"
)

// permits are those of a case, under the lock of its script.
type permits struct {
	given     map[string]*llmq.Permit
	stop      map[string]context.CancelFunc
	order     []string
	undecided int
}

// acquire asks for a permit, and returns when it stands in line, or was refused.
func (r *runner) acquire(s *step) error {
	before, err := r.manager.Stats("")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.script.note(func() {
		if r.permits.given == nil {
			r.permits.given = map[string]*llmq.Permit{}
			r.permits.stop = map[string]context.CancelFunc{}
		}
		r.permits.stop[s.Ref] = cancel
		r.permits.undecided++
		r.asked[s.Ref] = s.submission
	})
	refused := make(chan error, 1)
	go func() {
		permit, err := r.manager.Acquire(ctx, r.request(&s.submission))
		r.decide(s.Ref, permit, err, refused)
	}()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		select {
		case err := <-refused:
			return failed(err, s.Error)
		default:
		}
		if now, err := r.manager.Stats(""); err != nil {
			return err
		} else if now.Submitted > before.Submitted {
			return failed(nil, s.Error)
		}
	}
	return fmt.Errorf("%s stands in no line", s.Ref)
}

func (r *runner) decide(ref string, permit *llmq.Permit, err error, refused chan error) {
	var e *llmq.Error
	ended := errors.As(err, &e) && e.Response != nil
	if err != nil && !ended {
		refused <- err
	}
	r.script.note(func() {
		r.permits.undecided--
		if permit != nil {
			r.permits.given[ref] = permit
			r.permits.order = append(r.permits.order, ref)
		} else if ended {
			r.refs = append(r.refs, ref)
			r.responses[ref] = e.Response
		}
	})
}

func (r *runner) release(s *step) error {
	r.script.mu.Lock()
	permit := r.permits.given[s.Ref]
	r.script.mu.Unlock()
	if permit == nil {
		return fmt.Errorf("%s has no permit", s.Ref)
	}
	if s.Fail != "" {
		return permit.Fail(&llmq.Error{Status: statuses[s.Fail],
			RetryAfter: time.Duration(s.RetryAfterMS) * time.Millisecond})
	}
	if s.Usage == nil {
		return permit.Release(nil)
	}
	usage := s.Usage.usage()
	return permit.Release(&usage)
}

// cancel ends a request; of one that asked for a permit, in Go's way, by its context.
func (r *runner) cancel(ref string) error {
	r.script.mu.Lock()
	stop, permit := r.permits.stop[ref], r.permits.given[ref]
	r.script.mu.Unlock()
	if stop == nil {
		return r.manager.Cancel(r.ids[ref])
	}
	if permit != nil {
		return r.manager.Cancel(permit.RequestID)
	}
	stop()
	return nil
}
