// Program openai streams a chat of OpenAI's form. With OPENAI_API_KEY it asks OpenAI, without it a
// provider that is made up.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"llmq"
)

func main() {
	provider := "openai"
	if os.Getenv("OPENAI_API_KEY") == "" {
		provider = "mock"
	}
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{{Name: "gpt-4o-mini", Provider: provider}}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	stream, err := manager.Stream(context.Background(), llmq.Request{
		Model: "gpt-4o-mini",
		Payload: []byte(`{"messages": [{"role": "user", "content": "Name three rivers."}],
			"max_tokens": 30, "stream": true}`),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer stream.Close()
	for stream.Next() {
		var event struct {
			Choices []struct {
				Delta struct{ Content string }
			}
		}
		if json.Unmarshal(stream.Chunk().Data, &event) == nil && len(event.Choices) > 0 {
			fmt.Print(event.Choices[0].Delta.Content)
		}
	}
	if err := stream.Err(); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("\nfirst output after %v\n", stream.Response().FirstOutput)
}
