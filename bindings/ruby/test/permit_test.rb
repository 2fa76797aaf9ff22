# frozen_string_literal: true

require_relative "support"
require "stringio"

# Permits: the caller makes the call itself.
class PermitTest < Minitest::Test
  include Support

  def test_a_block_has_the_permit
    made = one_at_a_time
    result = made.acquire("p", "x" * 40, tenant: "t") do |permit|
      assert_equal("p", permit.model)
      assert_equal("", permit.deployment)
      assert_nil(made.try_acquire("p"))
      assert(permit.heartbeat)
      permit.usage = LLMQ::Usage.new(input_tokens: 5)
      :result
    end
    assert_equal(:result, result)
    assert_equal([1, 5, 0], counters(made, :completed, :input_tokens, :processing))
  end

  def test_an_exception_in_the_block_is_told_and_goes_on
    made = one_at_a_time
    assert_raises(IOError) { made.acquire("p") { |_| raise IOError, "on purpose" } }
    assert_raises(LLMQ::RateLimitedError) { made.acquire("p") { |_| raise LLMQ::RateLimitedError } }
    catch(:out) { made.acquire("p") { |_| throw(:out) } }
    assert_equal([2, 1, 1], counters(made, :failed, :completed, :rate_limited))
  end

  def test_without_a_block_it_is_ended_once
    made = one_at_a_time
    permit = made.acquire("p")
    assert(permit.release(LLMQ::Usage.new))
    assert(permit.ended?)
    assert_raises(LLMQ::StaleError) { permit.release }
    failed = made.try_acquire("p")
    assert(failed.fail(LLMQ::Status::OVERLOADED, "busy", retry_after: 0.01))
  end

  def test_a_usage_that_makes_no_sense_ends_no_permit
    made = one_at_a_time
    permit = made.acquire("p")
    { input_tokens: -1, output_tokens: 1.5 }.each do |name, count|
      wrong = LLMQ::Usage.new(name => count)
      assert_match(/\Ausage: /, assert_raises(LLMQ::InvalidArgumentError) { permit.release(wrong) }.message)
      refute(permit.ended?)
    end
    [-1, Float::NAN, Float::INFINITY, "2"].each do |wrong|
      error = assert_raises(LLMQ::InvalidArgumentError) do
        permit.fail(LLMQ::Status::SERVER, "broken", retry_after: wrong)
      end
      assert_equal(["retry_after is #{wrong.inspect}, and must be seconds, 0 or more", "retry_after"],
                   [error.message, error.key])
    end
    assert_raises(LLMQ::InvalidArgumentError) { permit.fail(LLMQ::Status::OK) }
    assert_nil(made.try_acquire("p"))
    assert(permit.release(LLMQ::Usage.new(input_tokens: 1)))
    assert_equal([1, 0, 1], counters(made, :completed, :failed, :input_tokens))
  end

  # The only permit that was out has been dropped.
  def assert_collected(made)
    eventually("its place is free") do
      GC.start
      made.try_acquire("p")&.release
    end
    eventually("it failed") { made.stats("p").failed == 1 }
  end

  def test_a_permit_whose_end_was_refused_is_still_given_back_when_it_is_dropped
    made = one_at_a_time
    wrong = LLMQ::Usage.new(input_tokens: -1)
    Thread.new do
      assert_raises(LLMQ::InvalidArgumentError) { made.acquire("p").release(wrong) }
      nil
    end.join
    assert_collected(made)
  end

  def test_a_block_that_leaves_what_makes_no_sense_ends_its_permit
    log = StringIO.new
    made = one_at_a_time(logger: Logger.new(log, level: Logger::WARN))
    error = assert_raises(LLMQ::InvalidArgumentError) do
      made.acquire("p", deadline: LONG) { |permit| permit.usage = LLMQ::Usage.new(input_tokens: -1) }
    end
    assert_equal("usage: input_tokens is -1, and must be 0 or more", error.message)
    problem = LLMQ::RateLimitedError.new("later", retry_after: Float::NAN)
    raised = assert_raises(LLMQ::RateLimitedError) { made.acquire("p", deadline: LONG) { raise problem } }
    assert_same(problem, raised)
    assert_includes(log.string, "WARN -- llmq: retry_after is NaN, and must be seconds")
    made.acquire("p", deadline: LONG) { nil }
    assert_equal([2, 1, 1], counters(made, :failed, :completed, :rate_limited))
  end

  def test_a_block_may_outlive_its_manager
    made = one_at_a_time
    assert_equal(:done, made.acquire("p") { made.close(:abort) && :done })
    made = one_at_a_time
    assert_raises(IOError) do
      made.acquire("p") do
        made.close(:abort)
        raise IOError
      end
    end
  end

  def test_a_lost_permit
    made = one_at_a_time
    permit = made.acquire("p", timeout: 0.05)
    other = made.acquire("p") # comes when the lease of the first one is over
    refute(permit.heartbeat)
    refute(permit.release)
    assert(other.release)
  end

  def test_why_there_is_none
    made = one_at_a_time
    assert_raises(LLMQ::UnknownModelError) { made.acquire("no") }
    assert_raises(LLMQ::UnknownModelError) { made.try_acquire("no") }
    made.acquire("p") do |_|
      assert_raises(LLMQ::DeadlineError) { made.acquire("p", deadline: 0.02) }
    end
  end

  def test_who_is_interrupted_leaves_the_line
    made = one_at_a_time
    permit = made.acquire("p")
    thread = Thread.new { made.acquire("p") }
    thread.report_on_exception = false
    eventually("it waits") { made.stats("p").pending == 1 && thread.stop? }
    thread.raise(Interrupt)
    assert_raises(Interrupt) { thread.join(LONG) }
    eventually("the line is empty") { made.stats("p").pending.zero? }
    assert(permit.release)
    assert(made.acquire("p").release)
  end

  def test_a_request_for_a_permit
    made = one_at_a_time
    first = made.acquire("p")
    request = made.request_permit("p")
    refute(request.done?)
    assert(request.cancel)
    assert_raises(LLMQ::RequestCancelledError) { request.wait }
    first.release
    assert(made.request_permit("p").wait.release)
  end

  def test_a_permit_that_nobody_has_any_more_frees_its_place
    made = one_at_a_time
    Thread.new { made.acquire("p") && nil }.join # nothing on this stack refers to it
    assert_collected(made)
  end

  def test_headers_teach_the_limits
    made = manager({ models: [{ name: "p", rpm: 1000 }] })
    made.acquire("p") do |permit|
      permit.report_limits({ "x-ratelimit-limit-requests" => "60", "x-ratelimit-remaining-requests" => ["0"],
                             "x-ratelimit-reset-requests" => "60s" })
    end
    assert_nil(made.try_acquire("p"))
    made = manager({ models: [{ name: "p", rpm: 1000 }] })
    made.report_limits("p", [%w[x-ratelimit-limit-requests 60], %w[x-ratelimit-remaining-requests 0],
                             %w[x-ratelimit-reset-requests 60s]])
    assert_nil(made.try_acquire("p"))
    assert_raises(LLMQ::UnknownModelError) { made.report_limits("no", {}) }
  end

  def test_headers_teach_the_deployment_that_was_called
    deployments = %w[east west].map { |name| { name: name, provider: "mock", rpm: 1000 } }
    made = manager({ models: [{ name: "p", deployments: deployments }] })
    permit = made.acquire("p")
    assert(permit.report_limits({ "x-ratelimit-limit-requests" => "60" }))
    name = permit.deployment
    permit.release
    refute(permit.report_limits({ "x-ratelimit-limit-requests" => "7" }))
    told = made.info("p")["deployments"].to_h do |each|
      [each["name"], each["limits"].find { |limit| limit["kind"] == "requests" }["effective"]]
    end
    other = (%w[east west] - [name])[0]
    assert_equal({ name => 60, other => 1000 }, told)
  end

  private

  def counters(made, *names)
    made.info
    stats = made.stats("p")
    names.map { |name| stats[name] }
  end

  def one_at_a_time(**options)
    manager({ models: [{ name: "p", concurrency: 1 }] }, **options)
  end
end
