"""The clients that llmq is compared with."""
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness import CannotRun

SOURCE = Path(__file__).resolve().parent / "peers"


@dataclass(frozen=True)
class Peer:
    name: str
    title: str
    language: str
    script: str
    arguments: tuple = ()

    def command(self, folder):
        program = "node" if self.language == "node" else str(folder / "venv/bin/python")
        return [program, str(folder / self.script)]


PEERS = (
    Peer("openai_p_limit", "openai (Node) + p-limit", "node", "openai_p_limit.mjs"),
    Peer("bottleneck", "openai (Node) + Bottleneck", "node", "bottleneck.mjs"),
    Peer("p_queue", "openai (Node) + p-queue, strict", "node", "p_queue.mjs"),
    Peer("p_queue_by_hand", "the same, its cap lowered by hand for the tokens", "node", "p_queue.mjs", ("by-hand",)),
    Peer("aiolimiter", "openai (Python) + aiolimiter", "python", "aiolimiter_openai.py"),
    Peer("litellm", "LiteLLM Router", "python", "litellm_router.py"),
)


def install(folder):
    """Puts the pinned packages into `folder`; needs the registries of npm and PyPI the first time."""
    if subprocess.run([SOURCE / "install.sh", folder]).returncode != 0:
        raise CannotRun("the peers cannot be installed")
