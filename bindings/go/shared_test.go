package llmq_test

import (
	"errors"
	"testing"

	"llmq"
)

// shared gives the shared manager a test of its own: it is closed with it.
func shared(t *testing.T, settings any, with ...llmq.Option) *llmq.Manager {
	t.Helper()
	m, err := llmq.Shared(settings, with...)
	return closing(t, m, err)
}

func TestTheSharedManagerIsOneUntilItIsClosed(t *testing.T) {
	first := shared(t, mock(0))
	if _, err := first.Do(within(t), request()); err != nil {
		t.Error(err)
	}
	for _, settings := range []any{nil, mock(0)} {
		if again, err := llmq.Shared(settings); err != nil || again != first {
			t.Errorf("%v: %p %v, not %p", settings, again, err, first)
		}
	}
	if other, err := llmq.Shared(mock(1)); !errors.Is(err, llmq.ErrInvalidValue) || other != nil {
		t.Error(other, err)
	}
	if wrong, err := llmq.Shared(`{"no_such_key": 1}`); !errors.Is(err, llmq.ErrUnknownKey) || wrong != nil {
		t.Error(wrong, err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	next := shared(t, mock(1))
	if next == first {
		t.Error("a manager that was closed is given")
	}
	if _, err := next.Do(within(t), request()); err != nil {
		t.Error(err)
	}
}
