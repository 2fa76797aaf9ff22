# frozen_string_literal: true

# Anthropic, streamed. LLMQ_MOCK_URL is the address of `llmq mock`; without it Anthropic itself is called,
# with the key in ANTHROPIC_API_KEY.
require "llmq"

mock = ENV.fetch("LLMQ_MOCK_URL", nil)
ENV["ANTHROPIC_API_KEY"] ||= "none" if mock
model = { name: "claude-sonnet-4", provider: "anthropic",
          limits: [{ output_tokens: 8000, per: "1m" }, { concurrency: 4 }] }
model[:base_url] = mock if mock
body = { model: "claude-sonnet-4", messages: [{ role: "user", content: "Name a river." }], max_tokens: 40 }

LLMQ::Manager.open({ models: [model] }) do |manager|
  manager.stream("claude-sonnet-4", body, operation: :messages) do |stream|
    stream.each { |chunk| print(chunk.json.dig("delta", "text")) }
    puts
    puts "#{stream.response.usage.output_tokens} output tokens"
  end
end
