package llmq

import (
	"net/url"
	"testing"
)

func TestTheFormOfAnswersIsToldByTheAddress(t *testing.T) {
	for address, expected := range map[string]string{
		"https://api.openai.com/v1/chat/completions":                           "openai",
		"https://api.openai.com/v1/responses":                                  "openai",
		"http://127.0.0.1:8000/v1/embeddings":                                  "openai",
		"https://azure.com.example.org/v1/chat/completions":                    "openai",
		"https://api.anthropic.com/v1/messages":                                "anthropic",
		"https://gateway.example.org/anthropic/v1/messages/":                   "anthropic",
		"https://mine.services.ai.azure.com/anthropic/v1/messages":             "anthropic",
		"https://mine.openai.azure.com:443/openai/v1/chat/completions":         "azure",
		"https://gateway.example.org/openai/deployments/mine/chat/completions": "azure",
	} {
		at, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if provider := providerAt(at); provider != expected {
			t.Errorf("%s: %s, expected %s", address, provider, expected)
		}
	}
}
