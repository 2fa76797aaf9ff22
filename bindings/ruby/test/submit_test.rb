# frozen_string_literal: true

require_relative "support"

# Handing over requests, one and many, and what comes back.
class SubmitTest < Minitest::Test
  include Support

  def test_a_call_gives_its_response
    response = manager.call("m", BODY)
    assert(response.ok?)
    assert_equal(:completed, response.state)
    assert_equal("LLMQ_OK", response.status_name)
    assert_equal("chat.completion", response.json["object"])
    assert_equal(Encoding::UTF_8, response.text.encoding)
    assert_equal(Encoding::BINARY, response.data.encoding)
    assert_operator(response.usage.input_tokens, :>, 0)
    assert_equal(1, response.attempts)
    assert_equal("", response.error)
    assert_empty(response.history)
    assert_operator(response.queued_s, :>=, 0)
    assert_same(response, response.raise_for_status)
  end

  def test_many_calls_keep_their_places
    made = echo(manager)
    payloads = Array.new(1000) { |i| "number #{i}" }
    assert_equal(payloads, made.call_many("own", payloads).map(&:text))
    assert_equal(payloads, made.submit_many("own", payloads).map { |future| future.result.text })
    assert_empty(made.call_many("own", []))
  end

  def test_many_calls_of_many_threads_keep_to_their_callers
    made = echo(manager)
    callers = Array.new(4) do |caller|
      payloads = Array.new(300) { |i| "#{caller} #{i}" }
      Thread.new { 3.times.all? { made.call_many("own", payloads).map(&:text) == payloads } }
    end
    assert(callers.all?(&:value))
    assert_empty(made.instance_variable_get(:@core).port.gathers)
  end

  def test_payloads_of_every_encoding_and_size
    made = echo(manager)
    payloads = ["", "é".encode(Encoding::UTF_8), "\xFF\x00\x80".b, "x" * 300_000,
                "é".encode(Encoding::UTF_16LE)]
    assert_equal(payloads.map(&:b), made.call_many("own", payloads).map(&:data))
    assert_equal({ "a" => ["ß"] }, made.call("own", { a: ["ß"] }).json)
  end

  def test_many_of_which_some_are_refused
    made = manager({ models: [{ name: "m", provider: "mock", tpm: 100, mock: { latency_ms: 0 } }] })
    body = BODY.merge(max_tokens: 1)
    responses = made.call_many("m", [body, body.merge(max_tokens: 1000), body])
    assert_equal([true, false, true], responses.map(&:ok?))
    assert_equal("LLMQ_ERR_OVERSIZE", responses[1].status_name)
    assert_match(/tokens/, responses[1].error)
    assert_raises(LLMQ::OversizeError) { responses[1].raise_for_status }
    futures = made.submit_many("m", [body.merge(max_tokens: 1000), body])
    assert_raises(LLMQ::OversizeError) { futures[0].result }
  end

  def test_a_batch_ends_at_the_first_that_is_refused
    made = manager
    requests = [LLMQ::Request.new("m", BODY), LLMQ::Request.new("no", BODY), LLMQ::Request.new("m", BODY)]
    error = assert_raises(LLMQ::UnknownModelError) { made.submit_batch(requests) }
    assert_equal(1, error.accepted.size)
    assert(error.accepted[0].result.ok?)
    made.info
    assert_equal(1, made.stats.submitted)
    futures = made.submit_batch([LLMQ::Request.new("m", BODY)] * 600)
    assert_equal(600, futures.count { |future| future.result.ok? })
  end

  def test_a_payload_that_is_none
    error = assert_raises(TypeError) { manager.submit("m", 7) }
    assert_match(/must be a String, or a Hash/, error.message)
    assert_raises(TypeError) { manager.call_many("m", [BODY, nil]) }
  end

  # Nobody would have the futures of those before it.
  def test_of_many_with_one_that_is_none_nothing_is_handed_over
    made = manager
    bad = LLMQ::Request.new("m", [Float::NAN])
    assert_raises(TypeError) { made.submit_many("m", [*[BODY] * 300, 7]) }
    assert_raises(JSON::GeneratorError) { made.submit_batch([*[LLMQ::Request.new("m", BODY)] * 300, bad]) }
    bad = LLMQ::Request.new("m", BODY, prio: 1)
    assert_raises(ArgumentError) { made.submit_batch([*[LLMQ::Request.new("m", BODY)] * 300, bad]) }
    assert(made.call("m", BODY).ok?)
    made.info
    assert_equal(1, made.stats.submitted)
  end

  def test_options_are_checked
    {
      { prio: 1 } => /unknown option prio; known are/,
      { priority: :now } => /priority must be one of .*:urgent.*, not :now/,
      { deadline: 0 } => /deadline must be more than 0 seconds, not 0/,
      { timeout: "1" } => /timeout must be seconds, not String/,
      { tenant: 7 } => /tenant must be a String, not Integer/,
      { tenant: "x" * 256 } => /tenant/
    }.each do |options, words|
      error = assert_raises(ArgumentError, TypeError, LLMQ::InvalidArgumentError) do
        manager.submit("m", BODY, **options)
      end
      assert_match(words, error.message)
    end
  end

  def test_what_goes_with_a_request_comes_back
    made = echo(manager)
    response = made.call("own", "x", request_key: "mine", metadata: "\x00é", priority: :urgent, tenant: "t")
    assert_equal("mine", response.request_key)
    assert_equal("\x00é".b, response.metadata)
  end

  def test_errors_tell_status_words_and_key
    error = assert_raises(LLMQ::UnknownModelError) { manager.call("no", BODY) }
    assert_equal(LLMQ::Status::UNKNOWN_MODEL, error.status)
    assert_equal("LLMQ_ERR_UNKNOWN_MODEL", error.status_name)
    assert_match(/no model "no"/, error.message)
    assert_match(/no model "no".* \[LLMQ_ERR_UNKNOWN_MODEL\] \(LLMQ::UnknownModelError\)/,
                 error.detailed_message)
    assert_includes(error.inspect, "LLMQ_ERR_UNKNOWN_MODEL")
    error = assert_raises(LLMQ::InvalidArgumentError) do
      LLMQ::Manager.new({ models: [{ name: "m", rpmm: 1 }] })
    end
    assert_match(/rpmm/, error.key)
    assert_raises(LLMQ::InvalidArgumentError) { LLMQ::Manager.new("{") }
    assert_raises(TypeError) { LLMQ::Manager.new(7) }
    assert_kind_of(StandardError, error)
  end

  def test_a_failure_tells_its_attempts
    config = { models: [{ name: "m", provider: "mock", mock: { latency_ms: 0, fail_server: 1 },
                          retry: { max_attempts: 2, base_ms: 1 } }] }
    error = assert_raises(LLMQ::ServerError) { manager(config).call("m", BODY) }
    assert_equal(%w[LLMQ_ERR_SERVER] * 2, error.response.history.map(&:status))
    assert_equal(2, error.response.attempts)
    refute_nil(error.response.history[0].retry_delay_s)
    assert_nil(error.response.history[1].retry_delay_s)
  end

  def test_a_deadline
    error = assert_raises(LLMQ::DeadlineError) { manager.call("hang", BODY, deadline: 0.05) }
    assert_equal(:expired, error.response.state)
    assert_raises(LLMQ::AttemptTimeoutError) { manager.call("hang", BODY, timeout: 0.05, max_attempts: 1) }
  end

  def test_a_future_is_cancelled
    future = manager.submit("hang", BODY)
    refute(future.done?)
    assert_nil(future.response(timeout: 0.01))
    assert(future.cancel)
    assert_raises(LLMQ::RequestCancelledError) { future.result }
    assert_equal(:cancelled, future.response.state)
    refute(future.cancel)
  end

  def test_callbacks_of_a_future
    made = manager
    got = Thread::Queue.new
    _, told = capture_io do
      future = made.submit("hang", BODY)
      future.on_done { |_| raise "on purpose" }
      future.on_done { |response| got << response }
      future.cancel
      assert_equal(:cancelled, pop(got).state)
      future.on_done { |response| got << response }
      assert_equal(:cancelled, pop(got).state)
    end
    assert_match(/on purpose/, told)
    assert(made.call("m", BODY).ok?)
  end

  def test_who_is_interrupted_cancels
    made = manager
    [-> { made.call("hang", BODY) }, -> { made.call_many("hang", [BODY] * 3) }].each do |wait|
      before = made.stats.cancelled
      thread = Thread.new { wait.call }
      thread.report_on_exception = false
      eventually("it waits") { made.stats.processing.positive? && thread.stop? }
      thread.raise(Interrupt)
      assert_raises(Interrupt) { thread.join(LONG) }
      eventually("they are cancelled") { made.stats.cancelled > before && made.stats.processing.zero? }
    end
  end

  def test_who_calls_after_an_interrupt_gets_the_own_response
    made = echo(manager)
    thread = Thread.new { made.call("hang", BODY) }
    thread.report_on_exception = false
    eventually("it waits") { made.stats.processing.positive? && thread.stop? }
    thread.raise(Interrupt)
    assert_raises(Interrupt) { thread.join(LONG) }
    assert_equal(%w[a b c], %w[a b c].map { |text| made.call("own", text).text })
    port = made.instance_variable_get(:@core).port
    eventually("nothing waits") { port.waiting.empty? && port.gathers.empty? }
  end

  def test_kept_responses_and_late_usage
    made = manager({ models: [MODEL, HANG, { name: "own", tpm: 1000 }] })
    future = made.submit("m", BODY, keep: true, late_usage: true)
    data = future.result.data
    assert_equal(data, made.take_response(future.request_id).data)
    assert_raises(LLMQ::StaleError) { made.take_response(future.request_id) }
    assert(made.peek(future.request_id).ok?)
    assert_equal(:completed, made.state(future.request_id))
    waiting = made.submit("hang", BODY, keep: true)
    assert_nil(made.take_response(waiting.request_id))
    assert_nil(made.peek(waiting.request_id))
    late = echo(made).submit("own", "x", late_usage: true)
    late.result
    made.update_usage(late.request_id, LLMQ::Usage.new(input_tokens: 5))
    assert_raises(LLMQ::StaleError) { made.update_usage(late.request_id, LLMQ::Usage.new(input_tokens: 5)) }
  end

  def test_typed_models
    made = echo(manager)
    point = Struct.new(:x, :y)
    typed = made.model("own", encode: ->(given) { given.to_a }, decode: lambda { |bytes|
                                                                          point.new(*JSON.parse(bytes))
                                                                        })
    assert_equal(point.new(1, 2), typed.call(point.new(1, 2)).value)
    assert_equal(point.new(3, 4), typed.submit(point.new(3, 4)).value)
    assert_equal([point.new(5, 6)] * 2, typed.call_many([point.new(5, 6)] * 2).map(&:value))
    bad = made.model("own", encode: ->(given) { given }, decode: ->(bytes) { JSON.parse(bytes) })
    assert_raises(JSON::ParserError) { bad.call("no JSON").value }
  end

  private

  # Has the model "own" give back what it gets.
  def echo(made)
    made.set_processor("own", &:payload)
    made
  end
end
