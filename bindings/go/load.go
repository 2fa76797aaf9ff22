package llmq

// #cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter -I${SRCDIR}/include -I${SRCDIR}/../../include
// #cgo linux LDFLAGS: -ldl
// #include <stdlib.h>
// #include "native.h"
import "C"

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"
)

// A package that carries the library has it here.
//
//go:embed all:bundle
var bundle embed.FS

const bundledName = "bundle/libllmq.so"

// EnvLibrary is the environment variable that names the library to load, before all other places.
const EnvLibrary = "LLMQ_LIBRARY"

var loading struct {
	once sync.Once
	err  error
	from string
}

// Load loads libllmq, once: what is called first does it, so that nobody has to. The library is
// looked for in LLMQ_LIBRARY, then in this package (if it was built with one), then where the system
// looks for libraries, then where pkg-config finds llmq. A library that this package cannot use is
// an error that names both versions, the program that this package is in, and where the library is.
func Load() error {
	loading.once.Do(func() { loading.err = load() })
	return loading.err
}

// Version is the version of the library in use, "0.1.0"; "" if none can be loaded.
func Version() string {
	if Load() != nil {
		return ""
	}
	return C.GoString(C.llmq_version_string())
}

// LibraryPath tells the file that the library in use was loaded from; "bundled" if it came with this
// package; "" if none can be loaded.
func LibraryPath() string {
	if Load() != nil {
		return ""
	}
	return loading.from
}

func load() error {
	library, from, err := find()
	if err != nil {
		return err
	}
	if path := C.GoString(C.lq_library_path(library)); path != "" && from != "bundled" {
		from = path
	}
	if err := check(library, from); err != nil {
		return err
	}
	loading.from = from
	return nil
}

// find opens the first library there is. One that was asked for by name is the only one looked at.
func find() (unsafe.Pointer, string, error) {
	if path := os.Getenv(EnvLibrary); path != "" {
		library, err := openFile(path)
		if err != nil {
			err = fmt.Errorf("llmq: %s=%s: %w", EnvLibrary, path, err)
		}
		return library, path, err
	}
	if bytes, err := bundle.ReadFile(bundledName); err == nil {
		library, err := openBytes(bytes)
		if err != nil {
			err = fmt.Errorf("llmq: the library in this package: %w", err)
		}
		return library, "bundled", err
	}
	soname := fmt.Sprintf("libllmq.so.%d", versionMajor)
	library, err := openFile(soname)
	if err == nil {
		return library, soname, nil
	}
	folder, unknown := exec.Command("pkg-config", "--variable=libdir", "llmq").Output()
	if unknown != nil {
		return nil, "", fmt.Errorf("llmq: no library: %s is not set, this package holds none, "+
			"the system has none (%w), pkg-config knows none", EnvLibrary, err)
	}
	path := filepath.Join(strings.TrimSpace(string(folder)), soname)
	if library, err = openFile(path); err != nil {
		err = fmt.Errorf("llmq: pkg-config names %s: %w", path, err)
	}
	return library, path, err
}

func openFile(path string) (unsafe.Pointer, error) {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	var text [512]C.char
	library := C.lq_open(name, &text[0], C.size_t(len(text)))
	if library == nil {
		return nil, errors.New(C.GoString(&text[0]))
	}
	return library, nil
}

func openBytes(bytes []byte) (unsafe.Pointer, error) {
	var text [512]C.char
	library := C.lq_open_bytes(unsafe.Pointer(unsafe.SliceData(bytes)), C.size_t(len(bytes)),
		&text[0], C.size_t(len(text)))
	if library == nil {
		return nil, errors.New(C.GoString(&text[0]))
	}
	return library, nil
}

// check refuses a library whose functions or structs are not those of this package. A newer one may
// have more of both.
func check(library unsafe.Pointer, from string) error {
	var version *C.char
	var abi C.uint32_t
	C.lq_identify(library, &version, &abi)
	if version == nil {
		return fmt.Errorf("llmq: %s is not libllmq", from)
	}
	mine := fmt.Sprintf("%d.%d.%d", versionMajor, versionMinor, versionPatch)
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	differ := func(what string, args ...any) error {
		return fmt.Errorf("llmq: package version %s (interface %d) in %s cannot use library version %s "+
			"(interface %d) of %s: %s", mine, abiVersion, program, C.GoString(version), uint32(abi), from,
			fmt.Sprintf(what, args...))
	}
	if abi != abiVersion {
		return differ("the interfaces differ")
	}
	if missing := C.lq_bind(library); missing != nil {
		return differ("it has no function %s", C.GoString(missing))
	}
	for what := C.int32_t(1); C.lq_sizeof(what) != 0; what++ {
		ours, theirs := C.lq_sizeof(what), C.llmq_sizeof(what)
		if theirs < ours {
			return differ("its struct number %d has %d bytes, not %d", what, theirs, ours)
		}
	}
	return nil
}
