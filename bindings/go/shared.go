package llmq

// #include "native.h"
import "C"

import "sync"

var sharing struct {
	mu      sync.Mutex
	manager *Manager
}

// Shared gives the process's one shared manager: made on first use, until it is closed. The first
// settings win, and the first options: later calls with nil take what is there. ErrInvalidValue: there
// is one with other settings. Whoever closes it closes it for all; the next call makes a new one.
func Shared(settings any, with ...Option) (*Manager, error) {
	sharing.mu.Lock()
	defer sharing.mu.Unlock()
	if there := sharing.manager; there != nil && there.usable() {
		if err := sharedWith(settings); err != nil {
			return nil, err
		}
		return there, nil
	}
	m, err := start(settings, with, true)
	if err != nil {
		return nil, err
	}
	sharing.manager = m
	return m, nil
}

// sharedWith says whether the manager that is shared was made from these settings; nil = any.
func sharedWith(settings any) error {
	if settings == nil {
		return nil
	}
	c, err := newConf(settings)
	if err != nil {
		return err
	}
	defer c.free()
	var manager *C.llmq_manager_t
	var raw *C.llmq_error_t
	if err := failure(C.llmq_manager_shared(c.raw, &manager, &raw), raw); err != nil {
		return err
	}
	C.llmq_manager_unref(manager)
	return nil
}

// usable says whether no shutdown has begun.
func (m *Manager) usable() bool {
	select {
	case <-m.leaving:
		return false
	default:
		return true
	}
}
