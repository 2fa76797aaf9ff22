// What the Node peers share: the requests, the SDK, and one line of JSON at the end.
import { readFileSync } from "node:fs";
import OpenAI from "openai";

const [baseURL, file] = process.argv.slice(2);

export const CONCURRENCY = 200;
export const REQUESTS = 300;
export const TOKENS = 60000;
export const PERIOD_MS = 6000;

export const bodies = readFileSync(file, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line).body);

// Exactly what the mock charges: a real client could not know better.
export function tokensOf(body) {
  const characters = body.messages.reduce((sum, message) => sum + [...message.content].length, 0);
  return Math.ceil(characters / 4) + body.max_tokens;
}

// Ten retries; the SDK's default is two.
const client = new OpenAI({ baseURL, apiKey: "none", maxRetries: 10 });

export const call = (body) => client.chat.completions.create(body);

// schedule(body) starts one call as the peer's limiter allows.
export async function runAll(schedule) {
  let completed = 0;
  let failed = 0;
  const report = () => console.log(JSON.stringify({ completed, failed }));
  process.on("SIGTERM", () => {
    report();
    process.exit(0);
  });
  await Promise.all(
    bodies.map(async (body) => {
      try {
        await schedule(body);
        ++completed;
      } catch (error) {
        ++failed;
        console.error(String(error));
      }
    }),
  );
  report();
  process.exit(0); // Bottleneck's timers would keep the process alive
}
