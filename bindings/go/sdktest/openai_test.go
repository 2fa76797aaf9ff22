// Package sdktest has OpenAI's own Go SDK make its calls through an llmq.Transport, against the mock
// provider that llmq serves.
package sdktest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/openai/openai-go"
	"github.com/openai/openai-go/option"

	"llmq"
)

// serve starts `llmq mock` and tells its URL.
func serve(t *testing.T, arguments ...string) string {
	t.Helper()
	program := os.Getenv("LLMQ_PROGRAM")
	if program == "" {
		t.Fatal("LLMQ_PROGRAM does not name the program llmq")
	}
	command := exec.Command(program, append([]string{"mock"}, arguments...)...)
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	for lines := bufio.NewScanner(output); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "listening on "); ok {
			return url
		}
	}
	t.Fatal("the mock provider does not say where it listens")
	return ""
}

type mockStats struct {
	Requests     int            `json:"requests"`
	Accepted     int            `json:"accepted"`
	Refused      int            `json:"refused"`
	Statuses     map[string]int `json:"statuses"`
	EarlyRetries int            `json:"early_retries"`
	Concurrency  int            `json:"max_concurrency"`
}

func stats(t *testing.T, url string) (found mockStats) {
	t.Helper()
	answer, err := http.Get(strings.TrimSuffix(url, "/v1") + "/stats")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&found); err != nil {
		t.Fatal(err)
	}
	return found
}

func takeOver(t *testing.T, url string, model llmq.Model, others ...llmq.Model) (*llmq.Manager, openai.Client) {
	t.Helper()
	model.Name = "gpt-4o-mini"
	manager, err := llmq.Open(llmq.Config{Models: append(others, model)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { manager.Close() })
	return manager, openai.NewClient(option.WithBaseURL(url), option.WithAPIKey("none"),
		option.WithHTTPClient(&http.Client{Transport: &llmq.Transport{Manager: manager, Retries: 20}}))
}

func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func question() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:     "gpt-4o-mini",
		MaxTokens: openai.Int(20),
		Messages:  []openai.ChatCompletionMessageParamUnion{openai.UserMessage("Name a river.")},
	}
}

func askMany(t *testing.T, client openai.Client, count int) (tokens int64) {
	t.Helper()
	var group sync.WaitGroup
	var mu sync.Mutex
	for i := 0; i < count; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			answer, err := client.Chat.Completions.New(within(t), question())
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			tokens += answer.Usage.CompletionTokens
		}()
	}
	group.Wait()
	return tokens
}

// The times of permits are the library's own: calls come to the provider later than that, some more than
// others where the machine is busy, and a limit there would see them closer together than they were let go.
func TestCallsKeepTheLimitsAndTellTheirUsage(t *testing.T) {
	url := serve(t, "--limit", "concurrency=3", "--latency", "100ms")
	manager, client := takeOver(t, url, llmq.Model{
		Limits: []llmq.Limit{{Requests: 5, Per: time.Second}, {Concurrency: 3}}})
	const calls = 12
	permits := make(chan time.Time, 2*calls)
	err := manager.SetHook(llmq.HookAttemptStarted, func(event llmq.HookEvent) { permits <- event.Time })
	if err != nil {
		t.Fatal(err)
	}
	tokens := askMany(t, client, calls)
	if seen := stats(t, url); seen.Refused != 0 || seen.Accepted != calls || seen.Concurrency > 3 {
		t.Errorf("%+v", seen)
	}
	if ours, err := settled(manager); err != nil || ours.OutputTokens != uint64(tokens) || ours.Completed != calls ||
		ours.Attempts != calls {
		t.Errorf("%+v %v, the SDK was told of %d output tokens", ours, err, tokens)
	}
	var given []time.Time
	for ctx := within(t); len(given) < calls; {
		select {
		case at := <-permits:
			given = append(given, at)
		case <-ctx.Done():
			t.Fatalf("the hook has told of %d permits", len(given))
		}
	}
	for i := 5; i < calls; i++ {
		if apart := given[i].Sub(given[i-5]); apart < time.Second {
			t.Errorf("permit %d came %v after permit %d", i+1, apart, i-4)
		}
	}
}

