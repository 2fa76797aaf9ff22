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
	"regexp"
	"slices"
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

// The median of five counts: one program that a busy machine has held up says nothing, and most of them
// being late does.
func TestAProgramEndsWithinASecondWithRequestsUnderWay(t *testing.T) {
	for _, name := range []string{"leave", "hang", "context"} {
		took := make([]time.Duration, 5)
		for i := range took {
			took[i] = ending(t, name)
		}
		slices.Sort(took)
		t.Logf("%s: %v", name, took)
		if took[2] > time.Second {
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

// library compiles a library that is not this one.
func library(t *testing.T, source string) string {
	t.Helper()
	folder := t.TempDir()
	file, path := filepath.Join(folder, "other.c"), filepath.Join(folder, "other.so")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("cc", "-shared", "-fPIC", "-o", path, file).CombinedOutput(); err != nil {
		t.Fatal(string(output), err) // cgo needs a C compiler too
	}
	return path
}

// functions are the names of all that this package needs.
func functions(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile("functions.h")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`X\([^,]+, (llmq_\w+),`).FindAllStringSubmatch(string(text), -1) {
		names = append(names, found[1])
	}
	return names
}

func TestALibraryOfAnotherVersionIsRefusedWithBothVersionsAndPaths(t *testing.T) {
	text, err := os.ReadFile("constants.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`abiVersion += (\d+)`).FindSubmatch(text)
	if found == nil {
		t.Fatal("constants.go does not say which interface this is")
	}
	abi := string(found[1])
	const version = `const char *llmq_version_string(void) { return "9.8.7"; }
`
	small := version + "unsigned llmq_abi_version(void) { return " + abi + "; }\n" +
		"unsigned long llmq_sizeof(int what) { return what == 1 ? 4096 : 8; }\n"
	for _, name := range functions(t) {
		if name != "llmq_version_string" && name != "llmq_abi_version" && name != "llmq_sizeof" {
			small += "void " + name + "(void) {}\n"
		}
	}
	for _, c := range []struct{ source, abi, why string }{
		{version + "unsigned llmq_abi_version(void) { return 99; }\n", "99", "the interfaces differ"},
		{version + "unsigned llmq_abi_version(void) { return " + abi + "; }\n", abi, "it has no function llmq_"},
		{small, abi, "its struct number 2 has 8 bytes, not "},
	} {
		path := library(t, c.source)
		output, err := subprocess(t, "load", "LLMQ_LIBRARY="+path).CombinedOutput()
		if err != nil {
			t.Fatal(string(output), err)
		}
		for _, words := range []string{"version 0.1.0 (interface " + abi + ") in " + os.Args[0] + " ",
			"version 9.8.7 (interface " + c.abi + ") of " + path + ": ", c.why} {
			if !bytes.Contains(output, []byte(words)) {
				t.Errorf("%q is not in %s", words, output)
			}
		}
	}
}

// The two places that have nothing to do with what is installed here; test.sh asks for the others.
func TestTheLibraryIsTheOneThatWasNamedElseTheBundledOne(t *testing.T) {
	prefix := os.Getenv("LLMQ_TEST_PREFIX")
	if prefix == "" {
		t.Skip("LLMQ_TEST_PREFIX does not name an installed llmq")
	}
	named, err := filepath.Abs(filepath.Join(prefix, "lib", "libllmq.so"))
	if err != nil {
		t.Fatal(err)
	}
	for place, library := range map[string]string{named: named, "bundled": ""} {
		output, err := subprocess(t, "load", "LLMQ_LIBRARY="+library).CombinedOutput()
		if err != nil || !bytes.Contains(output, []byte("version 0.1.0 of "+place+"\nerror: <nil>")) {
			t.Errorf("%s: %s %v", place, output, err)
		}
	}
}
