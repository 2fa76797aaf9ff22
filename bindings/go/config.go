package llmq

// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strconv"
	"time"
	"unsafe"
)

// Config holds the settings of a manager. It is one form of the library's JSON document, and all of
// what that knows can be said with Extra (docs/configuration.md lists the keys). In place of a Config
// the functions that take settings also take a map or another value that encoding/json encodes to
// that document, or the document itself as string, []byte or json.RawMessage.
type Config struct {
	// Models are those that the manager begins with.
	Models []Model
	// Pools are limits that models share.
	Pools []Pool
	// Tenants have a weight, and bounds of their own.
	Tenants []Tenant
	// MaxPending bounds the requests that wait or run; 0 = the default.
	MaxPending int
	// Extra holds other settings by name, such as "history_max".
	Extra map[string]any
}

// Model is what requests are for: a name, how it is called, and limits.
type Model struct {
	// Name is what requests call it. "*" = defaults for all models.
	Name string
	// Provider is who runs the attempts: the name of an HTTP API ("openai", "anthropic", ...), "mock" for
	// answers that are made up, or "" for a processor of this program.
	Provider string
	// BaseURL is where the API is; "" = the provider's own.
	BaseURL string
	// APIKeyEnv is the environment variable that holds the key; "" = the provider's usual one.
	APIKeyEnv string
	// Limits hold together.
	Limits []Limit
	// Pool names the pools whose limits it shares.
	Pool []string
	// Deployments are other places where it is called; each is a set of settings with a "name".
	Deployments []map[string]any
	// Timeout bounds each attempt; 0 = the default (10 minutes), negative = none.
	Timeout time.Duration
	// MaxAttempts bounds how often a request is tried; 0 = the default.
	MaxAttempts int
	// Extra holds other settings by name, such as "price_input" or "mock.latency_ms".
	Extra map[string]any
}

// Limit is one limit: exactly one of the amounts, with Per unless it is Concurrency.
type Limit struct {
	// Requests, Tokens, InputTokens and OutputTokens are how many per period.
	Requests     int64
	Tokens       int64
	InputTokens  int64
	OutputTokens int64
	// Cost is money per period, in the unit of the model's prices, with at most 6 decimals.
	Cost float64
	// Concurrency is how many attempts may run at a time.
	Concurrency int64
	// Per is the period, 1 s to 31 days in whole seconds.
	Per time.Duration
	// Extra holds options by name, such as "shape" or "per_tenant".
	Extra map[string]any
}

// Pool is a set of limits that models share.
type Pool struct {
	// Name is what models call it.
	Name string
	// Limits hold together.
	Limits []Limit
	// Extra holds other settings by name.
	Extra map[string]any
}

// Tenant has settings of its own. "*" is for those without.
type Tenant struct {
	// Name is what requests call it.
	Name string
	// Weight is its part of what is scarce, against the weights of the tenants that wait too; 0 = 1.
	Weight int
	// MaxPending bounds its requests that wait or run; 0 = the manager's bound alone.
	MaxPending int
	// Extra holds other settings by name.
	Extra map[string]any
}

// document begins with what was said otherwise, so that the named members win.
func document(extra map[string]any) map[string]any {
	all := make(map[string]any, len(extra)+8)
	for key, value := range extra {
		all[key] = value
	}
	return all
}

func setText(all map[string]any, key, value string) {
	if value != "" {
		all[key] = value
	}
}

func setNumber[N int | int64](all map[string]any, key string, value N) {
	if value != 0 {
		all[key] = value
	}
}

// MarshalJSON writes the library's document.
func (c Config) MarshalJSON() ([]byte, error) {
	all := document(c.Extra)
	if len(c.Models) > 0 {
		all["models"] = c.Models
	}
	if len(c.Pools) > 0 {
		all["pools"] = c.Pools
	}
	if len(c.Tenants) > 0 {
		all["tenants"] = c.Tenants
	}
	setNumber(all, "max_pending", c.MaxPending)
	return json.Marshal(all)
}

