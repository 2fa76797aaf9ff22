# frozen_string_literal: true

# Basic usage: a model, a request, its answer.
require "llmq"

config = { models: [{ name: "gpt-4o-mini", provider: "mock", rpm: 500, concurrency: 8 }] }
body = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 20 }

LLMQ::Manager.open(config) do |manager|
  response = manager.call("gpt-4o-mini", body)
  puts response.json.dig("choices", 0, "message", "content")
  puts "#{response.usage.output_tokens} tokens, waited #{response.queued_s} s"
end
