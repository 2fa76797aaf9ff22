"""A process does not grow with the requests that it has made."""

import json

#: So many requests, of which the first fifth fills what is kept: histories, arenas, caches.
REQUESTS = 1_000_000
#: Bytes that all further ones may add.
MOST = 16 << 20

PROGRAM = f"""
import json, resource
from pathlib import Path
import llmq
BODY = b'{{"messages":[{{"role":"user","content":"Name a river."}}],"max_tokens":1}}'
MODEL = {{"name": "m", "provider": "mock", "mock": {{"latency_ms": 0}}, "max_in_flight": 1000000}}

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

with llmq.Manager({{"models": [MODEL]}}) as manager:
    made, early = 0, 0
    while made < {REQUESTS}:
        assert all(answer.ok for answer in manager.call_many("m", [BODY] * 256))
        made += 256
        if not early and made >= {REQUESTS // 5}:
            early = resident()
    print(json.dumps([manager.stats().completed, early, resident()]))
"""


def test_a_million_requests(run_python):
    completed, early, late = json.loads(run_python(PROGRAM, seconds=600).stdout)
    assert completed >= REQUESTS
    assert early > 0
    assert late - early <= MOST, f"{early / 1e6:.1f} MB, then {late / 1e6:.1f} MB"
