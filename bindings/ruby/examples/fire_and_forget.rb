# frozen_string_literal: true

# Requests that nobody waits for: the end of the block waits for all.
require "llmq"

config = { models: [{ name: "m", provider: "mock", mock: { latency_ms: 20 }, concurrency: 3 }] }
done = 0
LLMQ::Manager.open(config) do |manager|
  10.times do |i|
    body = { messages: [{ role: "user", content: "Note #{i}." }], max_tokens: 5 }
    manager.submit("m", body).on_done { |response| done += 1 if response.ok? }
  end
end
puts "#{done} done"
