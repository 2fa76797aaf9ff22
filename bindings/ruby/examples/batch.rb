# frozen_string_literal: true

# Many requests at once: the fastest form, and different ones in one call.
require "llmq"

config = { models: [{ name: "m", provider: "mock", mock: { latency_ms: 1 } }] }
bodies = Array.new(1000) { |i| { messages: [{ role: "user", content: "Number #{i}." }], max_tokens: 3 } }

LLMQ::Manager.open(config) do |manager|
  responses = manager.call_many("m", bodies, priority: :batch)
  tokens = responses.sum { |response| response.usage.output_tokens }
  puts "#{responses.count(&:ok?)} answers, #{tokens} tokens"

  requests = bodies.first(2).map { |body| LLMQ::Request.new("m", body, tenant: "one") }
  requests << LLMQ::Request.new("unknown", bodies.last)
  begin
    manager.submit_batch(requests)
  rescue LLMQ::UnknownModelError => e
    puts "#{e.message}; before it #{e.accepted.count { |future| future.result.ok? }} were taken"
  end
end
