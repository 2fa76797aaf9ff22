"""What is measured: the shapes of the mock's limits, what llmq is told of them, and the bounds."""
from dataclasses import dataclass, field

REQUESTS_LIMIT = "requests=300/6s"
TOKENS_LIMIT = "tokens=60000/6s"
CONCURRENCY_LIMIT = "concurrency=200"


@dataclass(frozen=True)
class Bound:
    refused_percent: float  # 429s as a share of all calls
    over_ideal: float       # last accepted call over ideal

    def __str__(self):
        return f"{self.refused_percent:g} % / {self.over_ideal:g}"


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    shape: str = ""         # what the mock's rate limits are besides their numbers
    mock: tuple = ()        # further flags of the mock
    told: str = ""          # what llmq's rate limits say besides their numbers
    bound: Bound | None = None  # None: reported, not judged
    against_sliding: bool = False  # fixed windows that nothing tells of: nobody can know the edges
    peers: bool = False
    rates: tuple = (REQUESTS_LIMIT, TOKENS_LIMIT)
    concurrency: str = CONCURRENCY_LIMIT
    most_requests: int = 800
    hidden: bool = field(default=False)  # runs only when --case names it

    def mock_limits(self):
        return [rate + self.shape for rate in self.rates] + [self.concurrency]

    def client_limits(self):
        return [rate + self.told for rate in self.rates] + [self.concurrency]


EXACT = Bound(0.5, 1.05)
SLICED = Bound(0.5, 1.12)
HIDDEN = Bound(5, 1.20)
BLIND = Bound(2, 1.30)
BUCKET_1 = ",shape=bucket,burst=1.0"
BUCKET_01 = ",shape=bucket,burst=0.1"
QUANTISED = ",shape=quantised,slice=1s"
HEADERS_OFF = ("--headers", "off")

CASES = (
    Case("bucket_1", "token bucket, burst 1.0", BUCKET_1, bound=EXACT, peers=True),
    Case("bucket_01", "token bucket, burst 0.1", BUCKET_01, bound=EXACT, peers=True),
    Case("fixed", "fixed window", ",shape=fixed", bound=EXACT, peers=True),
    Case("sliding", "sliding window", bound=EXACT, peers=True),
    Case("quantised_declared", "slices of 1 s, declared", QUANTISED, told=",shape=quantised", bound=SLICED),
    Case("quantised", "slices of 1 s, shown by headers", QUANTISED, bound=SLICED, peers=True),
    Case("quantised_hidden", "slices of 1 s, hidden by headers", QUANTISED + ",headers=bucket", bound=HIDDEN),
    Case("off_bucket_1", "no headers: bucket, burst 1.0", BUCKET_1, HEADERS_OFF, bound=BLIND),
    Case("off_bucket_01", "no headers: bucket, burst 0.1", BUCKET_01, HEADERS_OFF, bound=BLIND),
    Case("off_fixed", "no headers: fixed window", ",shape=fixed", HEADERS_OFF, bound=BLIND, against_sliding=True),
    Case("off_sliding", "no headers: sliding window", "", HEADERS_OFF, bound=BLIND),
    Case("off_quantised", "no headers: slices of 1 s", QUANTISED, HEADERS_OFF, bound=BLIND),
    Case("charge_input", "sliding, charged for input only", "", ("--charge", "input")),
    Case("charge_completion", "sliding, charged at completion", "", ("--charge", "completion")),
    Case("two_bucket", "two-bucket counter", ",shape=two_bucket"),
    Case("latency_short", "sliding, answers after 50 to 150 ms", "", ("--latency", "50ms..150ms")),
    Case("latency_long", "sliding, answers after 500 to 1500 ms", "", ("--latency", "500ms..1500ms")),
    Case("smoke", "short run that tests the harness itself", bound=Bound(50, 20), hidden=True,
         rates=("requests=30/1s", "tokens=60000/1s"), concurrency="concurrency=20", most_requests=60),
)
