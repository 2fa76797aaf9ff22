package llmq

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand"
	"net/http"
	"strings"
	"time"
)

// Transport is an http.RoundTripper that takes over the calls of an SDK: each waits for a permit, and
// what its answer tells of usage and limits is reported. What fails for a while is tried again here,
// each time with a permit of its own, and the SDK is told not to.
//
//	client := openai.NewClient(option.WithHTTPClient(&http.Client{
//		Transport: &llmq.Transport{Manager: manager}}))
//
// The model is the "model" of the JSON body; requests without one go straight through. Where it falls
// back (fallback.models), the body names the model that the permit is for; address and key stay the
// client's. The request's context governs all of it.
type Transport struct {
	// Manager gives the permits. Its models need no provider.
	Manager *Manager
	// Base makes the calls; nil = http.DefaultTransport.
	Base http.RoundTripper
	// Provider is whose answers these are, as in the setting of that name; "" = openai. It decides how
	// errors are read.
	Provider string
	// Retries is how often a failed call is tried again; 0 = 2, negative = never.
	Retries int
}

type requestKey struct{}

// WithRequest lets calls with the returned context ask for permits with more than model and payload:
// a tenant, a priority. It is for [Transport].
func WithRequest(ctx context.Context, set func(*Request)) context.Context {
	return context.WithValue(ctx, requestKey{}, set)
}

// RoundTrip makes one call, and those that are tried again.
func (t *Transport) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := readBody(request)
	if err != nil {
		return nil, err
	}
	model := modelOf(body)
	if model == "" {
		return t.base().RoundTrip(withBody(request, body))
	}
	asked := Request{Model: model, Payload: body, Operation: operationOf(request.URL.Path)}
	if set, ok := request.Context().Value(requestKey{}).(func(*Request)); ok {
		set(&asked)
	}
	retries := max(0, t.Retries)
	if t.Retries == 0 {
		retries = 2
	}
	for try := 0; ; try++ {
		response, again, err := t.once(request, body, asked)
		if again < 0 || try >= retries {
			return response, err
		}
		if response != nil {
			response.Body.Close()
		}
		if err := t.pause(request.Context(), max(again, backoff(try))); err != nil {
			return nil, err
		}
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// once makes the call with a permit. The duration is when it may be tried again; negative = never.
func (t *Transport) once(request *http.Request, body []byte, asked Request) (*http.Response, time.Duration, error) {
	ctx := request.Context()
	permit, err := t.Manager.Acquire(ctx, asked)
	if err != nil {
		return nil, -1, err
	}
	if permit.Model != asked.Model {
		if body, err = naming(permit.Model, body); err != nil {
			permit.Release(&Usage{})
			return nil, -1, err
		}
	}
	response, err := t.base().RoundTrip(withBody(request, body))
	if err != nil {
		if ctx.Err() != nil {
			permit.Fail(contextError(ctx, ctx.Err()))
			return nil, -1, err
		}
		permit.Fail(&Error{Status: ErrTransport, Message: err.Error()})
		return nil, 0, err
	}
	permit.ReportLimits(response.Header)
	if response.StatusCode < 300 {
		response.Body = &meter{body: response.Body, permit: permit, transport: t, response: response,
			beat: time.Now()}
		return response, -1, nil
	}
	said, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	response.Body.Close()
	if err != nil {
		permit.Fail(&Error{Status: ErrTransport, Message: err.Error()})
		return nil, 0, err
	}
	response.Body = io.NopCloser(bytes.NewReader(said))
	found := t.explain(response, said)
	response.Header.Set("X-Should-Retry", "false") // SDKs of OpenAI's and Anthropic's making heed it
	permit.Fail(found.failure(response.StatusCode))
	if !found.Retryable {
		return response, -1, nil
	}
	return response, found.retryAfter(), nil
}

// explained is what the library reads from an answer.
type explained struct {
	Retryable    bool
	RetryAfterMS *float64 `json:"retry_after_ms"`
	Status       string   // by name
	Message      string
	Usage        *struct {
		InputTokens       int64 `json:"input_tokens"`
		OutputTokens      int64 `json:"output_tokens"`
		CachedInputTokens int64 `json:"cached_input_tokens"`
	}
}

func (t *Transport) explain(response *http.Response, body []byte) (found explained) {
	headers := map[string]string{}
	for name, values := range response.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	record, err := json.Marshal(map[string]any{"status": response.StatusCode, "headers": headers,
		"body": string(body)})
	if err != nil {
		return found
	}
	provider := t.Provider
	if provider == "" {
		provider = "openai"
	}
	if text, err := Explain(provider, record); err == nil {
		json.Unmarshal(text, &found)
	}
	return found
}

func (e *explained) retryAfter() time.Duration {
	if e.RetryAfterMS == nil {
		return 0
	}
	return time.Duration(*e.RetryAfterMS * float64(time.Millisecond))
}

// failure is what the permit is told.
func (e *explained) failure(code int) error {
	for status := ErrInvalidArg; status > ErrUnknown; status-- {
		if status.Name() == e.Status {
			return &Error{Status: status, Message: e.Message, RetryAfter: e.retryAfter()}
		}
	}
	return &Error{Status: ErrUnknown, Message: http.StatusText(code)}
}

// Longer answers are passed on whole, and their usage is not read.
const largestAnswer = 16 << 20

// A meter passes an answer on, and ends the permit with its usage at its end.
type meter struct {
	body      io.ReadCloser
	permit    *Permit
	transport *Transport
	response  *http.Response
	read      bytes.Buffer
	beat      time.Time
	over      bool
}

func (m *meter) Read(into []byte) (int, error) {
	n, err := m.body.Read(into)
	if m.read.Len() <= largestAnswer {
		m.read.Write(into[:n])
	}
	if now := time.Now(); err == nil && now.Sub(m.beat) > time.Second {
		m.beat = now
		m.permit.Heartbeat() // an error: the answer is still of use
	}
	if err == io.EOF {
		m.end()
	} else if err != nil && !m.over {
		m.over = true
		m.permit.Fail(&Error{Status: ErrTransport, Message: err.Error()})
	}
	return n, err
}

// Close is also how a caller gives up an answer: what was said until then is all that is known.
func (m *meter) Close() error {
	m.end()
	return m.body.Close()
}

func (m *meter) end() {
	if m.over {
		return
	}
	m.over = true
	var usage *Usage
	if m.read.Len() <= largestAnswer {
		if found := m.transport.explain(m.response, m.read.Bytes()); found.Usage != nil {
			usage = &Usage{InputTokens: found.Usage.InputTokens, OutputTokens: found.Usage.OutputTokens,
				CachedInputTokens: found.Usage.CachedInputTokens}
		}
	}
	m.permit.Release(usage) // an error: the permit was lost, its charge stays
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
	again.Body = io.NopCloser(bytes.NewReader(body))
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

func operationOf(path string) Operation {
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

// backoff is half to all of 0.5 s, 1 s, 2 s, and so on, up to 30 s.
func backoff(try int) time.Duration {
	most := min(500*time.Millisecond<<min(try, 10), 30*time.Second)
	return most/2 + time.Duration(rand.Int63n(int64(most/2)))
}

// pause waits before the next try. A manager that is shut down gives no permit for it.
func (t *Transport) pause(ctx context.Context, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-t.Manager.leaving:
		return &Error{Status: ErrClosed}
	case <-ctx.Done():
		return contextError(ctx, ctx.Err())
	}
}
