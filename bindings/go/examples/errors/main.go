// Program errors shows how requests fail, and what a program can tell of it.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"llmq"
)

func main() {
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{
		{Name: "broken", Provider: "mock", MaxAttempts: 3, Extra: map[string]any{
			"mock.fail_server": 1, "mock.latency_ms": 1, "retry.base_ms": 1}},
		{Name: "slow", Provider: "mock", Extra: map[string]any{"mock.latency_ms": 60_000}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	ask := llmq.Request{Model: "broken", Payload: []byte(`{"messages": [{"role": "user", "content": "Hello."}]}`)}

	_, err = manager.Do(context.Background(), ask)
	var e *llmq.Error
	if errors.Is(err, llmq.ErrServer) && errors.As(err, &e) {
		fmt.Println("failed:", err)
		for _, attempt := range e.Response.History() {
			fmt.Printf("  attempt %d: %s after %.0f ms\n", attempt.Attempt, attempt.Status, attempt.RunMS)
		}
	}

	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	ask.Model = "slow"
	if _, err := manager.Do(ctx, ask); errors.Is(err, context.DeadlineExceeded) {
		fmt.Println("too late:", err)
	}

	ask.Model = "nobody"
	if _, err := manager.Do(context.Background(), ask); errors.Is(err, llmq.ErrUnknownModel) {
		fmt.Println("refused:", err)
	}
}
