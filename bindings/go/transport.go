package llmq

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Transport is an http.RoundTripper that takes over the calls of an SDK: each waits for a permit, and
// what its answer tells of usage and limits is reported. What fails for a while is tried again here,
// each time with a permit of its own.
//
//	client := openai.NewClient(option.WithHTTPClient(&http.Client{
//		Transport: &llmq.Transport{Manager: manager}}))
//
// SDKs that try again by themselves, as those of OpenAI and Anthropic, are told not to, whatever has
// failed: they return the error of the network or of llmq after one round trip, and errors.Is finds it.
//
// The model is the "model" of the JSON body of a POST; other requests go straight through. Where it
// falls back (fallback.models), the body names the model that the permit is for; address and key stay
// the client's. The request's context governs all of it: at its end the permit ends, at the latest. A
// body that nobody reads or closes, of a request whose context does not end, has its permit lost after
// its lease, the timeout_ms of the model.
type Transport struct {
	// Manager gives the permits. Its models need no provider. nil = the [Shared] one, where models are
	// made as they are called, and their limits learnt from the answers.
	Manager *Manager
	// Base makes the calls; nil = http.DefaultTransport.
	Base http.RoundTripper
	// Provider is whose answers these are, as in the setting of that name; "" = told by the address:
	// anthropic for .../messages, azure for its hosts and paths, else openai. It decides how usage and
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
	if request.Method != http.MethodPost {
		return t.base().RoundTrip(request)
	}
	body, err := readBody(request)
	if err != nil {
		return nil, err
	}
	model := modelOf(body)
	if model == "" {
		return t.base().RoundTrip(withBody(request, body))
	}
	response, err := t.call(&call{request: request, model: model, body: body, provider: t.providerOf(request.URL)})
	if err != nil && triesAgain(request) {
		return lastWord(request, err), nil
	}
	return response, err
}

// call makes a call as often as it deserves.
func (t *Transport) call(c *call) (*http.Response, error) {
	manager, err := t.manager()
	if err != nil {
		return nil, err
	}
	retries := max(0, t.Retries)
	if t.Retries == 0 {
		retries = 2
	}
	for try := 0; ; try++ {
		response, again, err := t.once(manager, c)
		if again < 0 || try >= retries {
			return response, err
		}
		if response != nil {
			response.Body.Close()
		}
		if err := pause(c.request.Context(), manager, max(again, backoff(try))); err != nil {
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

func (t *Transport) manager() (*Manager, error) {
	if t.Manager != nil {
		return t.Manager, nil
	}
	return Shared(nil)
}

func (t *Transport) providerOf(address *url.URL) string {
	if t.Provider != "" {
		return t.Provider
	}
	return providerAt(address)
}

// once makes the call with a permit. The duration is when it may be tried again; negative = never.
func (t *Transport) once(manager *Manager, c *call) (*http.Response, time.Duration, error) {
	permit, err := t.acquire(manager, c)
	if err != nil {
		return nil, -1, err
	}
	request, err := c.directed(permit.Model)
	if err != nil {
		permit.Release(&Usage{})
		return nil, -1, err
	}
	response, err := t.base().RoundTrip(request)
	if err != nil {
		return nil, unanswered(c.request.Context(), permit, err), err
	}
	permit.ReportLimits(response.Header)
	if response.StatusCode < 300 {
		response.Body = newMeter(c, permit, response)
		return response, -1, nil
	}
	said, err := io.ReadAll(io.LimitReader(response.Body, largestAnswer))
	response.Body.Close()
	if err != nil {
		return nil, unanswered(c.request.Context(), permit, err), err
	}
	response.Body = io.NopCloser(bytes.NewReader(said))
	found := explain(c.provider, response, said)
	response.Header.Set(shouldRetry, "false")
	permit.Fail(found.failure(response.StatusCode))
	if !found.Retryable {
		return response, -1, nil
	}
	return response, found.retryAfter(), nil
}

func (t *Transport) acquire(manager *Manager, c *call) (*Permit, error) {
	ctx, asked := c.request.Context(), c.asked()
	permit, err := manager.Acquire(ctx, asked)
	if t.Manager != nil || !errors.Is(err, ErrUnknownModel) {
		return permit, err
	}
	if err := manager.RegisterNewModels(Config{Models: []Model{c.learns(asked.Model)}}); err != nil {
		return nil, err
	}
	return manager.Acquire(ctx, asked)
}

// unanswered ends the permit of a call that has no whole answer, and tells when it may be tried again.
func unanswered(ctx context.Context, permit *Permit, err error) time.Duration {
	if ctx.Err() != nil {
		permit.Fail(contextError(ctx, ctx.Err()))
		return -1
	}
	status := ErrTransport
	var late net.Error
	if errors.As(err, &late) && late.Timeout() {
		status = ErrTimeout
	}
	permit.Fail(&Error{Status: status, Message: err.Error()})
	return 0
}

// SDKs of OpenAI's and Anthropic's making heed this header of an answer.
const shouldRetry = "X-Should-Retry"

// triesAgain: an SDK which heeds that header makes the call. It says so in headers of its own.
func triesAgain(request *http.Request) bool {
	for name := range request.Header {
		if strings.HasPrefix(name, "X-Stainless-") {
			return true
		}
	}
	return false
}

// lastWord gives such an SDK an error that it must not try again. No error can say that, but an answer
// can: one whose body cannot be read, so that the SDK returns the error.
func lastWord(request *http.Request, err error) *http.Response {
	return &http.Response{
		Status:     "503 Service Unavailable",
		StatusCode: http.StatusServiceUnavailable,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{shouldRetry: {"false"}},
		Body:          unreadable{&url.Error{Op: "Post", URL: request.URL.Redacted(), Err: err}},
		ContentLength: -1,
		Request:       request,
	}
}

type unreadable struct{ err error }

func (u unreadable) Read([]byte) (int, error) { return 0, u.err }

func (u unreadable) Close() error { return nil }

// backoff is half to all of 0.5 s, 1 s, 2 s, and so on, up to 30 s.
func backoff(try int) time.Duration {
	most := min(500*time.Millisecond<<min(try, 10), 30*time.Second)
	return most/2 + time.Duration(rand.Int63n(int64(most/2)))
}

// pause waits before the next try. A manager that is shut down gives no permit for it.
func pause(ctx context.Context, manager *Manager, length time.Duration) error {
	timer := time.NewTimer(length)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-manager.leaving:
		return &Error{Status: ErrClosed}
	case <-ctx.Done():
		return contextError(ctx, ctx.Err())
	}
}
