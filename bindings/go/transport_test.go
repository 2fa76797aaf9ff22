package llmq_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"llmq"
)

func TestTheTransportPassesOnWhatHasNoModelAndNamesUnknownOnes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(r.Method))
	}))
	defer server.Close()
	client := &http.Client{Transport: &llmq.Transport{Manager: oneAtATime(t)}}
	answer, err := client.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	_, err = client.Post(server.URL, "application/json", strings.NewReader(`{"model": "nobody"}`))
	if !errors.Is(err, llmq.ErrUnknownModel) {
		t.Error(err)
	}
}

func TestTheEndOfAManagerEndsThePauseBetweenTries(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	failed := make(chan struct{}, 1)
	if err := m.SetHook(llmq.HookCompleted, func(llmq.HookEvent) { failed <- struct{}{} }); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		client := &http.Client{Transport: &llmq.Transport{Manager: m}}
		_, err := client.Post(server.URL+"/v1/chat/completions", "application/json",
			strings.NewReader(`{"model": "m", "messages": []}`))
		ended <- err
	}()
	select {
	case <-failed:
	case <-within(t).Done():
		t.Fatal("the first call has not failed")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if !errors.Is(err, llmq.ErrClosed) {
			t.Error(err)
		}
	case <-within(t).Done():
		t.Fatal("the pause goes on")
	}
}

func TestTheTransportTellsTenantAndTeachesLimits(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("x-ratelimit-limit-requests", "77")
		w.Header().Set("x-ratelimit-remaining-requests", "76")
		w.Header().Set("x-ratelimit-reset-requests", "1s")
		w.Write([]byte(`{"usage": {"prompt_tokens": 5, "completion_tokens": 6}}`))
	}))
	defer server.Close()
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Extra: map[string]any{"find_limits": true}}}})
	client := &http.Client{Transport: &llmq.Transport{Manager: m}}
	tenant := ""
	ctx := llmq.WithRequest(within(t), func(r *llmq.Request) {
		r.Tenant = "somebody"
		tenant = r.Tenant + " of " + r.Model
	})
	call, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/v1/chat/completions",
		strings.NewReader(`{"model": "m", "messages": []}`))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := client.Do(call)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close() // not read: no usage is known
	if tenant != "somebody of m" {
		t.Error(tenant)
	}
	if info, err := m.Info("m"); err != nil || !strings.Contains(string(info), "77") {
		t.Error(string(info), err)
	}
}

// post makes a call of a model, with a body that says so.
func post(t *testing.T, transport *llmq.Transport, url, model string) (*http.Response, error) {
	t.Helper()
	call, err := http.NewRequestWithContext(within(t), "POST", url,
		strings.NewReader(fmt.Sprintf(`{"model": %q, "messages": []}`, model)))
	if err != nil {
		t.Fatal(err)
	}
	return (&http.Client{Transport: transport}).Do(call)
}

// answering is a provider with one answer, in headers of either form.
func answering(t *testing.T, text string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, form := range []string{"x-ratelimit-%s-tokens", "anthropic-ratelimit-tokens-%s"} {
			w.Header().Set(fmt.Sprintf(form, "limit"), "70000")
			w.Header().Set(fmt.Sprintf(form, "remaining"), "69000")
		}
		io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return server
}

// statsAfter is what the counters of a manager say when so many requests have ended.
func statsAfter(t *testing.T, m *llmq.Manager, ended uint64) llmq.Stats {
	t.Helper()
	for ctx := within(t); ; time.Sleep(time.Millisecond) {
		stats, err := m.Stats("")
		if err != nil || ctx.Err() != nil {
			t.Fatalf("%+v %v", stats, err)
		}
		if stats.Completed+stats.Failed+stats.Cancelled+stats.Expired == ended {
			return stats
		}
	}
}

