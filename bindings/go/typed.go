package llmq

import (
	"context"
	"encoding/json"
)

// Call is Do for Go values: the request becomes JSON, the response is read from JSON. Further members
// of the request, such as a tenant, are set by the functions. It returns the response too, if there
// is one: it tells usage and attempts.
//
//	answer, _, err := llmq.Call[Question, Answer](ctx, manager, "gpt-4o-mini", question)
func Call[Req, Resp any](ctx context.Context, m *Manager, model string, request Req,
	with ...func(*Request)) (Resp, *Response, error) {
	var value Resp
	payload, err := json.Marshal(request)
	if err != nil {
		return value, nil, &Error{Status: ErrInvalidValue, Message: "the request is no JSON", Cause: err}
	}
	r := Request{Model: model, Payload: payload}
	for _, set := range with {
		set(&r)
	}
	response, err := m.Do(ctx, r)
	if err != nil {
		return value, response, err
	}
	if err := json.Unmarshal(response.Data, &value); err != nil {
		return value, response, &Error{Status: ErrProcessing,
			Message: "the response is not of the expected form", Response: response, Cause: err}
	}
	return value, response, nil
}

// HandleJSON is Handle for a function of Go values: the payload is read from JSON, the result becomes
// JSON. A payload of another form is ErrBadRequest. Usage, if it returns one, is what was consumed.
func HandleJSON[Req, Resp any](m *Manager, model string,
	handler func(ctx context.Context, request Req) (Resp, *Usage, error), with ...HandleOption) error {
	return m.Handle(model, func(ctx context.Context, attempt *Attempt) (Result, error) {
		var request Req
		if err := json.Unmarshal(attempt.Payload, &request); err != nil {
			return Result{}, &Error{Status: ErrBadRequest, Cause: err,
				Message: "the request is not of the expected form: " + err.Error()}
		}
		value, usage, err := handler(ctx, request)
		if err != nil {
			return Result{}, err
		}
		data, err := json.Marshal(value)
		return Result{Data: data, Usage: usage}, err
	}, with...)
}
