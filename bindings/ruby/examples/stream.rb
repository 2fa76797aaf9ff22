# frozen_string_literal: true

# A response that is read while it comes: an Enumerable of chunks.
require "llmq"

config = { models: [{ name: "m", provider: "mock" }] }
body = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 20 }

LLMQ::Manager.open(config) do |manager|
  manager.stream("m", body).each do |chunk|
    print(chunk.json.dig("choices", 0, "delta", "content"))
  end
  puts
  # Who leaves early cancels the request.
  puts manager.stream("m", body).first.json["object"]
end
