package llmq

// #include "native.h"
import "C"

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
)

// Level is the level of log/slog that a level of the library is logged at.
func (l LogLevel) Level() slog.Level {
	switch {
	case l <= LogTrace:
		return slog.LevelDebug - 4
	case l == LogDebug:
		return slog.LevelDebug
	case l == LogInfo:
		return slog.LevelInfo
	case l == LogWarn:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}

// startLog lets log lines of managers made from the settings come to the logger, until the last of
// them is gone.
func startLog(c *conf, logger *slog.Logger, level LogLevel) error {
	var fd C.int
	status := C.lq_log_to_socket(c.raw, C.int32_t(level), &fd)
	if status != C.LLMQ_OK {
		return failure(status, nil)
	}
	go passLines(os.NewFile(uintptr(fd), "llmq log"), logger)
	return nil
}

func passLines(lines *os.File, logger *slog.Logger) {
	defer lines.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := lines.Read(buffer)
		if err != nil || n < 4 {
			return
		}
		level := LogLevel(binary.NativeEndian.Uint32(buffer))
		logger.Log(context.Background(), level.Level(), string(buffer[4:n]))
		if lost := C.lq_log_lost(); lost > 0 {
			logger.Warn(fmt.Sprintf("llmq: %d log lines were lost: the handler is too slow", lost))
		}
	}
}
