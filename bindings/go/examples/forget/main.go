// Program forget hands over requests and does not wait for them; a shutdown does.
package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"llmq"
)

func main() {
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{{Name: "m", Provider: "mock"}}})
	if err != nil {
		log.Fatal(err)
	}
	for i := 0; i < 20; i++ {
		_, err := manager.Submit(context.Background(), llmq.Request{Model: "m",
			Payload: []byte(`{"messages": [{"role": "user", "content": "Hello."}]}`)})
		if err != nil {
			log.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := manager.Shutdown(ctx, llmq.ShutdownDrain); err != nil {
		log.Fatal(err)
	}
	stats, err := manager.Stats("")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stats.Completed, "of", stats.Submitted, "completed")
}