func TestAnswersAreReadInTheFormOfTheirAddress(t *testing.T) {
	const openAI = `{"usage": {"prompt_tokens": 5, "completion_tokens": 6}}`
	const anthropic = `{"type": "message", "usage": {"input_tokens": 7, "output_tokens": 8}}`
	for _, c := range []struct {
		path, says, charge string
		input, output      uint64
	}{
		{"/v1/chat/completions", openAI, "arrival", 5, 6},
		{"/v1/messages", anthropic, "realtime", 7, 8},
		{"/v1/messages/", anthropic, "realtime", 7, 8},
		{"/openai/deployments/mine/chat/completions?api-version=1", openAI, "arrival", 5, 6},
	} {
		m := shared(t, nil)
		answer, err := post(t, &llmq.Transport{}, answering(t, c.says).URL+c.path, "made as called")
		if err != nil {
			t.Fatal(c.path, err)
		}
		if _, err := io.ReadAll(answer.Body); err != nil {
			t.Error(c.path, err)
		}
		answer.Body.Close()
		if stats := statsAfter(t, m, 1); stats.InputTokens != c.input || stats.OutputTokens != c.output {
			t.Errorf("%s: %+v", c.path, stats)
		}
		if info, err := m.Info("made as called"); err != nil || !strings.Contains(string(info), `"charge":"`+c.charge) {
			t.Errorf("%s: %s %v", c.path, info, err)
		}
		m.Close()
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (r roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return r(request) }

func reply(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// turnedAway is where nobody listens, and how often it was tried.
func turnedAway(t *testing.T) (string, http.RoundTripper, *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	var connects atomic.Int32
	return "http://" + listener.Addr().String() + "/v1/chat/completions", &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			connects.Add(1)
			return new(net.Dialer).DialContext(ctx, network, address)
		}}, &connects
}

func TestACallThatNobodyAnswersIsMadeThreeTimes(t *testing.T) {
	m := oneAtATime(t)
	url, base, connects := turnedAway(t)
	if _, err := post(t, &llmq.Transport{Manager: m, Base: base}, url, "m"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error(err)
	}
	if count := connects.Load(); count != 3 {
		t.Errorf("%d connects", count)
	}
	if stats := statsAfter(t, m, 3); stats.Failed != 3 {
		t.Errorf("%+v", stats)
	}
}

// cut is a body that breaks off with an error.
type cut struct {
	said io.Reader
	err  func() error
}

func (c cut) Read(into []byte) (int, error) {
	n, err := c.said.Read(into)
	if err == io.EOF {
		err = c.err()
	}
	return n, err
}

func (c cut) Close() error { return nil }

func TestARefusalThatIsCutIsTriedAgainAndTold(t *testing.T) {
	m := oneAtATime(t)
	statuses := make(chan llmq.Status, 10)
	err := m.SetHook(llmq.HookCompleted, func(event llmq.HookEvent) { statuses <- event.Status })
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	base := roundTrip(func(*http.Request) (*http.Response, error) {
		if calls++; calls == 1 {
			refused := reply(500, "")
			refused.Body = cut{strings.NewReader(`{"err`), func() error { return io.ErrUnexpectedEOF }}
			return refused, nil
		}
		return reply(200, "{}"), nil
	})
	response, err := post(t, &llmq.Transport{Manager: m, Base: base}, "http://nowhere/", "m")
	if err != nil || response.StatusCode != 200 || calls != 2 {
		t.Fatal(response, err, calls)
	}
	response.Body.Close()
	for _, expected := range []llmq.Status{llmq.ErrTransport, llmq.StatusOK} {
		if status := <-statuses; status != expected {
			t.Errorf("%v, expected %v", status, expected)
		}
	}
}

// A permit ends with the context of its call, wherever the call is.
func TestAContextThatEndsInABodyEndsThePermit(t *testing.T) {
	for name, c := range map[string]struct {
		status  int
		read    bool
		says    string
		expects llmq.Status
	}{
		"a refusal":               {500, false, `{"err`, llmq.ErrCancelled},
		"an answer":               {200, true, `{"choi`, llmq.ErrCancelled},
		"an answer nobody reads":  {200, false, `{"choi`, llmq.ErrCancelled},
		"a stream read to an end": {200, true, "data: {\"object\": \"chat.completion.chunk\", \"choices\": [], \"usage\": {\"prompt_tokens\": 5, \"completion_tokens\": 6}}\n\ndata: [DONE]\n\n", llmq.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			m := oneAtATime(t)
			ended := make(chan llmq.HookEvent, 1)
			err := m.SetHook(llmq.HookCompleted, func(event llmq.HookEvent) { ended <- event })
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(within(t))
			defer cancel()
			base := roundTrip(func(*http.Request) (*http.Response, error) {
				said := reply(c.status, "")
				said.Header.Set("Content-Type", "text/event-stream")
				said.Body = cut{strings.NewReader(c.says), func() error {
					cancel()
					<-ctx.Done()
					return ctx.Err()
				}}
				return said, nil
			})
			call, err := http.NewRequestWithContext(ctx, "POST", "http://nowhere/v1/chat/completions",
				strings.NewReader(`{"model": "m"}`))
			if err != nil {
				t.Fatal(err)
			}
			response, err := (&llmq.Transport{Manager: m, Base: base}).RoundTrip(call)
			if c.status == 500 {
				if !errors.Is(err, context.Canceled) {
					t.Error(response, err)
				}
			} else if err != nil {
				t.Fatal(err)
			} else if c.read {
				io.CopyN(io.Discard, response.Body, int64(len(c.says)))
			}
			cancel()
			if event := <-ended; event.Status != c.expects {
				t.Errorf("%v, expected %v", event.Status, c.expects)
			}
		})
	}
}

func TestABodyThatNobodyReadsOrClosesLosesItsPermitWithItsLease(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", Timeout: 20 * time.Millisecond,
		Limits: []llmq.Limit{{Concurrency: 1}}}}})
	base := roundTrip(func(*http.Request) (*http.Response, error) { return reply(200, "{}"), nil })
	transport := &llmq.Transport{Manager: m, Base: base}
	call := func() *http.Response {
		request, err := http.NewRequest("POST", "http://nowhere/", strings.NewReader(`{"model": "m"}`))
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
	left := call()
	call().Body.Close() // with the one place that there is
	if text, err := io.ReadAll(left.Body); err != nil || string(text) != "{}" {
		t.Errorf("%q %v", text, err)
	}
}

func TestABodyThatIsSentAgainIsThatOfThePermitsModel(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "second"}, {Name: "m",
		Limits: []llmq.Limit{{Requests: 1, Per: time.Hour}},
		Extra:  map[string]any{"fallback": map[string]any{"models": []string{"second"}, "after_ms": 1}}}}})
	for _, model := range []string{"m", "second"} {
		base := roundTrip(func(request *http.Request) (*http.Response, error) {
			again, err := request.GetBody() // as for a connection that the server has closed meanwhile
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(again)
			if err != nil || !strings.Contains(string(text), `"`+model+`"`) || int64(len(text)) != request.ContentLength {
				t.Errorf("%q of %d bytes, not for %s", text, request.ContentLength, model)
			}
			return reply(200, "{}"), nil
		})
		response, err := post(t, &llmq.Transport{Manager: m, Base: base}, "http://nowhere/", "m")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
	}
}
