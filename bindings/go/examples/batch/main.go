// Program batch sends 2,000 requests through a queue and adds up what they used.
package main

import (
	"context"
	"fmt"
	"log"

	"llmq"
)

func main() {
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{{Name: "m", Provider: "mock",
		Limits: []llmq.Limit{{Concurrency: 100}}, Extra: map[string]any{"mock.latency_ms": 5}}}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	queue, err := manager.NewQueue()
	if err != nil {
		log.Fatal(err)
	}
	defer queue.Close()
	requests := make([]llmq.Request, 2000)
	for i := range requests {
		requests[i] = llmq.Request{Model: "m", Tag: uint64(i), Payload: []byte(fmt.Sprintf(
			`{"messages": [{"role": "user", "content": "Name river number %d."}]}`, i))}
	}
	ctx := context.Background()
	if _, err := queue.Submit(ctx, requests); err != nil {
		log.Fatal(err)
	}
	var tokens int64
	responses := make([]llmq.Response, 256)
	for done := 0; done < len(requests); {
		n, err := queue.Next(ctx, responses)
		if err != nil {
			log.Fatal(err)
		}
		for _, response := range responses[:n] {
			if err := response.Err(); err != nil {
				log.Printf("request %d: %v", response.Tag, err)
			}
			tokens += response.Usage.OutputTokens
		}
		done += n
	}
	fmt.Println(len(requests), "requests,", tokens, "output tokens")
}
