package llmq

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// A call is what a request of an SDK asks for.
type call struct {
	request  *http.Request
	model    string
	body     []byte
	provider string // how its answers are read
}

// asked is the permit that it needs.
func (c *call) asked() Request {
	asked := Request{Model: c.model, Payload: c.body, Operation: operationOf(c.request.URL)}
	if set, ok := c.request.Context().Value(requestKey{}).(func(*Request)); ok {
		set(&asked)
	}
	return asked
}

// learns is a model that nobody has configured: its limits are found in the answers.
func (c *call) learns(name string) Model {
	charge := "arrival"
	if c.provider == "anthropic" {
		charge = "realtime"
	}
	return Model{Name: name, Extra: map[string]any{"find_limits": true, "shape": "auto", "charge": charge}}
}

// directed is the request as it goes to the model of its permit.
func (c *call) directed(model string) (*http.Request, error) {
	if model == c.model {
		return withBody(c.request, c.body), nil
	}
	body, err := naming(model, c.body)
	if err != nil {
		return nil, err
	}
	return withBody(c.request, body), nil
}

func readBody(request *http.Request) ([]byte, error) {
	if request.Body == nil {
		return nil, nil
	}
	defer request.Body.Close()
	return io.ReadAll(request.Body)
}

// withBody is the request with a body that was read: a round tripper must not change the original.
func withBody(request *http.Request, body []byte) *http.Request {
	if body == nil {
		return request
	}
	again := request.Clone(request.Context())
	again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	again.Body, _ = again.GetBody()
	again.ContentLength = int64(len(body))
	return again
}

func modelOf(body []byte) string {
	var named struct{ Model string }
	if len(body) == 0 || json.Unmarshal(body, &named) != nil {
		return ""
	}
	return named.Model
}

// naming is the body as it goes to another model.
func naming(model string, body []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	name, err := json.Marshal(model)
	if err != nil {
		return nil, err
	}
	fields["model"] = name
	return json.Marshal(fields)
}

func operationOf(address *url.URL) Operation {
	path := strings.TrimSuffix(address.Path, "/")
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		return OpChat
	case strings.HasSuffix(path, "/embeddings"):
		return OpEmbeddings
	case strings.HasSuffix(path, "/messages"):
		return OpMessages
	case strings.HasSuffix(path, "/responses"):
		return OpResponses
	default:
		return OpCustom
	}
}

// providerAt is whose form of answers is to be expected at an address.
func providerAt(address *url.URL) string {
	switch {
	case operationOf(address) == OpMessages:
		return "anthropic"
	case strings.HasSuffix(address.Hostname(), ".azure.com"),
		strings.Contains(address.Path, "/openai/deployments/"):
		return "azure"
	default:
		return "openai"
	}
}
