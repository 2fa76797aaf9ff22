# frozen_string_literal: true

# What can go wrong, and how it is told.
require "llmq"

body = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 20 }
config = {
  models: [
    { name: "broken", provider: "mock", mock: { latency_ms: 1, fail_server: 1 },
      retry: { max_attempts: 2, base_ms: 1 } },
    { name: "silent", provider: "mock", mock: { fail_hang: 1 } }
  ]
}

LLMQ::Manager.open(config) do |manager|
  [["unknown", {}], ["broken", {}], ["silent", { deadline: 0.05 }]].each do |model, options|
    manager.call(model, body, **options)
  rescue LLMQ::Error => e
    puts "#{e.class}, #{e.status_name}: #{e.message} (#{e.response&.attempts || 0} attempts)"
    e.response&.history&.each { |attempt| puts "  #{attempt.number}: #{attempt.status} #{attempt.message}" }
  end
  begin
    manager.set("model.broken.rmp", 5)
  rescue LLMQ::InvalidArgumentError => e
    puts "#{e.status_name}: #{e.key}"
  end
  silent = manager.submit("silent", body)
  silent.cancel
  puts silent.response.status_name
end
