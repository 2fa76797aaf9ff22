"""LiteLLM's Router with its limits enforced. It counts per minute: the same rates, ten times the period."""
import os

# Its lists come from the package, so that importing it fetches nothing from the network.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"

import litellm
from litellm import Router

from common import BASE_URL, BODIES, CONCURRENCY, PERIOD_S, REQUESTS, RETRIES, TOKENS, run_all

MODEL = BODIES[0]["model"]
litellm.suppress_debug_info = True
litellm.telemetry = False
router = Router(
    model_list=[{
        "model_name": MODEL,
        "litellm_params": {
            "model": f"openai/{MODEL}",
            "api_base": BASE_URL,
            "api_key": "none",
            "rpm": REQUESTS * 60 // PERIOD_S,
            "tpm": TOKENS * 60 // PERIOD_S,
            "max_parallel_requests": CONCURRENCY,
        },
    }],
    optional_pre_call_checks=["enforce_model_rate_limits"],
    num_retries=RETRIES,
)


async def call(body):
    await router.acompletion(**body)


run_all(call)
