// Program basic asks one question, of a provider that is made up: no key, no network.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"llmq"
)

func main() {
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{{
		Name:     "gpt-4o-mini",
		Provider: "mock", // or "openai", with the key in OPENAI_API_KEY
		Limits:   []llmq.Limit{{Requests: 500, Per: time.Minute}, {Concurrency: 8}},
	}}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	response, err := manager.Do(context.Background(), llmq.Request{
		Model:   "gpt-4o-mini",
		Payload: []byte(`{"messages": [{"role": "user", "content": "Name a river."}]}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\nafter %v in line and %v of work, %d output tokens\n", response.Data,
		response.Queued, response.Run, response.Usage.OutputTokens)
}
