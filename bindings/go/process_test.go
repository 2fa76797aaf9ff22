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
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"llmq"
)

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
	case "hang", "leave", "context":
		end(t, os.Getenv("LLMQ_SUBPROCESS"))
	default:
		t.Skip("for other tests alone")
	}
}

// end ends a program in some way while a request is under way.
func end(t *testing.T, how string) {
	m, err := llmq.Open(mock(forever), llmq.WithLogger(slog.Default(), llmq.LogTrace))
	if err != nil {
		t.Fatal(err)
	}
	pending, err := m.Submit(context.Background(), request())
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.Background(), func() {}
	if how == "context" {
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGINT)
	}
	fmt.Println("ready")
	switch how {
	case "context":
		_, err := m.Do(ctx, request())
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		stop()
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	case "hang":
		pending.Wait(ctx)
	}
	os.Exit(0)
}

// ending is how long a program takes from the signal, or from when it is ready, to its end.
func ending(t *testing.T, name string) time.Duration {
	// The race detector would wait for a second at the end.
	command := subprocess(t, name, "GORACE=atexit_sleep_ms=0")
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
	if name != "leave" {
		command.Process.Signal(syscall.SIGINT)
	}
	for lines.Scan() {
	}
	err = command.Wait()
	took := time.Since(began)
	if (err != nil) != (name == "hang") {
		t.Errorf("%s: %v", name, err)
	}
	return took
}

// On a machine that does other things the best of a few tries counts.
func TestAProgramEndsWithinASecondWithRequestsUnderWay(t *testing.T) {
	for _, name := range []string{"leave", "hang", "context"} {
		took := ending(t, name)
		for tries := 1; took > time.Second && tries < 5; tries++ {
			took = ending(t, name)
		}
		t.Logf("%s: %v", name, took)
		if took > time.Second {
			t.Errorf("%s: it took %v", name, took)
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
