package llmq_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"llmq"
)

// keyed is a provider that answers with the key that it was given.
func keyed(t *testing.T) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"key": %q}`, r.Header.Get("Authorization"))
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestAFunctionGivesTheKeyOfEachAttempt(t *testing.T) {
	url := keyed(t)
	model := func(name string, deployments ...string) llmq.Model {
		m := llmq.Model{Name: name, Provider: "openai", BaseURL: url}
		for _, deployment := range deployments {
			m.Deployments = append(m.Deployments, map[string]any{"name": deployment})
		}
		return m
	}
	var round atomic.Int64
	m := open(t, llmq.Config{Models: []llmq.Model{model("m"), model("places", "east")}},
		llmq.WithKeys(func(model, deployment string) string {
			return fmt.Sprintf("%d/%s/%s", round.Add(1), model, deployment)
		}))
	if err := m.RegisterModels(llmq.Config{Models: []llmq.Model{model("later")}}); err != nil {
		t.Fatal(err)
	}
	for _, expected := range []string{"1/m/", "2/m/", "3/places/east", "4/later/"} {
		r := request()
		r.Model = strings.Split(expected, "/")[1]
		response, err := m.Do(within(t), r)
		if err != nil {
			t.Fatal(expected, err)
		}
		if !strings.Contains(string(response.Data), fmt.Sprintf("%q", "Bearer "+expected)) {
			t.Errorf("%s, expected %s", response.Data, expected)
		}
	}
}

func TestWithoutAKeyTheRequestFailsAndAPanicIsLogged(t *testing.T) {
	var lines bytes.Buffer
	var asked atomic.Int64
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Provider: "openai", BaseURL: keyed(t)}}},
		llmq.WithLogger(slog.New(slog.NewTextHandler(&lines, nil)), llmq.LogOff),
		llmq.WithKeys(func(_, deployment string) string {
			switch asked.Add(1) {
			case 1:
				panic("no vault")
			case 2:
				return strings.Repeat("longer than a key may be", 100_000)
			default:
				return ""
			}
		}))
	for i := 0; i < 3; i++ {
		if _, err := m.Do(within(t), request()); !errors.Is(err, llmq.ErrAuth) {
			t.Error(i, err)
		}
	}
	if text := lines.String(); strings.Count(text, "has panicked") != 1 || !strings.Contains(text, "no vault") {
		t.Error(text)
	}
}
