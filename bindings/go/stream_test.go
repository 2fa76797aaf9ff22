package llmq_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"llmq"
)

func TestAStreamThatIsReadSlowlyIsWhole(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}},
		Extra: map[string]any{"stream_buffer_bytes": 1000}})
	const pieces, size = 200, 100
	err := m.Handle("m", func(ctx context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		for i := 0; i < pieces; i++ {
			if err := attempt.Chunk(ctx, []byte(fmt.Sprintf("%0*d", size, i))); err != nil {
				return llmq.Result{}, err
			}
		}
		return llmq.Result{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := m.Stream(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	count := 0
	for ; stream.Next(); count++ {
		if want := fmt.Sprintf("%0*d", size, count); string(stream.Chunk().Data) != want {
			t.Fatalf("%q, expected %q", stream.Chunk().Data, want)
		}
	}
	if stream.Err() != nil || count != pieces || stream.Response() == nil {
		t.Error(count, stream.Err())
	}
}

func TestAStreamThatIsClosedIsCancelled(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	stopped := make(chan struct{})
	err := m.Handle("m", func(ctx context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		attempt.Chunk(ctx, []byte("one"))
		<-ctx.Done()
		close(stopped)
		return llmq.Result{}, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := m.Stream(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Next() || string(stream.Chunk().Data) != "one" {
		t.Fatal(stream.Err())
	}
	stream.Close()
	<-stopped
	if stream.Next() || !errors.Is(stream.Err(), llmq.ErrCancelled) {
		t.Error(stream.Err())
	}
}

func TestAQueueGivesEachTagOnce(t *testing.T) {
	m := open(t, mock(0))
	q, err := m.NewQueue()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	const total = 3000
	requests := make([]llmq.Request, total)
	for i := range requests {
		requests[i] = request()
		requests[i].Tag = uint64(i)
	}
	ids, err := q.Submit(within(t), requests)
	if err != nil || len(ids) != total {
		t.Fatal(len(ids), err)
	}
	seen := make([]bool, total)
	for left, into := total, make([]llmq.Response, 100); left > 0; {
		n, err := q.Next(within(t), into)
		if err != nil {
			t.Fatal(err)
		}
		for _, response := range into[:n] {
			if seen[response.Tag] || response.ID != ids[response.Tag] || len(response.Data) == 0 {
				t.Fatalf("%+v", response)
			}
			seen[response.Tag] = true
			left--
		}
	}
}

func TestAQueueWritesToTheMemoryOfItsSliceOnlyIfItMay(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Limits: []llmq.Limit{{Concurrency: 1}}}}})
	err := m.Handle("m", func(_ context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		return llmq.Result{Data: attempt.Payload}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, reuse := range []bool{false, true} {
		q, err := m.NewQueue()
		if err != nil {
			t.Fatal(err)
		}
		q.ReuseMemory = reuse
		into := make([]llmq.Response, 1)
		var kept [][]byte
		for _, text := range []string{"a long answer", "short", strings.Repeat("longest ", 20_000), "", "last"} {
			r := llmq.Request{Model: "m", Payload: []byte(text), Metadata: []byte(text)}
			if len(text) > 100 {
				r.Metadata = nil
			}
			if _, err := q.Submit(within(t), []llmq.Request{r}); err != nil {
				t.Fatal(err)
			}
			if n, err := q.Next(within(t), into); n != 1 || err != nil || string(into[0].Data) != text ||
				string(into[0].Metadata) != string(r.Metadata) {
				t.Fatalf("%d %v: %.100q %.100q", n, err, into[0].Data, into[0].Metadata)
			}
			kept = append(kept, into[0].Data)
		}
		if again := &kept[0][0] == &kept[1][0]; again != reuse || cap(kept[4]) > 100_000 {
			t.Errorf("%v: %q %q, room for %d bytes", reuse, kept[0], kept[1], cap(kept[4]))
		}
		q.Close()
	}
}

func TestAWaitOnAQueueEndsWithItsContextAndWithTheQueue(t *testing.T) {
	m := open(t, mock(0))
	q, err := m.NewQueue()
	if err != nil {
		t.Fatal(err)
	}
	into := make([]llmq.Response, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	if _, err := q.Next(ctx, into); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := q.Submit(within(t), []llmq.Request{request()}); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Next(within(t), into); n != 1 || err != nil {
		t.Error(n, err)
	}
	ended := make(chan error)
	go func() {
		_, err := q.Next(context.Background(), into)
		ended <- err
	}()
	q.Close()
	if err := <-ended; !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
	if _, err := q.Submit(within(t), nil); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
}
