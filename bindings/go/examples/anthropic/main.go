// Program anthropic asks Claude. The request is written in the chat form that all providers take; llmq
// translates it. With ANTHROPIC_API_KEY it asks Anthropic, without it a provider that is made up.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"llmq"
)

func main() {
	provider := "anthropic"
	if os.Getenv("ANTHROPIC_API_KEY") == "" {
		provider = "mock"
	}
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{{Name: "claude-haiku-4-5", Provider: provider}}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	response, err := manager.Do(context.Background(), llmq.Request{
		Model:   "claude-haiku-4-5",
		Payload: []byte(`{"messages": [{"role": "user", "content": "Name a lake."}], "max_tokens": 50}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n%d + %d tokens\n", response.Data, response.Usage.InputTokens,
		response.Usage.OutputTokens)
}
