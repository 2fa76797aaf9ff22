// Program limits has several limits that hold together, some of them shared by two models.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"llmq"
)

func main() {
	manager, err := llmq.Open(llmq.Config{
		Pools: []llmq.Pool{{Name: "account", Limits: []llmq.Limit{{Tokens: 2_000_000, Per: 24 * time.Hour}}}},
		Models: []llmq.Model{
			{Name: "large", Provider: "mock", Pool: []string{"account"}, Limits: []llmq.Limit{
				{Requests: 500, Per: time.Minute}, {Tokens: 30_000, Per: time.Minute}, {Concurrency: 8}}},
			{Name: "small", Provider: "mock", Pool: []string{"account"}, Limits: []llmq.Limit{
				{Requests: 10_000, Per: 24 * time.Hour}, {InputTokens: 100_000, Per: time.Minute}}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	for _, model := range []string{"large", "small"} {
		_, err := manager.Do(context.Background(), llmq.Request{Model: model,
			Payload: []byte(`{"messages": [{"role": "user", "content": "Hello."}]}`)})
		if err != nil {
			log.Fatal(err)
		}
	}
	info, err := manager.Info("large")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", info)
}