func TestRefusalsAreTriedAgainWhenTheyMayBeAndNotByTheSDK(t *testing.T) {
	url := serve(t, "--fail-rate-limited", "0.3", "--retry-after", "50ms", "--seed", "7")
	// One at a time: calls that have their permit when a refusal comes are not held back any more.
	manager, client := takeOver(t, url, llmq.Model{Limits: []llmq.Limit{{Concurrency: 1}}})
	askMany(t, client, 20)
	seen := stats(t, url)
	if seen.Statuses["429"] == 0 || seen.EarlyRetries != 0 {
		t.Errorf("%+v", seen)
	}
	if ours, err := settled(manager); err != nil || ours.Attempts != uint64(seen.Requests) ||
		ours.RateLimited != uint64(seen.Statuses["429"]) {
		t.Errorf("%+v %v, the provider has seen %+v", ours, err, seen)
	}
}

func TestACallThatFallsBackNamesTheModelOfItsPermit(t *testing.T) {
	url := serve(t)
	_, client := takeOver(t, url, llmq.Model{
		Limits: []llmq.Limit{{Requests: 1, Per: time.Hour}},
		Extra:  map[string]any{"fallback": map[string]any{"models": []string{"second"}, "after_ms": 1}}},
		llmq.Model{Name: "second"})
	for _, model := range []string{"gpt-4o-mini", "second"} {
		answer, err := client.Chat.Completions.New(within(t), question())
		if err != nil || answer.Model != model {
			t.Fatalf("%+v %v, not of %s", answer, err, model)
		}
	}
}

func TestWhatKeepsFailingIsTheSDKsOwnErrorOnce(t *testing.T) {
	url := serve(t, "--fail-server", "1")
	manager, _ := takeOver(t, url, llmq.Model{})
	client := openai.NewClient(option.WithBaseURL(url), option.WithAPIKey("none"),
		option.WithHTTPClient(&http.Client{Transport: &llmq.Transport{Manager: manager, Retries: -1}}))
	_, err := client.Chat.Completions.New(within(t), question())
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != 500 {
		t.Fatal(err)
	}
	if seen := stats(t, url); seen.Requests != 1 {
		t.Errorf("%+v", seen)
	}
	if ours, err := settled(manager); err != nil || ours.Failed != 1 {
		t.Errorf("%+v %v", ours, err)
	}
}

// roundTrips counts what the SDK asks of its transport.
type roundTrips struct {
	llmq.Transport
	count atomic.Int32
}

func (r *roundTrips) RoundTrip(request *http.Request) (*http.Response, error) {
	r.count.Add(1)
	return r.Transport.RoundTrip(request)
}

// forms gives the error of a call, in both forms that it has.
func forms(t *testing.T, client openai.Client, model string) map[string]error {
	asked := question()
	asked.Model = model
	ctx := llmq.WithRequest(within(t), func(r *llmq.Request) { r.EstInputTokens = 1000 })
	_, whole := client.Chat.Completions.New(ctx, asked)
	stream := client.Chat.Completions.NewStreaming(ctx, asked)
	for stream.Next() {
		t.Error("a piece came")
	}
	return map[string]error{"whole": whole, "streamed": stream.Err()}
}

func TestACallWithoutAnAnswerIsTriedAgainByLlmqAlone(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	manager, _ := takeOver(t, "", llmq.Model{})
	var connects atomic.Int32
	transport := &roundTrips{Transport: llmq.Transport{Manager: manager, Base: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connects.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}}}}
	client := openai.NewClient(option.WithBaseURL("http://"+listener.Addr().String()+"/v1"), option.WithAPIKey("none"),
		option.WithHTTPClient(&http.Client{Transport: transport}))
	for form, err := range forms(t, client, "gpt-4o-mini") {
		var of *url.Error
		if !errors.Is(err, syscall.ECONNREFUSED) || !errors.As(err, &of) {
			t.Errorf("%s: %v", form, err)
		}
	}
	if connects.Load() != 2*3 || transport.count.Load() != 2 {
		t.Errorf("%d connects in %d round trips, expected 3 in each of 2", connects.Load(), transport.count.Load())
	}
}

