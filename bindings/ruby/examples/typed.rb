# frozen_string_literal: true

# A model whose requests and answers have types.
require "llmq"

Question = Struct.new(:text, :words, keyword_init: true) do
  def to_payload
    { messages: [{ role: "user", content: text }], max_tokens: words * 2 }
  end
end
Answer = Struct.new(:text, :tokens, keyword_init: true) do
  def self.of(bytes)
    told = JSON.parse(bytes)
    new(text: told.dig("choices", 0, "message", "content"), tokens: told.dig("usage", "completion_tokens"))
  end
end

LLMQ::Manager.open({ models: [{ name: "gpt-4o-mini", provider: "mock" }] }) do |manager|
  model = manager.model("gpt-4o-mini", encode: :to_payload.to_proc, decode: Answer.method(:of))
  answer = model.call(Question.new(text: "Name a river.", words: 5)).value
  puts "#{answer.text} (#{answer.tokens} tokens)"
  questions = %w[river lake sea].map { |what| Question.new(text: "Name a #{what}.", words: 5) }
  model.call_many(questions).each { |response| puts response.value.text }
end
