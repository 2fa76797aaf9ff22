// Program typed calls a function of this program as a model: Go values in, Go values out, under limits.
package main

import (
	"context"
	"fmt"
	"log"
	"strings"

	"llmq"
)

// Text is what is to be looked at.
type Text struct {
	Text string `json:"text"`
}

// Count is what was found.
type Count struct {
	Words int `json:"words"`
}

func main() {
	manager, err := llmq.Open(llmq.Config{Models: []llmq.Model{
		{Name: "words", Limits: []llmq.Limit{{Concurrency: 2}}}}})
	if err != nil {
		log.Fatal(err)
	}
	defer manager.Close()
	err = llmq.HandleJSON(manager, "words",
		func(_ context.Context, t Text) (Count, *llmq.Usage, error) {
			return Count{len(strings.Fields(t.Text))}, nil, nil
		})
	if err != nil {
		log.Fatal(err)
	}
	count, _, err := llmq.Call[Text, Count](context.Background(), manager, "words", Text{"a b c"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(count.Words, "words")
}
