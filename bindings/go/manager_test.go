package llmq_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"llmq"
)

// open makes a manager that is closed with the test.
func open(t testing.TB, settings any, with ...llmq.Option) *llmq.Manager {
	t.Helper()
	m, err := llmq.Open(settings, with...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// mock has a model m of the in-process mock provider.
func mock(latencyMS int, limits ...llmq.Limit) llmq.Config {
	return llmq.Config{Models: []llmq.Model{{Name: "m", Provider: "mock", Limits: limits,
		Extra: map[string]any{"mock.latency_ms": latencyMS}}}}
}

// within is a context that ends a test that hangs.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

const forever = 3_600_000

func request() llmq.Request {
	return llmq.Request{Model: "m", Payload: []byte(
		`{"messages":[{"role":"user","content":"Name a river."}],"max_tokens":20}`)}
}

func TestDoGivesTheResponse(t *testing.T) {
	m := open(t, mock(0))
	r := request()
	r.Key, r.Metadata = "key 1", []byte{0, 1, 2}
	response, err := m.Do(within(t), r)
	if err != nil {
		t.Fatal(err)
	}
	if response.State != llmq.StateCompleted || len(response.Data) == 0 || response.Attempts != 1 {
		t.Errorf("%+v", response)
	}
	if response.Key != "key 1" || string(response.Metadata) != "\x00\x01\x02" {
		t.Errorf("%q %q", response.Key, response.Metadata)
	}
	if !response.UsageKnown || response.Usage.OutputTokens == 0 {
		t.Errorf("%+v", response.Usage)
	}
}

func TestARefusedRequestTellsWhyInWords(t *testing.T) {
	m := open(t, mock(0))
	_, err := m.Do(within(t), llmq.Request{Model: "nobody"})
	var e *llmq.Error
	if !errors.Is(err, llmq.ErrUnknownModel) || !errors.As(err, &e) {
		t.Fatal(err)
	}
	if !strings.Contains(e.Message, "nobody") || !strings.Contains(err.Error(), "LLMQ_ERR_UNKNOWN_MODEL") {
		t.Error(err)
	}
}

func TestSettingsThatAreWrongAreNamed(t *testing.T) {
	for _, settings := range []any{
		`{"max_pendin": 1}`,
		map[string]any{"max_pending": -1},
		llmq.Config{Extra: map[string]any{"no_such_key": 1}},
		`{`,
		func() {},
		llmq.Config{Models: []llmq.Model{{Name: "m", Limits: []llmq.Limit{{Requests: 1, Per: time.Millisecond}}}}},
	} {
		_, err := llmq.Open(settings)
		var e *llmq.Error
		if !errors.As(err, &e) || e.Status != llmq.ErrUnknownKey && e.Status != llmq.ErrInvalidValue {
			t.Errorf("%v: %v", settings, err)
		}
		if checked := llmq.CheckConfig(settings); checked == nil || checked.Error() != err.Error() {
			t.Errorf("%v: %v, but Open: %v", settings, checked, err)
		}
	}
	if err := llmq.CheckConfig(mock(1, llmq.Limit{Requests: 5, Per: time.Minute})); err != nil {
		t.Error(err)
	}
}

func TestACancelledContextCancelsTheRequest(t *testing.T) {
	m := open(t, mock(forever))
	ctx, cancel := context.WithCancel(within(t))
	pending, err := m.Submit(ctx, request())
	if err != nil {
		t.Fatal(err)
	}
	go cancel()
	response, err := pending.Wait(within(t))
	if !errors.Is(err, context.Canceled) || !errors.Is(err, llmq.ErrCancelled) {
		t.Fatal(err)
	}
	if response.State != llmq.StateCancelled || pending.State() != llmq.StateCancelled {
		t.Errorf("%+v", response)
	}
	if _, err := m.Do(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	cause := errors.New("the user left")
	ctx2, cancel2 := context.WithCancelCause(within(t))
	go cancel2(cause)
	if _, err := m.Do(ctx2, request()); !errors.Is(err, cause) || !errors.Is(err, llmq.ErrCancelled) {
		t.Error(err)
	}
}

func TestTheDeadlineOfTheContextIsTheRequests(t *testing.T) {
	m := open(t, mock(forever))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	response, err := m.Do(ctx, request())
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if response.Status != llmq.ErrDeadline || response.State != llmq.StateExpired {
		t.Errorf("%+v", response)
	}
	r := request()
	r.Deadline = time.Now().Add(10 * time.Millisecond)
	if _, err := m.Do(within(t), r); !errors.Is(err, llmq.ErrDeadline) {
		t.Error(err)
	}
}

func TestWhoStopsWaitingLosesNothing(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	goOn := make(chan struct{})
	err := m.Handle("m", func(context.Context, *llmq.Attempt) (llmq.Result, error) {
		<-goOn
		return llmq.Result{Data: []byte("late")}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	pending, err := m.Submit(context.Background(), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := pending.Wait(short); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(goOn)
	if response, err := pending.Wait(within(t)); err != nil || string(response.Data) != "late" {
		t.Error(response, err)
	}
}

func TestAStreamThatIsReadSlowlyIsWhole(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}},
		Extra: map[string]any{"stream_buffer_bytes": 1000}})
	const pieces, size = 200, 100
	err := m.Handle("m", func(ctx context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		for i := 0; i < pieces; i++ {
			if err := attempt.Chunk(ctx, []byte(fmt.Sprintf("%0*d", size, i))); err != nil {
				return llmq.Result{}, err
			}
		}
		return llmq.Result{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := m.Stream(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	count := 0
	for ; stream.Next(); count++ {
		if want := fmt.Sprintf("%0*d", size, count); string(stream.Chunk().Data) != want {
			t.Fatalf("%q, expected %q", stream.Chunk().Data, want)
		}
	}
	if stream.Err() != nil || count != pieces || stream.Response() == nil {
		t.Error(count, stream.Err())
	}
}

func TestAStreamThatIsClosedIsCancelled(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}}})
	stopped := make(chan struct{})
	err := m.Handle("m", func(ctx context.Context, attempt *llmq.Attempt) (llmq.Result, error) {
		attempt.Chunk(ctx, []byte("one"))
		<-ctx.Done()
		close(stopped)
		return llmq.Result{}, ctx.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	stream, err := m.Stream(within(t), llmq.Request{Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	if !stream.Next() || string(stream.Chunk().Data) != "one" {
		t.Fatal(stream.Err())
	}
	stream.Close()
	<-stopped
	if stream.Next() || !errors.Is(stream.Err(), llmq.ErrCancelled) {
		t.Error(stream.Err())
	}
}

func TestAQueueGivesEachTagOnce(t *testing.T) {
	m := open(t, mock(0))
	q, err := m.NewQueue()
	if err != nil {
		t.Fatal(err)
	}
	defer q.Close()
	const total = 3000
	requests := make([]llmq.Request, total)
	for i := range requests {
		requests[i] = request()
		requests[i].Tag = uint64(i)
	}
	ids, err := q.Submit(within(t), requests)
	if err != nil || len(ids) != total {
		t.Fatal(len(ids), err)
	}
	seen := make([]bool, total)
	for left, into := total, make([]llmq.Response, 100); left > 0; {
		n, err := q.Next(within(t), into)
		if err != nil {
			t.Fatal(err)
		}
		for _, response := range into[:n] {
			if seen[response.Tag] || response.ID != ids[response.Tag] || len(response.Data) == 0 {
				t.Fatalf("%+v", response)
			}
			seen[response.Tag] = true
			left--
		}
	}
}

func TestAWaitOnAQueueEndsWithItsContextAndWithTheQueue(t *testing.T) {
	m := open(t, mock(0))
	q, err := m.NewQueue()
	if err != nil {
		t.Fatal(err)
	}
	into := make([]llmq.Response, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go cancel()
	if _, err := q.Next(ctx, into); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := q.Submit(within(t), []llmq.Request{request()}); err != nil {
		t.Fatal(err)
	}
	if n, err := q.Next(within(t), into); n != 1 || err != nil {
		t.Error(n, err)
	}
	ended := make(chan error)
	go func() {
		_, err := q.Next(context.Background(), into)
		ended <- err
	}()
	q.Close()
	if err := <-ended; !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
	if _, err := q.Submit(within(t), nil); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
}

func TestErrorsOfAHandlerKeepTheirClass(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m", MaxAttempts: 1}}},
		llmq.WithLogger(slog.New(slog.NewTextHandler(new(bytes.Buffer), nil)), llmq.LogOff))
	var next func() (llmq.Result, error)
	err := m.Handle("m", func(context.Context, *llmq.Attempt) (llmq.Result, error) { return next() })
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		fails  func() (llmq.Result, error)
		status llmq.Status
		words  string
	}{
		{func() (llmq.Result, error) { return llmq.Result{}, errors.New("out of ink") }, llmq.ErrProcessing, "out of ink"},
		{func() (llmq.Result, error) { return llmq.Result{}, llmq.ErrServer }, llmq.ErrServer, ""},
		{func() (llmq.Result, error) {
			return llmq.Result{}, fmt.Errorf("wrapped: %w", &llmq.Error{Status: llmq.ErrAuth, Message: "no key"})
		}, llmq.ErrAuth, "no key"},
		{func() (llmq.Result, error) { panic("lost") }, llmq.ErrProcessing, "panic: lost"},
		{func() (llmq.Result, error) {
			return llmq.Result{Usage: &llmq.Usage{InputTokens: -1}}, nil
		}, llmq.ErrProcessing, "cannot be taken"},
	} {
		next = c.fails
		response, err := m.Do(within(t), llmq.Request{Model: "m"})
		if !errors.Is(err, c.status) || !strings.Contains(response.Message, c.words) {
			t.Errorf("%v, expected %v", err, c.status)
		}
		if len(response.History()) != 1 {
			t.Errorf("%+v", response.History())
		}
	}
}

type question struct {
	Word string `json:"word"`
}
type answer struct {
	Letters int `json:"letters"`
}

func TestTypedCallsAndHandlers(t *testing.T) {
	m := open(t, llmq.Config{Models: []llmq.Model{{Name: "m"}, {Name: "list"}}})
	err := llmq.HandleJSON(m, "m", func(_ context.Context, q question) (answer, *llmq.Usage, error) {
		return answer{len(q.Word)}, &llmq.Usage{InputTokens: 1, OutputTokens: 2}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, response, err := llmq.Call[question, answer](within(t), m, "m", question{"river"},
		func(r *llmq.Request) { r.Tenant = "t" })
	if err != nil || got.Letters != 5 || response.Usage.OutputTokens != 2 {
		t.Error(got, response, err)
	}
	if _, _, err := llmq.Call[[]int, answer](within(t), m, "m", []int{1}); !errors.Is(err, llmq.ErrBadRequest) {
		t.Error(err)
	}
	if _, _, err := llmq.Call[question, []int](within(t), m, "m", question{}); !errors.Is(err, llmq.ErrProcessing) {
		t.Error(err)
	}
	if _, _, err := llmq.Call[func(), answer](within(t), m, "m", nil); !errors.Is(err, llmq.ErrInvalidValue) {
		t.Error(err)
	}
}

func TestModelsAndSettingsChangeWhileItRuns(t *testing.T) {
	m := open(t, mock(0))
	more := llmq.Config{Models: []llmq.Model{{Name: "n", Provider: "mock"}}}
	if err := m.RegisterModels(more); err != nil {
		t.Fatal(err)
	}
	if err := m.RegisterModels(more); !errors.Is(err, llmq.ErrModelExists) {
		t.Error(err)
	}
	if err := m.RegisterNewModels(more); err != nil {
		t.Error(err)
	}
	if names, err := m.Models(); err != nil || fmt.Sprint(names) != "[m n]" {
		t.Error(names, err)
	}
	if err := m.Set("model.n.rpm", "17"); err != nil {
		t.Error(err)
	}
	if info, err := m.Info("n"); err != nil || !bytes.Contains(info, []byte("17")) {
		t.Error(string(info), err)
	}
	if err := m.Set("model.n.rpmm", "17"); !errors.Is(err, llmq.ErrUnknownKey) {
		t.Error(err)
	}
	if err := m.RemoveModel("n", llmq.ShutdownDrain); err != nil {
		t.Error(err)
	}
	if _, err := m.Info("n"); !errors.Is(err, llmq.ErrUnknownModel) {
		t.Error(err)
	}
}

func TestStatsEstimatesAndWaits(t *testing.T) {
	m := open(t, mock(forever, llmq.Limit{Concurrency: 1}))
	if usage, err := m.Estimate(request()); err != nil || usage.InputTokens == 0 || usage.OutputTokens != 20 {
		t.Error(usage, err)
	}
	if err := m.Check(llmq.Request{Model: "nobody"}); !errors.Is(err, llmq.ErrUnknownModel) {
		t.Error(err)
	}
	all, err := m.SubmitBatch(within(t), []llmq.Request{request(), request(), request()})
	if err != nil {
		t.Fatal(err)
	}
	if wait, err := m.WaitEstimate(all[2].ID()); err != nil || wait.Position != 2 {
		t.Errorf("%+v %v", wait, err)
	}
	if _, err := m.Peek(all[0].ID()); !errors.Is(err, llmq.ErrAgain) {
		t.Error(err)
	}
	for _, one := range all {
		one.Cancel()
		one.Wait(within(t))
	}
	if response, err := m.Peek(all[0].ID()); err != nil || response.State != llmq.StateCancelled {
		t.Error(response, err)
	}
	m.Info("")
	if stats, err := m.Stats("m"); err != nil || stats.Submitted != 3 || stats.Cancelled != 3 {
		t.Errorf("%+v %v", stats, err)
	}
	if text, err := m.StatsJSON(); err != nil || !bytes.Contains(text, []byte("joined")) {
		t.Error(string(text), err)
	}
}

func TestAfterCloseEverythingAnswersAndNothingHangs(t *testing.T) {
	m, err := llmq.Open(mock(forever))
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.SubmitBatch(context.Background(), []llmq.Request{request(), request()})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := 0; i < 4; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	for _, one := range all {
		response, err := one.Wait(within(t))
		if !errors.Is(err, llmq.ErrClosing) || response.State != llmq.StateCancelled {
			t.Error(response, err)
		}
	}
	if _, err := m.Do(within(t), request()); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
	if _, err := m.Info(""); !errors.Is(err, llmq.ErrClosed) {
		t.Error(err)
	}
}

func TestAShutdownWaitsAsLongAsItsContext(t *testing.T) {
	m, err := llmq.Open(mock(forever))
	if err != nil {
		t.Fatal(err)
	}
	pending, err := m.Submit(context.Background(), request())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := m.Shutdown(ctx, llmq.ShutdownDrain); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if _, err := pending.Wait(within(t)); !errors.Is(err, llmq.ErrClosing) {
		t.Error(err)
	}
}

// collector keeps log lines, and tells of each.
type collector struct {
	slog.Handler
	lines chan string
}

func (c collector) Enabled(context.Context, slog.Level) bool { return true }
func (c collector) Handle(_ context.Context, record slog.Record) error {
	c.lines <- record.Level.String() + " " + record.Message
	return nil
}

func TestLogLinesComeToTheLogger(t *testing.T) {
	lines := make(chan string, 1000)
	m := open(t, mock(0), llmq.WithLogger(slog.New(collector{lines: lines}), llmq.LogTrace))
	r := request()
	r.Key = "find me"
	if _, err := m.Do(within(t), r); err != nil {
		t.Fatal(err)
	}
	for ctx := within(t); ; {
		select {
		case line := <-lines:
			if strings.Contains(line, "find me") {
				return
			}
		case <-ctx.Done():
			t.Fatal("no line names the request")
		}
	}
}

func TestAHandlerOfLogLinesThatHangsHoldsUpNothing(t *testing.T) {
	lines := make(chan string)
	m := open(t, mock(0), llmq.WithLogger(slog.New(collector{lines: lines}), llmq.LogTrace))
	for i := 0; i < 500; i++ {
		if _, err := m.Do(within(t), request()); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		for range lines {
		}
	}()
}

// subprocess runs a function of this test binary, by name.
func subprocess(t *testing.T, name string, environment ...string) *exec.Cmd {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestSubprocess$")
	command.Env = append(append(os.Environ(), "LLMQ_SUBPROCESS="+name), environment...)
	return command
}

func TestSubprocess(t *testing.T) {
	switch os.Getenv("LLMQ_SUBPROCESS") {
	case "load":
		fmt.Println("version", llmq.Version(), "of", llmq.LibraryPath())
		fmt.Println("error:", llmq.Load())
	case "hang", "leave":
		m, err := llmq.Open(mock(forever), llmq.WithLogger(slog.Default(), llmq.LogTrace))
		if err != nil {
			t.Fatal(err)
		}
		pending, err := m.Submit(context.Background(), request())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println("ready")
		if os.Getenv("LLMQ_SUBPROCESS") == "hang" {
			pending.Wait(context.Background())
		}
		os.Exit(0)
	default:
		t.Skip("for other tests alone")
	}
}

func TestAProgramEndsAtOnceWithRequestsUnderWay(t *testing.T) {
	for _, name := range []string{"leave", "hang"} {
		command := subprocess(t, name)
		output, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(output)
		for lines.Scan() && lines.Text() != "ready" {
		}
		began := time.Now()
		if name == "hang" {
			command.Process.Signal(syscall.SIGINT)
		}
		for lines.Scan() {
		}
		err = command.Wait()
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s: it took %v", name, took)
		}
		if (err == nil) != (name == "leave") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestALibraryThatCannotBeUsedIsNamed(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libllmq.so")
	if err := os.WriteFile(text, []byte("no library"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, "/nowhere/libllmq.so", "libc.so.6"} {
		output, err := subprocess(t, "load", "LLMQ_LIBRARY="+path).CombinedOutput()
		if err != nil || !bytes.Contains(output, []byte(path)) || !bytes.Contains(output, []byte("error: llmq:")) {
			t.Errorf("%s: %s %v", path, output, err)
		}
	}
}

func TestALibraryOfAnotherVersionIsRefusedWithBothVersions(t *testing.T) {
	folder := t.TempDir()
	source, library := filepath.Join(folder, "other.c"), filepath.Join(folder, "other.so")
	if err := os.WriteFile(source, []byte(`const char *llmq_version_string(void) { return "9.8.7"; }
unsigned llmq_abi_version(void) { return 99; }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", library, source).CombinedOutput(); err != nil {
		t.Fatal(string(output), err) // cgo needs a C compiler too
	}
	output, err := subprocess(t, "load", "LLMQ_LIBRARY="+library).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	for _, words := range []string{"0.1.0", "9.8.7", "interface 99", library} {
		if !bytes.Contains(output, []byte(words)) {
			t.Errorf("%q is not in %s", words, output)
		}
	}
}
