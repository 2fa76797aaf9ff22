# frozen_string_literal: true

require_relative "support"

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
end
