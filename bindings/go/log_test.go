package llmq_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"llmq"
)

// collector keeps log lines, and tells of each.
type collector struct {
	slog.Handler
	lines chan string
}

func (c collector) Enabled(context.Context, slog.Level) bool { return true }
func (c collector) Handle(_ context.Context, record slog.Record) error {
	c.lines <- record.Level.String() + " " + record.Message
	return nil
}

func TestLogLinesComeToTheLogger(t *testing.T) {
	lines := make(chan string, 1000)
	m := open(t, mock(0), llmq.WithLogger(slog.New(collector{lines: lines}), llmq.LogTrace))
	r := request()
	r.Key = "find me"
	if _, err := m.Do(within(t), r); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ; {
		select {
		case line := <-lines:
			if strings.Contains(line, "find me") {
				return
			}
		case <-ctx.Done():
			t.Fatal("no line names the request")
		}
	}
}

func TestAHandlerOfLogLinesThatHangsHoldsUpNothing(t *testing.T) {
	lines := make(chan string)
	m := open(t, mock(0), llmq.WithLogger(slog.New(collector{lines: lines}), llmq.LogTrace))
	for i := 0; i < 500; i++ {
		if _, err := m.Do(within(t), request()); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for range lines {
		}
	}()
}
