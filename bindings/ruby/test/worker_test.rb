# frozen_string_literal: true

require_relative "support"
require "stringio"

# Models without a provider: blocks that run their attempts.
class WorkerTest < Minitest::Test
  include Support

  def test_the_block_sees_the_request
    made = manager
    made.set_processor("own") do |job|
      job.usage = LLMQ::Usage.new(input_tokens: 3, output_tokens: 4)
      { model: job.model, tenant: job.tenant, key: job.request_key, metadata: job.metadata, text: job.text,
        json: job.json, number: job.number, streams: job.streams? }
    end
    response = made.call("own", { a: 1 }, tenant: "t", request_key: "k", metadata: "m")
    assert_equal({ "model" => "own", "tenant" => "t", "key" => "k", "metadata" => "m", "text" => '{"a":1}',
                   "json" => { "a" => 1 }, "number" => 1, "streams" => false }, response.json)
    assert_equal(LLMQ::Usage.new(input_tokens: 3, output_tokens: 4), response.usage)
  end

  def test_objects_by_reference
    made = manager
    made.set_processor("own") { |job| job.object ? LLMQ::Ref.new([job.object]) : LLMQ::Ref.new(nil) }
    object = Object.new
    assert_same(object, made.call("own", LLMQ::Ref.new(object)).value[0])
    assert_equal([[1], [2]], made.call_many("own", [LLMQ::Ref.new(1), LLMQ::Ref.new(2)]).map(&:value))
    error = assert_raises(LLMQ::ProcessingError) { made.call("own", "bytes") }
    assert_match(/a Ref answers a request whose payload is a Ref/, error.message)
    assert_raises(ArgumentError) { made.call("own", LLMQ::Ref.new(1), dedup_key: "x") }
    assert_empty(made.instance_variable_get(:@core).objects)
  end

  def test_what_is_raised_fails_the_request_and_nothing_else
    made = manager
    made.set_processor("own") do |job|
      case job.text
      when "standard" then raise IOError, "on purpose"
      when "exit" then exit
      when "none" then 7
      when "status" then raise LLMQ::ContentFilterError, "no"
      else "fine"
      end
    end
    { "standard" => "on purpose", "exit" => "exit", "none" => "a payload must be" }.each do |payload, words|
      error = assert_raises(LLMQ::ProcessingError) { made.call("own", payload) }
      assert_includes(error.message, words)
      assert_equal(1, error.response.attempts)
    end
    assert_raises(LLMQ::ContentFilterError) { made.call("own", "status") }
    assert_equal("fine", made.call("own", "x").text)
  end

  # Sets what no attempt can have taken, gives what no answer can be, or raises what nobody can be told.
  USAGES = {
    LLMQ::Usage.new(input_tokens: -1) => "usage: input_tokens is -1, and must be 0 or more",
    LLMQ::Usage.new(output_tokens: 3.7) => "usage: output_tokens is 3.7, and must be a whole number",
    LLMQ::Usage.new(cost_micros: "12") => 'usage: cost_micros is "12", and must be a whole number',
    LLMQ::Usage.new(reasoning_tokens: nil) => "usage: reasoning_tokens is nil, and must be a whole number",
    LLMQ::Usage.new(input_tokens: 2**63) => "usage: input_tokens is #{2**63}, and must be less than 2**63",
    { input_tokens: 1 } => "usage: it is of Hash, and must be an LLMQ::Usage"
  }.freeze

  def test_a_usage_that_makes_no_sense_ends_its_attempt
    made = one_at_a_time
    usage = nil
    made.set_processor("own", threads: 1) { |job| (job.usage = usage) && "done" }
    USAGES.each do |wrong, words|
      usage = wrong
      error = assert_raises(LLMQ::ProcessingError) { made.call("own", "x", deadline: LONG) }
      assert_equal(words, error.message)
      assert_equal(1, error.response.attempts)
    end
    assert_raises(LLMQ::ProcessingError) { made.call("own", LLMQ::Ref.new(1), deadline: LONG) }
    usage = LLMQ::Usage.new(input_tokens: (2**63) - 1)
    assert_equal("done", made.call("own", "x", deadline: LONG).text)
  end

  def test_a_result_that_cannot_be_sent_ends_its_attempt
    made = one_at_a_time
    result = nil
    made.set_processor("own", threads: 1) { |_| result }
    ring = []
    ring << ring
    exits = Object.new
    def exits.to_json(*) = exit
    { [Float::NAN] => /NaN/, ring => /nesting/, ["\xFF"] => /character|utf-8/,
      [exits] => /exit/ }.each do |wrong, words|
      result = wrong
      error = assert_raises(LLMQ::ProcessingError) { made.call("own", "x", deadline: LONG) }
      assert_match(words, error.message)
    end
    result = "done"
    assert_equal("done", made.call("own", "x", deadline: LONG).text)
  end

  def test_a_retry_after_that_makes_no_sense_is_left_out
    log = StringIO.new
    made = one_at_a_time(logger: Logger.new(log, level: Logger::WARN))
    once = { max_attempts: 1, deadline: LONG }
    wait = nil
    made.set_processor("own", threads: 1) do |job|
      raise LLMQ::RateLimitedError.new("later", retry_after: wait) if job.text == "refuse"

      "done"
    end
    [-1, Float::NAN, Float::INFINITY, "2", 2i].each do |wrong|
      wait = wrong
      error = assert_raises(LLMQ::RateLimitedError) { made.call("own", "refuse", **once) }
      assert_equal(["later", nil], [error.message, error.retry_after])
      assert_equal("done", made.call("own", "x", deadline: LONG).text)
      assert_includes(log.string, "WARN -- llmq: retry_after is #{wrong.inspect}, and must be seconds")
    end
    wait = 1e300 # more than the library can count
    assert_raises(LLMQ::RateLimitedError) { made.call("own", "refuse", **once) }
  end

  def test_without_a_logger_it_is_printed
    made = one_at_a_time
    made.set_processor("own") { raise LLMQ::ServerError.new("broken", retry_after: -1) }
    _, told = capture_io do
      assert_raises(LLMQ::ServerError) { made.call("own", "x", max_attempts: 1, deadline: LONG) }
    end
    assert_match(/\Allmq: retry_after is -1, /, told)
  end

  # An exception that cannot even say what it is.
  class Mute < StandardError
    def message
      raise IOError, "no words"
    end
  end

  def test_a_block_that_ends_its_thread_ends_its_attempt_alone
    made = one_at_a_time
    made.set_processor("own", threads: 1) { |job| job.text == "exit" ? Thread.exit : "done" }
    3.times do
      error = assert_raises(LLMQ::ProcessingError) { made.call("own", "exit", deadline: LONG) }
      assert_equal("the block ended its thread", error.message)
      assert_equal("done", made.call("own", "x", deadline: LONG).text)
    end
  end

  def test_whatever_is_raised_ends_its_attempt
    made = one_at_a_time
    problem = nil
    made.set_processor("own", threads: 1) { |_| problem ? raise(problem) : "done" }
    { Mute.new => "WorkerTest::Mute", LLMQ::Error.new("symbol", status: :timeout) => "symbol",
      LLMQ::Error.new("fraction", status: -7.5) => "fraction", LLMQ::Error.new("fine", status: 0) => "fine",
      LLMQ::Error.new("far", status: -(2**40)) => "far",
      RuntimeError.new("a\0b") => "a\0b" }.each do |raised, words|
      problem = raised
      error = assert_raises(LLMQ::ProcessingError) { made.call("own", "x", deadline: LONG) }
      assert_equal(words, error.message)
    end
    problem = nil
    assert_equal("done", made.call("own", "x", deadline: LONG).text)
  end

  def test_a_failure_that_is_tried_again
    made = manager
    made.set_processor("own") do |job|
      raise LLMQ::RateLimitedError.new("later", retry_after: 0.02) if job.number == 1

      job.number.to_s
    end
    response = made.call("own", "x")
    assert_equal("2", response.text)
    assert_equal("later", response.history[0].message)
  end

  def test_a_cancelled_request_tells_its_block
    made = manager
    told = Thread::Queue.new
    made.set_processor("own") do |job|
      told << :begun
      told << job.wait_cancelled(LONG) << job.cancelled? << job.heartbeat
    end
    future = made.submit("own", "x")
    assert_equal(:begun, pop(told))
    future.cancel
    assert_equal([true, true, false], [pop(told), pop(told), pop(told)])
    assert_raises(LLMQ::RequestCancelledError) { future.result }
  end

  def test_a_lost_lease_is_tried_again
    made = manager
    go_on = Thread::Queue.new
    made.set_processor("own", lease: 0.1) do |job|
      next "second" if job.number == 2

      go_on.pop
      "too late"
    end
    response = made.call("own", "x")
    assert_equal("second", response.text)
    assert_equal("LLMQ_ERR_ABANDONED", response.history[0].status)
    go_on << true
  end

  def test_heartbeats_keep_a_lease
    made = manager
    # Longer than a machine holds a thread up, and outlived by the attempt.
    made.set_processor("own", lease: 1) do |job|
      ends = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 1.5
      beats = []
      while Process.clock_gettime(Process::CLOCK_MONOTONIC) < ends
        sleep(0.01)
        beats << job.heartbeat
      end
      beats.all?.to_s
    end
    response = made.call("own", "x")
    assert_equal("true", response.text)
    assert_equal(1, response.attempts)
  end

  def test_threads_are_bounded_and_used_again
    made = manager
    lock = Mutex.new
    running = most = 0
    made.set_processor("own", threads: 3) do |_|
      lock.synchronize { most = [most, running += 1].max }
      Thread.pass
      lock.synchronize { running -= 1 }
      Thread.current.object_id.to_s
    end
    threads = made.call_many("own", ["x"] * 100).map(&:text).uniq
    assert_operator(most, :<=, 3)
    assert_operator(threads.size, :<=, 3)
  end

  def test_a_processor_is_refused_where_it_does_not_belong
    made = manager
    assert_raises(LLMQ::UnsupportedError) { made.set_processor("m") { |_| nil } }
    assert_raises(LLMQ::UnknownModelError) { made.set_processor("no") { |_| nil } }
    assert_raises(ArgumentError) { made.set_processor("own") }
  end

  private

  # Whatever an attempt leaves behind, the next one waits for.
  def one_at_a_time(**options)
    manager({ models: [{ name: "own", concurrency: 1 }] }, **options)
  end
end
