// The SDK's retries under a cap of concurrency: p-limit knows no rate.
import pLimit from "p-limit";
import { CONCURRENCY, call, runAll } from "./common.mjs";

const limit = pLimit(CONCURRENCY);
await runAll((body) => limit(() => call(body)));
