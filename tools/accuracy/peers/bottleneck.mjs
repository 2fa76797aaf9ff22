// Reservoirs for requests and tokens, and minTime to spread the load, as its README strongly recommends.
import Bottleneck from "bottleneck";
import { CONCURRENCY, PERIOD_MS, REQUESTS, TOKENS, call, runAll, tokensOf } from "./common.mjs";

const reservoir = (amount) => ({
  reservoir: amount,
  reservoirRefreshAmount: amount,
  reservoirRefreshInterval: PERIOD_MS,
});
const requests = new Bottleneck({
  ...reservoir(REQUESTS),
  maxConcurrent: CONCURRENCY,
  minTime: PERIOD_MS / REQUESTS,
});
const tokens = new Bottleneck(reservoir(TOKENS));

// Not chain(): it would hand the weight in tokens to the limiter of requests too.
await runAll((body) => tokens.schedule({ weight: tokensOf(body) }, () => requests.schedule(() => call(body))));
