package llmq

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Longer answers are passed on whole, and their usage is not read.
const largestAnswer = 16 << 20

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

func explain(provider string, response *http.Response, body []byte) (found explained) {
	headers := map[string]string{}
	for name, values := range response.Header {
		headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	record, err := json.Marshal(map[string]any{"status": response.StatusCode, "headers": headers,
		"body": string(body)})
	if err != nil {
		return found
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

func (e *explained) usage() *Usage {
	if e.Usage == nil {
		return nil
	}
	return &Usage{InputTokens: e.Usage.InputTokens, OutputTokens: e.Usage.OutputTokens,
		CachedInputTokens: e.Usage.CachedInputTokens}
}

// A meter passes an answer on, and ends the permit with its usage at its end, or at that of the
// context.
type meter struct {
	body     io.ReadCloser
	permit   *Permit
	provider string
	response *http.Response
	ctx      context.Context
	stop     func() bool // of the watch over the context

	mu   sync.Mutex
	read bytes.Buffer
	over bool
}

func newMeter(c *call, permit *Permit, response *http.Response) *meter {
	m := &meter{body: response.Body, permit: permit, provider: c.provider, response: response,
		ctx: c.request.Context()}
	m.mu.Lock() // left may be called at once
	defer m.mu.Unlock()
	m.stop = context.AfterFunc(m.ctx, m.left)
	return m
}

func (m *meter) Read(into []byte) (int, error) {
	n, err := m.body.Read(into)
	m.came(into[:n])
	switch {
	case err == nil:
		m.permit.Heartbeat() // an error: the answer is still of use
	case err == io.EOF:
		m.end(func(usage *Usage) error { return m.permit.Release(usage) })
	default:
		m.end(func(*Usage) error {
			unanswered(m.ctx, m.permit, err)
			return nil
		})
	}
	return n, err
}

// Close is also how a caller gives up an answer: what was said until then is all that is known.
func (m *meter) Close() error {
	m.end(func(usage *Usage) error { return m.permit.Release(usage) })
	return m.body.Close()
}

// left is the end of the context, of which some let a stream's end be followed in place of a Close.
func (m *meter) left() {
	m.end(func(usage *Usage) error {
		if usage != nil {
			return m.permit.Release(usage)
		}
		return m.permit.Fail(contextError(m.ctx, m.ctx.Err()))
	})
}

func (m *meter) came(data []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.read.Len() <= largestAnswer {
		m.read.Write(data)
	}
}

// end ends the permit, once. An error of that: the permit was lost, its charge stays.
func (m *meter) end(with func(*Usage) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over {
		return
	}
	m.over = true
	m.stop()
	var usage *Usage
	if m.read.Len() <= largestAnswer {
		found := explain(m.provider, m.response, m.read.Bytes())
		usage = found.usage()
	}
	with(usage)
}
