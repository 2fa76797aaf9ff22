// An interval cap in strict mode, which its README recommends for APIs with strict limits. It counts tasks and
// knows no tokens; with "by-hand" the cap is lowered to what the mean request leaves of the tokens.
import PQueue from "p-queue";
import { CONCURRENCY, PERIOD_MS, REQUESTS, TOKENS, bodies, call, runAll, tokensOf } from "./common.mjs";

const mean = bodies.reduce((sum, body) => sum + tokensOf(body), 0) / bodies.length;
const byHand = Math.min(REQUESTS, Math.floor(TOKENS / mean));
const queue = new PQueue({
  concurrency: CONCURRENCY,
  intervalCap: process.argv[4] === "by-hand" ? byHand : REQUESTS,
  interval: PERIOD_MS,
  strict: true,
});
await runAll((body) => queue.add(() => call(body)));