// MarshalJSON writes the model's part of the document.
func (m Model) MarshalJSON() ([]byte, error) {
	all := document(m.Extra)
	setText(all, "name", m.Name)
	setText(all, "provider", m.Provider)
	setText(all, "base_url", m.BaseURL)
	setText(all, "api_key_env", m.APIKeyEnv)
	if len(m.Limits) > 0 {
		all["limits"] = m.Limits
	}
	if len(m.Pool) > 0 {
		all["pool"] = m.Pool
	}
	if len(m.Deployments) > 0 {
		all["deployments"] = m.Deployments
	}
	if m.Timeout > 0 {
		all["timeout_ms"] = max(1, m.Timeout.Milliseconds())
	} else if m.Timeout < 0 {
		all["timeout_ms"] = 0
	}
	setNumber(all, "retry.max_attempts", m.MaxAttempts)
	return json.Marshal(all)
}

// MarshalJSON writes the limit as a member of "limits".
func (l Limit) MarshalJSON() ([]byte, error) {
	all := document(l.Extra)
	setNumber(all, "requests", l.Requests)
	setNumber(all, "tokens", l.Tokens)
	setNumber(all, "input_tokens", l.InputTokens)
	setNumber(all, "output_tokens", l.OutputTokens)
	setNumber(all, "concurrency", l.Concurrency)
	if l.Cost != 0 {
		all["cost"] = json.Number(strconv.FormatFloat(l.Cost, 'f', -1, 64))
	}
	if l.Per%time.Second != 0 {
		return nil, fmt.Errorf("llmq: the period of a limit is in whole seconds: %v", l.Per)
	}
	if l.Per != 0 {
		all["per"] = fmt.Sprintf("%ds", l.Per/time.Second)
	}
	return json.Marshal(all)
}

// MarshalJSON writes the pool's part of the document.
func (p Pool) MarshalJSON() ([]byte, error) {
	all := document(p.Extra)
	setText(all, "name", p.Name)
	all["limits"] = p.Limits
	return json.Marshal(all)
}

// MarshalJSON writes the tenant's part of the document.
func (t Tenant) MarshalJSON() ([]byte, error) {
	all := document(t.Extra)
	setText(all, "name", t.Name)
	setNumber(all, "weight", t.Weight)
	setNumber(all, "max_pending", t.MaxPending)
	return json.Marshal(all)
}

// conf is the library's form of settings.
type conf struct{ raw *C.llmq_conf_t }

func (c *conf) free() { C.llmq_conf_free(c.raw) }

// newConf reads settings of any form; nil = none.
func newConf(settings any) (*conf, error) {
	if err := Load(); err != nil {
		return nil, err
	}
	text, err := jsonText(settings)
	if err != nil {
		return nil, err
	}
	c := &conf{}
	if status := C.llmq_conf_create(&c.raw); status != C.LLMQ_OK {
		return nil, failure(status, nil)
	}
	if len(text) == 0 {
		return c, nil
	}
	var raw *C.llmq_error_t
	status := C.llmq_conf_set_json(c.raw, (*C.char)(unsafe.Pointer(&text[0])), C.size_t(len(text)),
		&raw)
	runtime.KeepAlive(text)
	if err := failure(status, raw); err != nil {
		c.free()
		return nil, err
	}
	return c, nil
}

func jsonText(settings any) ([]byte, error) {
	switch form := settings.(type) {
	case nil:
		return nil, nil
	case string:
		return []byte(form), nil
	case []byte:
		return form, nil
	}
	text, err := json.Marshal(settings)
	if err == nil {
		return text, nil
	}
	var inner *json.MarshalerError
	if errors.As(err, &inner) {
		err = inner.Err
	}
	return nil, &Error{Status: ErrInvalidValue, Message: "the settings are no JSON", Cause: err}
}

// Option is something that Open is told besides settings.
type Option func(*options)

type options struct {
	logger   *slog.Logger
	logLevel LogLevel
	keys     func(model, deployment string) string
}

// WithLogger sends the manager's log lines of a level and above to a logger, and what the goroutines
// of this package have to say. Without it the library logs where its settings say, by default
// nowhere. Lines come from a goroutine of their own: a slow handler holds up nothing, and loses lines.
func WithLogger(logger *slog.Logger, level LogLevel) Option {
	return func(o *options) { o.logger, o.logLevel = logger, level }
}

// CheckConfig says what is wrong with settings, as Open would, without making a manager: unknown
// settings, limits that contradict each other, keys that are missing.
func CheckConfig(settings any) error {
	c, err := newConf(settings)
	if err != nil {
		return err
	}
	defer c.free()
	var raw *C.llmq_error_t
	return failure(C.llmq_conf_validate(c.raw, &raw), raw)
}
