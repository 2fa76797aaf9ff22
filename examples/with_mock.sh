#!/usr/bin/env bash
# with_mock.sh LLMQ PROGRAM: runs an example with LLMQ_MOCK, the address of a mock provider that `LLMQ mock` serves.
set -euo pipefail
coproc MOCK { exec "$1" mock 2>&1; }
mock=$MOCK_PID
trap 'kill "$mock"' EXIT
read -r line <&"${MOCK[0]}"
LLMQ_MOCK=$(grep -oE 'http://[^ /]+' <<<"$line")
export LLMQ_MOCK
"$2"
