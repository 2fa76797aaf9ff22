package llmq

// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"encoding/json"
	"net/http"
	"runtime"
	"unsafe"
)

// cText gives C a text for the time of one call: C memory, to be freed.
func cText(text string) (*C.char, C.size_t, func()) {
	raw := C.CString(text)
	return raw, C.size_t(len(text)), func() { C.free(unsafe.Pointer(raw)) }
}

// RegisterModels registers the models of settings (see [Open]), all or none. A model that is known
// already is ErrModelExists.
func (m *Manager) RegisterModels(settings any) error { return m.register(settings, 0) }

// RegisterNewModels is RegisterModels, but leaves models alone that are known already.
func (m *Manager) RegisterNewModels(settings any) error {
	return m.register(settings, C.LLMQ_REGISTER_SKIP_EXISTING)
}

func (m *Manager) register(settings any, flags C.uint32_t) error {
	defer runtime.KeepAlive(m)
	c, err := newConf(settings)
	if err != nil {
		return err
	}
	defer c.free()
	var raw *C.llmq_error_t
	return failure(C.llmq_manager_register_models(m.raw, c.raw, flags, &raw), raw)
}

// RemoveModel refuses new requests of a model at once; those that it has end as the mode says.
func (m *Manager) RemoveModel(model string, mode ShutdownMode) error {
	defer runtime.KeepAlive(m)
	name, size, free := cText(model)
	defer free()
	return failure(C.llmq_manager_remove_model(m.raw, name, size, C.int32_t(mode)), nil)
}

// AddDeployment adds another place where calls of a registered model are made: what the settings
// (see [Open]) say of model.MODEL.deployments.NAME.
func (m *Manager) AddDeployment(model, name string, settings any) error {
	defer runtime.KeepAlive(m)
	c, err := newConf(settings)
	if err != nil {
		return err
	}
	defer c.free()
	cModel, modelSize, freeModel := cText(model)
	defer freeModel()
	cName, nameSize, freeName := cText(name)
	defer freeName()
	var raw *C.llmq_error_t
	return failure(C.llmq_manager_add_deployment(m.raw, cModel, modelSize, cName, nameSize, c.raw,
		&raw), raw)
}

// RemoveDeployment starts nothing there any more. With ShutdownCancel and ShutdownAbort, what runs
// there is tried elsewhere.
func (m *Manager) RemoveDeployment(model, name string, mode ShutdownMode) error {
	defer runtime.KeepAlive(m)
	cModel, modelSize, freeModel := cText(model)
	defer freeModel()
	cName, nameSize, freeName := cText(name)
	defer freeName()
	var raw *C.llmq_error_t
	return failure(C.llmq_manager_remove_deployment(m.raw, cModel, modelSize, cName, nameSize,
		C.int32_t(mode), &raw), raw)
}

// Set changes one setting while everything runs, such as "model.gpt-4o.rpm": those that
// docs/configuration.md marks as live.
func (m *Manager) Set(key, value string) error {
	defer runtime.KeepAlive(m)
	cKey, _, freeKey := cText(key)
	defer freeKey()
	cValue, _, freeValue := cText(value)
	defer freeValue()
	var raw *C.llmq_error_t
	return failure(C.llmq_manager_set(m.raw, cKey, cValue, &raw), raw)
}

// Models are the names of the registered models, in the order of registration.
func (m *Manager) Models() ([]string, error) {
	defer runtime.KeepAlive(m)
	var text *C.char
	var size C.size_t
	document, err := takeJSON(C.llmq_manager_models_json(m.raw, &text, &size), text, size)
	if err != nil {
		return nil, err
	}
	var names []string
	return names, json.Unmarshal(document, &names)
}

// takeJSON copies a document that the library has made, and frees it.
func takeJSON(status C.llmq_status_t, text *C.char, size C.size_t) (json.RawMessage, error) {
	if status != C.LLMQ_OK {
		return nil, failure(status, nil)
	}
	defer C.llmq_buf_free(text)
	return json.RawMessage(stringOf(text, size)), nil
}

// Info tells the settings and the state of a model, or with "" of all: its queue, and for each limit
// what is used, reserved and available (llmq.h documents the members).
func (m *Manager) Info(model string) (json.RawMessage, error) {
	defer runtime.KeepAlive(m)
	name, nameSize, free := cText(model)
	defer free()
	if model == "" {
		name = nil
	}
	var text *C.char
	var size C.size_t
	status := C.llmq_manager_info_json(m.raw, name, nameSize, &text, &size)
	return takeJSON(status, text, size)
}

