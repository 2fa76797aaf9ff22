package llmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"llmq"
)

// told lets a hook of the types tell a channel.
func told(t *testing.T, m *llmq.Manager, mask llmq.HookType) chan llmq.HookEvent {
	t.Helper()
	events := make(chan llmq.HookEvent, 1000)
	if err := m.SetHook(mask, func(event llmq.HookEvent) { events <- event }); err != nil {
		t.Fatal(err)
	}
	return events
}

func next(t *testing.T, events chan llmq.HookEvent) llmq.HookEvent {
	t.Helper()
	select {
	case event := <-events:
		return event
	case <-within(t).Done():
		t.Fatal("no event")
		panic("unreachable")
	}
}

func TestAHookIsToldTheLifeOfARequest(t *testing.T) {
	m := open(t, mock(1))
	events := told(t, m, ^llmq.HookType(0))
	r := request()
	r.Tenant = "ann"
	began := time.Now()
	response, err := m.Do(within(t), r)
	if err != nil {
		t.Fatal(err)
	}
	var types []llmq.HookType
	for {
		event := next(t, events)
		if event.RequestID == 0 {
			continue // of limits
		}
		if event.RequestID != response.ID || event.Model != "m" || event.Tenant != "ann" ||
			event.Time.Before(began.Add(-time.Second)) || event.Time.After(time.Now().Add(time.Second)) {
			t.Errorf("%+v", event)
		}
		types = append(types, event.Type)
		if event.Type == llmq.HookCompleted {
			if event.Status != llmq.StatusOK || event.Attempt != 1 || event.Usage != response.Usage {
				t.Errorf("%+v of %+v", event, response)
			}
			break
		}
	}
	want := []llmq.HookType{llmq.HookRequestSubmitted, llmq.HookAdmitted, llmq.HookAttemptStarted,
		llmq.HookAttemptFinished, llmq.HookCompleted}
	if !slices.Equal(types, want) {
		t.Error(types)
	}
}

func TestAHookIsToldOfLimitsThatChange(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Extra: map[string]any{"rpm": 100}}}})
	events := told(t, m, llmq.HookLimitChanged)
	if err := m.Set("model.m.rpm", "50"); err != nil {
		t.Fatal(err)
	}
	for {
		if event := next(t, events); event.Limit == "requests/1m" && event.New == 50 {
			if event.Model != "m" || event.Type != llmq.HookLimitChanged || event.RequestID != 0 {
				t.Errorf("%+v", event)
			}
			return
		}
	}
}

func TestASlowHookLosesEventsAndCountsThem(t *testing.T) {
	m := open(t, mock(0))
	const total = 70_000
	begun, goOn := make(chan bool), make(chan bool)
	got, lost, sums := 0, 0, make(chan [2]int, 1)
	err := m.SetHook(llmq.HookCompleted, func(event llmq.HookEvent) {
		if got == 0 {
			close(begun)
			<-goOn
		}
		got++
		lost += int(event.Lost)
		if event.Tenant == "last" {
			select {
			case sums <- [2]int{got, lost}:
			default: // told before
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Do(within(t), request()); err != nil {
		t.Fatal(err)
	}
	<-begun
	requests := make([]llmq.Request, 1000)
	for i := range requests {
		requests[i] = request()
	}
	for i := 0; i < total/len(requests); i++ { // nobody waits for the hook
		all, err := m.SubmitBatch(within(t), requests)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if _, err := one.Wait(within(t)); err != nil {
				t.Fatal(err)
			}
		}
	}
	close(goOn)
	for { // until there is room for its event
		r := request()
		r.Tenant = "last"
		if _, err := m.Do(within(t), r); err != nil {
			t.Fatal(err)
		}
		select {
		case sum := <-sums:
			if sum[1] == 0 || sum[0]+sum[1] <= total {
				t.Errorf("%d told and %d lost of %d", sum[0], sum[1], total)
			}
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestTheNextHookTakesThePlaceOfTheFirst(t *testing.T) {
	m := open(t, mock(0))
	first := told(t, m, llmq.HookCompleted)
	second := told(t, m, llmq.HookRequestSubmitted)
	if _, err := m.Do(within(t), request()); err != nil {
		t.Fatal(err)
	}
	if event := next(t, second); event.Type != llmq.HookRequestSubmitted {
		t.Errorf("%+v", event)
	}
	if err := m.SetHook(0, nil); err != nil {
		t.Error(err)
	}
	if _, err := m.Do(within(t), request()); err != nil {
		t.Fatal(err)
	}
	if len(first) != 0 || len(second) != 0 {
		t.Errorf("%d and %d events too many", len(first), len(second))
	}
}

func TestAHookThatPanicsIsCalledAgain(t *testing.T) {
	m := open(t, mock(0),
		llmq.WithLogger(slog.New(slog.NewTextHandler(new(bytes.Buffer), nil)), llmq.LogOff))
	calls := make(chan llmq.HookEvent, 10)
	err := m.SetHook(llmq.HookCompleted, func(event llmq.HookEvent) {
		calls <- event
		panic(fmt.Sprint("of ", event.RequestID))
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 2; i++ {
		if _, err := m.Do(within(t), request()); err != nil {
			t.Fatal(err)
		}
		next(t, calls)
	}
	m.Close()
	if err := m.SetHook(llmq.HookCompleted, func(llmq.HookEvent) {}); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
}
