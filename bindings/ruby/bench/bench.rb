# frozen_string_literal: true

# What a request costs in Ruby beyond C, in batches of 256, and what waiting fibers cost. Run by bench.sh.
# CPU time of Ruby's threads, so that the library's own thread and other processes do not count.
require "async"
require "llmq"

BATCH = 256
FIBERS = 10_000
BODY = '{"messages":[{"role":"user","content":"Name a river."}],"max_tokens":1}'
CONFIG = {
  models: [{ name: "m", provider: "mock", mock: { latency_ms: 0 }, max_in_flight: 1_000_000 }],
  max_pending: 1_000_000
}.freeze
ROUNDS = 9

def cpu_ns
  Dir["/proc/self/task/*"].sum do |task|
    next 0 if File.read("#{task}/comm") == "llmq-loop\n"

    File.read("#{task}/schedstat").to_i
  end
end

def per_request(count)
  begin_ns = cpu_ns
  yield
  (cpu_ns - begin_ns) / 1e3 / count
end

def median(numbers)
  numbers.sort[numbers.size / 2]
end

def threads
  Dir["/proc/self/task/*"].size
end

# The same calls of the library, with nothing of Ruby for each request.
class PlainC
  def initialize(pointer)
    @pointer = pointer
    made = LLMQ::Native.made { |holder, _| LLMQ::Native.llmq_cq_create(holder) }
    @queue = FFI::AutoPointer.new(made, LLMQ::Native.method(:llmq_cq_unref))
    @events = FFI::MemoryPointer.new(LLMQ::Records::SIZE, BATCH)
    @events.put_uint32(0, LLMQ::Records::SIZE)
    @template = LLMQ::Wire::Templates.new(@queue, { "m" => false }).get("m", 0, {})
  end

  def run(batches)
    LLMQ::Wire::Scratch.lend do |scratch|
      scratch.records(@template, [BODY] * BATCH, Array.new(BATCH) { 0 }) do |records|
        batches.times { batch(scratch, records) }
      end
    end
  end

  # As fibers do it: each request by itself, and then all are drained.
  def one_by_one(count)
    LLMQ::Wire.one(@template, BODY, 0) do |record, id|
      count.times { LLMQ::Native.llmq_submit(@pointer, record, id) }
    end
    drain(count)
  end

  private

  def batch(scratch, records)
    LLMQ::Native.llmq_submit_batch(@pointer, records, LLMQ::Native::REQUEST_SIZE, BATCH, scratch.ids,
                                   scratch.accepted)
    drain(BATCH)
  end

  def drain(expected)
    come = 0
    while come < expected
      count = LLMQ::Native.llmq_cq_drain(@queue, @events, BATCH)
      LLMQ::Native.llmq_cq_wait(@queue, -1) if count.zero?
      LLMQ::Native.llmq_events_release(@events, LLMQ::Records::SIZE, count)
      come += count
    end
  end
end

def batches(manager, count)
  bodies = [BODY] * BATCH
  count.times do
    raise "not all were answered" unless manager.call_many("m", bodies).all? do |response|
                                           response.data.bytesize.positive?
                                         end
  end
end

# A fiber that waits for a queue, which another thread fills: what Ruby itself takes.
def bare_fibers
  asked = Thread::Queue.new
  answers = Thread.new do
    while (queue = asked.pop)
      queue.push(true)
    end
  end
  Async do |task|
    FIBERS.times do
      task.async do
        queue = Thread::Queue.new
        asked.push(queue)
        queue.pop
      end
    end
  end
  asked.close
  answers.join
end

def waiting_fibers(manager)
  answered = 0
  Async { |task| FIBERS.times { task.async { answered += 1 if manager.call("m", BODY).ok? } } }
  raise "#{answered} of #{FIBERS} answers" unless answered == FIBERS
end

def print_line(what, value, unit)
  puts("#{what.ljust(62)} #{value} #{unit}")
end

puts("Ruby #{RUBY_VERSION}, #{RubyVM::YJIT.enabled? ? "with" : "without"} YJIT") if defined?(RubyVM::YJIT)
LLMQ::Manager.open(CONFIG) do |manager|
  batches(manager, 200)
  plain = PlainC.new(manager.instance_variable_get(:@core).pointer)
  plain.run(200)
  # In turns, so that what else the machine does meets both alike.
  turns = Array.new(ROUNDS) do
    [per_request(200 * BATCH) { plain.run(200) }, per_request(200 * BATCH) { batches(manager, 200) }]
  end
  in_c, in_ruby = turns.transpose.map { |times| median(times) }
  print_line("a request in batches of 256", format("%.2f", in_ruby), "us")
  print_line("the same calls of C", format("%.2f", in_c), "us")
  print_line("Ruby beyond C (at most 2)", format("%.2f", in_ruby - in_c), "us")

  bare_fibers
  waiting_fibers(manager)
  before = threads
  most = 0
  watch = Thread.new { loop { most = [most, threads].max and sleep(0.005) } }
  waiting_fibers(manager)
  watch.kill
  turns = Array.new(ROUNDS) do
    [per_request(FIBERS) { bare_fibers }, per_request(FIBERS) { waiting_fibers(manager) },
     per_request(FIBERS) { plain.one_by_one(FIBERS) }]
  end
  bare, waiting, in_c = turns.transpose.map { |times| median(times) }
  print_line("a fiber that waits for a Thread::Queue, 10,000 at a time", format("%.2f", bare), "us")
  print_line("a fiber that waits for manager.call, 10,000 at a time", format("%.2f", waiting), "us")
  print_line("the same calls of C, 10,000 at a time", format("%.2f", in_c), "us")
  print_line("the fiber beyond C by the bare one (at most 1.5)", format("%.2f", (waiting - in_c) / bare), "")
  print_line("with what C takes", format("%.2f", waiting / bare), "")
  print_line("threads more while 10,000 wait (one is the benchmark's)", [most - before - 1, 0].max, "")
end