// Stats are counters, since the manager was made unless said otherwise.
type Stats struct {
	// Submitted requests are those that were accepted; they end in one of four ways.
	Submitted, Completed, Failed, Cancelled, Expired uint64
	// Attempts were started; Retries are those beyond the first of a request; RateLimited those that
	// the provider refused for their rate.
	Attempts, Retries, RateLimited uint64
	// Pending requests wait now, retries included; Processing ones run now; PendingBytes is the payload
	// of both (of a manager; 0 for one model).
	Pending, Processing, PendingBytes uint64
	// Usage of attempts that have ended.
	InputTokens, OutputTokens, CachedInputTokens, ReasoningTokens uint64
	// Wakeups is how often the library's thread woke (of a manager; 0 for one model).
	Wakeups uint64
}

// Stats are the counters of a model, or with "" of the whole manager.
func (m *Manager) Stats(model string) (Stats, error) {
	defer runtime.KeepAlive(m)
	name, size, free := cText(model)
	defer free()
	if model == "" {
		name = nil
	}
	raw := C.llmq_stats_t{struct_size: C.sizeof_llmq_stats_t}
	status := C.llmq_stats(m.raw, name, size, &raw)
	return Stats{
		Submitted:         uint64(raw.submitted),
		Completed:         uint64(raw.completed),
		Failed:            uint64(raw.failed),
		Cancelled:         uint64(raw.cancelled),
		Expired:           uint64(raw.expired),
		Attempts:          uint64(raw.attempts),
		Retries:           uint64(raw.retries),
		RateLimited:       uint64(raw.rate_limited),
		Pending:           uint64(raw.pending),
		Processing:        uint64(raw.processing),
		PendingBytes:      uint64(raw.pending_bytes),
		InputTokens:       uint64(raw.input_tokens),
		OutputTokens:      uint64(raw.output_tokens),
		CachedInputTokens: uint64(raw.cached_input_tokens),
		ReasoningTokens:   uint64(raw.reasoning_tokens),
		Wakeups:           uint64(raw.wakeups),
	}, failure(status, nil)
}

// StatsJSON is all statistics as JSON: of the manager and every model, also of shared calls and the
// cache.
func (m *Manager) StatsJSON() (json.RawMessage, error) {
	defer runtime.KeepAlive(m)
	var text *C.char
	var size C.size_t
	status := C.llmq_stats_json(m.raw, &text, &size)
	return takeJSON(status, text, size)
}

// Check says why a request would be refused now, without submitting it; nil if it would not be.
func (m *Manager) Check(r Request) error {
	_, err := m.look(&r, func(raw *C.llmq_request_t, _ *C.llmq_usage_t, err **C.llmq_error_t) C.llmq_status_t {
		return C.llmq_request_check(m.raw, raw, err)
	})
	return err
}

// Estimate is what a request will probably use: tokens, and their price where the model has prices.
func (m *Manager) Estimate(r Request) (Usage, error) {
	return m.look(&r, func(raw *C.llmq_request_t, usage *C.llmq_usage_t, err **C.llmq_error_t) C.llmq_status_t {
		return C.llmq_request_estimate(m.raw, raw, usage, err)
	})
}

func (m *Manager) look(r *Request, ask func(*C.llmq_request_t, *C.llmq_usage_t, **C.llmq_error_t) C.llmq_status_t) (Usage, error) {
	defer runtime.KeepAlive(m)
	memory := m.arenas.get()
	defer m.arenas.put(memory)
	memory.reserve(r.size())
	memory.set(0, r, r.Deadline, m.events.cq, 0)
	usage := C.llmq_usage_t{struct_size: C.sizeof_llmq_usage_t}
	var raw *C.llmq_error_t
	status := ask(&memory.requests[0], &usage, &raw)
	return usageOf(&usage), failure(status, raw)
}

// ReportLimits tells what the answer to a call that this program made itself showed of the model's
// limits: its headers, of good answers too. Headers that do not concern limits are skipped.
// A model's first deployment learns; [Permit.ReportLimits] tells which one was called.
func (m *Manager) ReportLimits(model string, headers http.Header) error {
	defer runtime.KeepAlive(m)
	cModel, size, free := cText(model)
	defer free()
	return withHeaders(headers, func(names, values **C.char, count C.size_t) C.llmq_status_t {
		return C.llmq_report_limits(m.raw, cModel, size, names, nil, values, nil, count)
	})
}

// withHeaders lets report have copies of headers in C memory.
func withHeaders(headers http.Header,
	report func(names, values **C.char, count C.size_t) C.llmq_status_t) error {
	count := 0
	for _, values := range headers {
		count += len(values)
	}
	count = min(count, 4096)
	block := make([]*C.char, 0, 2*count)
	defer func() {
		for _, text := range block {
			C.free(unsafe.Pointer(text))
		}
	}()
	values := make([]*C.char, 0, count)
	names := make([]*C.char, 0, count)
	for name, all := range headers {
		for _, value := range all {
			if len(names) < count {
				names = append(names, C.CString(name))
				values = append(values, C.CString(value))
				block = append(block, names[len(names)-1], values[len(values)-1])
			}
		}
	}
	return failure(report(unsafe.SliceData(names), unsafe.SliceData(values), C.size_t(count)), nil)
}
