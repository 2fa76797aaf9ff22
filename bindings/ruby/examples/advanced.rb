# frozen_string_literal: true

# Tenants, priorities, a processor, permits, live changes, log lines, fibers and counters.
require "async"
require "llmq"
require "logger"

config = {
  tenants: [{ name: "live", weight: 4 }, { name: "nightly", weight: 1 }],
  models: [{ name: "m", provider: "mock", mock: { latency_ms: 5 }, concurrency: 1 },
           { name: "own", concurrency: 2 }, { name: "permits", concurrency: 1 }]
}
body = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 5 }

LLMQ::Manager.open(config, logger: Logger.new($stdout, level: Logger::INFO)) do |manager|
  order = Thread::Queue.new
  Async do |task|
    [%w[nightly batch], %w[live normal]].each do |tenant, priority|
      4.times do
        task.async do
          manager.call("m", body, tenant: tenant, priority: priority.to_sym)
          order << "#{tenant}/#{priority}"
        end
      end
    end
  end
  puts Array.new(order.size) { order.pop }.join(" ")

  manager.set_processor("own") do |job|
    job.usage = LLMQ::Usage.new(input_tokens: 3, output_tokens: 1)
    LLMQ::Ref.new(job.object.sum)
  end
  puts manager.call("own", LLMQ::Ref.new([1, 2, 3])).value

  # A call of your own takes a permit: the limits hold, nothing else is llmq's.
  manager.acquire("permits", est_input_tokens: 5, est_output_tokens: 5) do |permit|
    permit.usage = LLMQ::Usage.new(input_tokens: 5, output_tokens: 3)
  end

  manager.set("model.m.concurrency", 4)
  manager.info
  puts "#{manager.stats.completed} completed"
end
