# What the parts of programs in bindings/ruby/README.md stand in: a manager, and stand-ins of what is not llmq's.
require "async"
require "json"
require "llmq"

config = { models: %w[gpt-4o gpt-4o-mini].map { |name| { name: name, provider: "mock", rpm: 60_000 } } }
body = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 20 }
some_object = Object.new
path = "/v1/chat/completions"
answered = Struct.new(:headers).new({ "x-ratelimit-limit-requests" => "500" })
http = Object.new
http.define_singleton_method(:post) { |*_| answered }
vault = Object.new
vault.define_singleton_method(:read) { |path| path }
metrics = Object.new
metrics.define_singleton_method(:count) { |_type, model:| model }
manager = LLMQ::Manager.new(config)
/* @SNIPPET@ */
manager.close
