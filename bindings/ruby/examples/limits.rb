# frozen_string_literal: true

# Calls at a time, and calls per period: two limits of different kinds, and several at once.
require "llmq"

answers = { provider: "mock", mock: { latency_ms: 50 } }
config = {
  models: [
    { name: "at-a-time", **answers, concurrency: 2 },
    { name: "per-period", **answers, limits: [{ requests: 20, per: "1s" }] },
    { name: "both", **answers, pool: ["account"],
      limits: [{ requests: 30, per: "1s" }, { tokens: 100_000, per: "1m" }, { concurrency: 5 }] }
  ],
  pools: [{ name: "account", limits: [{ tokens: 2_000_000, per: "1d" }] }]
}
body = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 10 }

LLMQ::Manager.open(config) do |manager|
  manager.models.each do |model|
    responses = manager.call_many(model, [body] * 20)
    last = responses.map { |response| response.queued_s + response.run_s }.max
    puts "#{model}: #{responses.count(&:ok?)} of 20 in #{(last * 1000).round} ms"
  end
end