func TestWhatLlmqRefusesIsAskedOnceAndTheSDKReturnsItsError(t *testing.T) {
	manager, _ := takeOver(t, "", llmq.Model{Limits: []llmq.Limit{{Tokens: 100, Per: time.Minute}}})
	closed, _ := takeOver(t, "", llmq.Model{})
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		manager *llmq.Manager
		model   string
		expects llmq.Status
	}{
		{manager, "nobody", llmq.ErrUnknownModel},
		{manager, "gpt-4o-mini", llmq.ErrOversize},
		{closed, "gpt-4o-mini", llmq.ErrClosed},
	} {
		transport := &roundTrips{Transport: llmq.Transport{Manager: c.manager}}
		client := openai.NewClient(option.WithBaseURL("http://127.0.0.1:1/v1"), option.WithAPIKey("none"),
			option.WithHTTPClient(&http.Client{Transport: transport}))
		for form, err := range forms(t, client, c.model) {
			var e *llmq.Error
			if !errors.Is(err, c.expects) || !errors.As(err, &e) || e.Message == "" && c.expects != llmq.ErrClosed {
				t.Errorf("%s: %v, expected %v", form, err, c.expects)
			}
		}
		if count := transport.count.Load(); count != 2 {
			t.Errorf("%v: asked %d times in 2 calls", c.expects, count)
		}
	}
}

func TestModelsOfTheSharedManagerAreMadeAsTheyAreCalled(t *testing.T) {
	manager, err := llmq.Shared(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	client := openai.NewClient(option.WithBaseURL(serve(t)), option.WithAPIKey("none"),
		option.WithHTTPClient(&http.Client{Transport: &llmq.Transport{}}))
	tokens := askMany(t, client, 3)
	if ours, err := settled(manager); err != nil || tokens == 0 || ours.OutputTokens != uint64(tokens) {
		t.Errorf("%+v %v, the SDK was told of %d output tokens", ours, err, tokens)
	}
	if names, err := manager.Models(); err != nil || !slices.Equal(names, []string{"gpt-4o-mini"}) {
		t.Error(names, err)
	}
}

// The stream stalls after some text; what ends its permit is that the caller leaves, in either way.
func TestAStreamThatIsLeftGivesItsPermitBack(t *testing.T) {
	url := serve(t, "--fail-stream-stall", "1")
	manager, client := takeOver(t, url, llmq.Model{Limits: []llmq.Limit{{Concurrency: 1}}})
	for _, leave := range []func(cancel func(), stop func() error){
		func(cancel func(), _ func() error) { cancel() },
		func(_ func(), stop func() error) { stop() },
	} {
		ctx, cancel := context.WithCancel(within(t))
		defer cancel()
		stream := client.Chat.Completions.NewStreaming(ctx, question())
		if !stream.Next() {
			t.Fatal(stream.Err())
		}
		leave(cancel, stream.Close)
		permit, err := manager.Acquire(within(t), llmq.Request{Model: "gpt-4o-mini"})
		if err != nil {
			t.Fatal(err)
		}
		if err := permit.Release(nil); err != nil {
			t.Error(err)
		}
	}
}

func TestStreamsTellTheirUsageAtTheirEnd(t *testing.T) {
	url := serve(t)
	manager, client := takeOver(t, url, llmq.Model{})
	asked := question()
	asked.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	stream := client.Chat.Completions.NewStreaming(within(t), asked)
	var tokens int64
	for stream.Next() {
		tokens = max(tokens, stream.Current().Usage.CompletionTokens)
	}
	if err := stream.Err(); err != nil {
		t.Fatal(err)
	}
	stream.Close()
	if ours, err := settled(manager); err != nil || tokens == 0 || ours.OutputTokens != uint64(tokens) {
		t.Errorf("%+v %v, the SDK was told of %d output tokens", ours, err, tokens)
	}
}

func TestACancelledCallGivesItsPermitBack(t *testing.T) {
	url := serve(t, "--fail-hang", "1")
	manager, client := takeOver(t, url, llmq.Model{Limits: []llmq.Limit{{Concurrency: 1}}})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := client.Chat.Completions.New(ctx, question()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	permit, err := manager.Acquire(within(t), llmq.Request{Model: "gpt-4o-mini"})
	if err != nil {
		t.Fatal(err)
	}
	if err := permit.Release(nil); err != nil {
		t.Error(err)
	}
}

// settled are the counters when nothing runs any more: they follow what was reported.
func settled(manager *llmq.Manager) (stats llmq.Stats, err error) {
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if stats, err = manager.Stats(""); err != nil || stats.Pending+stats.Processing == 0 {
			break
		}
	}
	return stats, err
}
