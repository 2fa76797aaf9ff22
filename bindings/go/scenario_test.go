package llmq_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"llmq"
)

// The cases of tests/scenarios, that all languages run alike; its README tells what the members mean.
type scenario struct {
	Name       string               `json:"name"`
	Why        string               `json:"why"`
	Needs      []string             `json:"needs"`
	Complaint  string               `json:"complaint"`
	Config     json.RawMessage      `json:"config"`
	Processors map[string][]outcome `json:"processors"`
	Workers    *struct {
		LeaseMS int64 `json:"lease_ms"`
	} `json:"workers"`
	Steps  []step       `json:"steps"`
	Expect expectations `json:"expect"`
}

type outcome struct {
	Succeed      *string  `json:"succeed"`
	Usage        *counts  `json:"usage"`
	Fail         string   `json:"fail"`
	Message      string   `json:"message"`
	RetryAfterMS int64    `json:"retry_after_ms"`
	Throw        string   `json:"throw"`
	Hold         bool     `json:"hold"`
	Vanish       bool     `json:"vanish"`
	Echo         string   `json:"echo"`
	Chunks       []string `json:"chunks"`
}

type counts struct {
	InputTokens       int64 `json:"input_tokens"`
	OutputTokens      int64 `json:"output_tokens"`
	CachedInputTokens int64 `json:"cached_input_tokens"`
	CostMicros        int64 `json:"cost_micros"`
	ReasoningTokens   int64 `json:"reasoning_tokens"`
}

func (c counts) usage() llmq.Usage { return llmq.Usage(c) }

type submission struct {
	Ref             string          `json:"ref"`
	Model           string          `json:"model"`
	Payload         json.RawMessage `json:"payload"`
	PayloadBytes    int             `json:"payload_bytes"`
	Operation       string          `json:"operation"`
	Priority        string          `json:"priority"`
	Tenant          string          `json:"tenant"`
	DedupKey        string          `json:"dedup_key"`
	Metadata        string          `json:"metadata"`
	DeadlineMS      int64           `json:"deadline_ms"`
	TimeoutMS       int64           `json:"timeout_ms"`
	EstInputTokens  int64           `json:"est_input_tokens"`
	EstOutputTokens int64           `json:"est_output_tokens"`
	MaxAttempts     uint32          `json:"max_attempts"`
	Stream          bool            `json:"stream"`
	Restart         bool            `json:"restart"`
	Keep            bool            `json:"keep"`
	LateUsage       bool            `json:"late_usage"`
	Attempts        []outcome       `json:"attempts"`
	OnDone          string          `json:"on_done"` // Go has no callback at the end
}

type step struct {
	submission
	Do         string               `json:"do"`
	For        string               `json:"for"`
	Error      string               `json:"error"`
	Count      int                  `json:"count"`
	Accepted   *int                 `json:"accepted"`
	Requests   []submission         `json:"requests"`
	Attempt    int                  `json:"attempt"`
	With       *outcome             `json:"with"`
	Is         json.RawMessage      `json:"is"`
	Key        string               `json:"key"`
	Value      string               `json:"value"`
	Config     json.RawMessage      `json:"config"`
	Processors map[string][]outcome `json:"processors"`
	Mode       string               `json:"mode"`
	Usage      *counts              `json:"usage"`

	Fail         string `json:"fail"`
	RetryAfterMS int64  `json:"retry_after_ms"`
}

type expectations struct {
	Requests  map[string]expected       `json:"requests"`
	Started   []string                  `json:"started"`
	Done      []string                  `json:"done"`
	Permits   []string                  `json:"permits"`
	Totals    map[string]int            `json:"totals"`
	Stats     map[string]map[string]int `json:"stats"`
	AtLeastMS int64                     `json:"at_least_ms"`
}

type expected struct {
	Status        *string         `json:"status"`
	State         *string         `json:"state"`
	Attempts      *int            `json:"attempts"`
	Data          *string         `json:"data"`
	DataContains  *string         `json:"data_contains"`
	ErrorContains *string         `json:"error_contains"`
	Chunks        *[]string       `json:"chunks"`
	ChunksAtLeast *int            `json:"chunks_at_least"`
	Usage         json.RawMessage `json:"usage"`
	History       *[]string       `json:"history"`
	HTTPStatus    *int            `json:"http_status"`
	Deployment    *string         `json:"deployment"`
	FallbackModel *string         `json:"fallback_model"`
	Cached        *bool           `json:"cached"`
	Shared        *bool           `json:"shared"`
}

func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	if err != nil && strings.HasPrefix(err.Error(), "json: unknown field") {
		return mismatch(err.Error()) // it has no type of its own
	}
	return err
}

// A mismatch is what a runner itself finds: something that did not come as expected, or that it does not
// know.
type mismatch string

func (m mismatch) Error() string { return string(m) }

func differs(format string, args ...any) error { return mismatch(fmt.Sprintf(format, args...)) }

// scenarioFiles are the cases of a folder, of which there must be so many.
func scenarioFiles(t *testing.T, folder string, least int) []string {
	t.Helper()
	root := os.Getenv("LLMQ_SCENARIOS")
	if root == "" {
		root = filepath.Join("..", "..", "tests", "scenarios")
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
	if err != nil || len(files) < least {
		t.Fatalf("%d scenarios in %s, expected at least %d: %v", len(files), filepath.Join(root, folder), least, err)
	}
	return files
}

func runFile(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var s scenario
	if err := strict(text, &s); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return runScenario(&s)
}

func caseName(file string) string { return strings.TrimSuffix(filepath.Base(file), ".json") }

func TestScenarios(t *testing.T) {
	for _, file := range scenarioFiles(t, "", 40) {
		file := file
		t.Run(caseName(file), func(t *testing.T) {
			t.Parallel()
			if err := runFile(file); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestScenariosThatAreWrongFail(t *testing.T) {
	for _, file := range scenarioFiles(t, "wrong", 10) {
		file := file
		t.Run(caseName(file), func(t *testing.T) {
			t.Parallel()
			err := runFile(file)
			var noticed mismatch
			if !errors.As(err, &noticed) {
				t.Errorf("the runner does not notice: %v", err)
			}
			t.Log(err)
		})
	}
}
