// Program advanced shows priorities, tenants, shared calls, estimates, and settings that change.
package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"os"

	"llmq"
)

func main() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, nil))
	manager, err := llmq.Open(llmq.Config{
		Tenants: []llmq.Tenant{{Name: "live", Weight: 4}, {Name: "batch", Weight: 1}},
		Models: []llmq.Model{{Name: "m", Provider: "mock", Limits: []llmq.Limit{{Concurrency: 1}},
			Extra: map[string]any{"price_input": 0.15, "price_output": 0.6}}},
	}, llmq.WithLogger(logger, llmq.LogInfo))
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	ctx := context.Background()
	ask := func(text string) llmq.Request {
		return llmq.Request{Model: "m", Key: text, Payload: []byte(fmt.Sprintf(
			`{"messages": [{"role": "user", "content": %q}], "max_tokens": 20}`, text))}
	}
	usage, err := manager.Estimate(ask("How much?"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("will cost about %d millionths\n", usage.CostMicros)

	slow, fast := ask("in the background"), ask("somebody waits")
	slow.Priority, slow.Tenant = llmq.PriorityBatch, "batch"
	fast.Priority, fast.Tenant = llmq.PriorityUrgent, "live"
	same := ask("the same question")
	same.DedupKey = "q1"
	all, err := manager.SubmitBatch(ctx, []llmq.Request{slow, fast, same, same})
	if err != nil {
		log.Fatal(err)
	}
	if err := manager.Set("model.m.limit", "concurrency=4"); err != nil {
		log.Fatal(err)
	}
	for _, one := range all {
		response, err := one.Wait(ctx)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%-18s %s shared: %v\n", response.Key, response.Status, response.Shared)
	}
}
