// Program concurrent shows the two kinds of limits: how many calls run at a time, and how many begin
// in a period.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"llmq"
)

func main() {
	atATime := map[string]any{"mock.latency_ms": 50}
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{
		{Name: "two at a time", Provider: "mock", Limits: []llmq.Limit{{Concurrency: 2}}, Extra: atATime},
		{Name: "five per second", Provider: "mock",
			Limits: []llmq.Limit{{Requests: 5, Per: time.Second}}, Extra: atATime},
	}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	for _, model := range []string{"two at a time", "five per second"} {
		began := time.Now()
		requests := make([]llmq.Request, 8)
		for i := range requests {
			requests[i] = llmq.Request{Model: model,
				Payload: []byte(`{"messages": [{"role": "user", "content": "Hello."}]}`)}
		}
		all, err := manager.SubmitBatch(context.Background(), requests)
		if err != nil {
			log.Fatal(err)
		}
		for _, one := range all {
			if _, err := one.Wait(context.Background()); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Printf("%s: 8 calls of 50 ms took %v\n", model, time.Since(began).Round(time.Millisecond))
	}
}
