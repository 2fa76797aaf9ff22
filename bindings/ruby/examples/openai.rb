# frozen_string_literal: true

# OpenAI, in both ways: called by llmq, and by an SDK on Faraday that one line takes over. LLMQ_MOCK_URL is
# the address of `llmq mock`; without it OpenAI itself is called, with the key in OPENAI_API_KEY.
require "faraday"
require "llmq"

mock = ENV.fetch("LLMQ_MOCK_URL", nil)
ENV["OPENAI_API_KEY"] ||= "none" if mock
url = mock || "https://api.openai.com/v1"
body = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Name a river." }], max_tokens: 20 }
model = { name: "gpt-4o-mini", rpm: 500, concurrency: 4 }

LLMQ::Manager.open({ models: [{ **model, provider: "openai", base_url: url }] }) do |manager|
  puts manager.call("gpt-4o-mini", body).json.dig("choices", 0, "message", "content")
end

LLMQ::Manager.open({ models: [model] }) do |manager|
  # The same with ruby-openai: OpenAI::Client.new { |faraday| LLMQ.wrap(faraday, manager) }
  sdk = Faraday.new(url, headers: { "Authorization" => "Bearer #{ENV.fetch("OPENAI_API_KEY")}",
                                    "Content-Type" => "application/json" })
  LLMQ.wrap(sdk, manager)
  answer = sdk.post("chat/completions", JSON.generate(body))
  puts JSON.parse(answer.body).dig("choices", 0, "message", "content")
  manager.info
  puts "#{manager.stats.output_tokens} output tokens"
end
