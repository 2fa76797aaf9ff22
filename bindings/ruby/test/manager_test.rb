# frozen_string_literal: true

require_relative "support"
require "pathname"
require "stringio"
require "tempfile"

# Making, changing, asking and ending managers, and their log.
class ManagerTest < Minitest::Test
  include Support

  def test_configurations
    text = JSON.generate(CONFIG)
    Tempfile.create("llmq") do |file|
      file.write(text)
      file.close
      [text, Pathname(file.path), CONFIG].each do |config|
        assert_equal(%w[m hang own], manager(config).models)
      end
    end
    made = manager(CONFIG, settings: { "model.m.rpm" => 7 })
    assert_equal(7, made.info("m")["limits"].find { |each| each["kind"] == "requests" }["amount"])
    assert_empty(manager(nil).models)
  end

  def test_models_come_and_go
    made = manager
    made.register({ models: [{ name: "new", provider: "mock", mock: { latency_ms: 0 } }] })
    assert(made.call("new", BODY).ok?)
    assert_raises(LLMQ::ModelExistsError) { made.register({ models: [{ name: "new" }] }) }
    made.register({ models: [{ name: "new" }] }, skip_existing: true)
    made.remove_model("new")
    eventually("it has gone") { !made.models.include?("new") }
    assert_raises(LLMQ::UnknownModelError) { made.call("new", BODY) }
    assert_raises(ArgumentError) { made.remove_model("m", :now) }
  end

  def test_deployments_come_and_go
    made = manager
    config = { models: [{ name: "m",
                          deployments: [{ name: "east", provider: "mock", mock: { latency_ms: 0 } }] }] }
    made.add_deployment("m", "east", config)
    names = made.info("m")["deployments"].map { |each| each["name"] }
    assert_equal(%w[0 east], names)
    made.remove_deployment("m", "0")
    assert_equal("east", made.call("m", BODY).deployment)
  end

  def test_settings_change_while_it_runs
    made = manager
    made.set("model.m.rpm", 3)
    assert_equal(3, made.info("m")["limits"].find { |each| each["kind"] == "requests" }["amount"])
    assert_raises(LLMQ::InvalidArgumentError) { made.set("model.m.rpm", "many") }
    assert_equal("no.such", assert_raises(LLMQ::InvalidArgumentError) { made.set("no.such", 1) }.key)
    assert_raises(ArgumentError) { made.set("model.m.rpm\0", 1) }
  end

  def test_checks_and_estimates
    made = manager({ models: [{ name: "m", provider: "mock", tpm: 1000, mock: { latency_ms: 0 } }] })
    assert_nil(made.check("m", BODY))
    error = assert_raises(LLMQ::OversizeError) { made.check("m", BODY.merge(max_tokens: 5000)) }
    assert_match(/1000/, error.message)
    estimate = made.estimate("m", BODY)
    assert_equal(5, estimate.output_tokens)
    assert_operator(estimate.input_tokens, :>, 0)
  end

  def test_when_a_request_may_start
    made = manager({ models: [HANG.merge(concurrency: 1)] })
    made.submit("hang", BODY)
    waiting = made.submit("hang", BODY)
    estimate = made.wait_estimate(waiting.request_id)
    assert_equal(1, estimate.position)
    assert_equal("concurrency", estimate.blocked_by)
    assert_equal(:pending, made.state(waiting.request_id))
  end

  def test_counters
    made = manager
    made.call_many("m", [BODY] * 5)
    made.info
    assert_equal([5, 5, 0], made.stats("m").to_a.first(3))
    assert_equal(5, made.all_stats["completed"])
    assert_raises(LLMQ::UnknownModelError) { made.stats("no") }
  end

  def test_ends
    made = manager
    made.set_processor("own") { |job| job.wait_cancelled(0.05) || "done" }
    waiting = made.submit("own", "x")
    made.shutdown
    assert_raises(LLMQ::ClosedError) { made.submit("m", BODY) }
    made.close
    assert_equal("done", waiting.result.text)
    refute(made.usable?)
    assert_raises(LLMQ::ClosedError) { made.stats }
    assert_nil(made.close)
    hanging = manager
    future = hanging.submit("hang", BODY)
    hanging.close(timeout: 0.01)
    assert_raises(LLMQ::ClosedError) { future.result }
  end

  def test_blocks
    inside = nil
    assert_equal(7, LLMQ::Manager.open(CONFIG) { |made| (inside = made) && 7 })
    refute(inside.usable?)
    assert_raises(IOError) do
      LLMQ::Manager.open(CONFIG) do |made|
        inside = made
        made.submit("hang", BODY)
        raise IOError
      end
    end
    refute(inside.usable?)
  end

  def test_a_callback_cannot_close
    made = manager
    got = Thread::Queue.new
    made.submit("m", BODY).on_done do |_|
      made.close
    rescue ThreadError => e
      got << e
    end
    assert_match(/own callback/, pop(got).message)
    assert(made.usable?)
  end

  def test_a_manager_that_nobody_refers_to_ends
    run_ruby(<<~'RUBY')
      def threads = Dir["/proc/self/task/*"].size
      def use(count) = count.times { LLMQ::Manager.new(CONFIG).call("m", BODY) }
      use(1)
      limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + 60
      use(20)
      most = threads
      while threads > most / 2
        GC.start
        abort("#{threads} threads of #{most}") if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit
        sleep(0.01)
      end
    RUBY
  end

  def test_the_shared_manager
    one = LLMQ::Manager.shared(CONFIG)
    assert_same(one, LLMQ::Manager.shared)
    assert_raises(LLMQ::InvalidArgumentError) { LLMQ::Manager.shared({ models: [] }) }
    one.close
    other = LLMQ::Manager.shared
    refute_same(one, other)
    other.close
  end

  def test_lines_reach_the_logger
    lines = StringIO.new
    logger = Logger.new(lines, level: Logger::DEBUG)
    made = manager(CONFIG, logger: logger)
    made.call("m", BODY, request_key: "the one")
    made.close
    assert_match(/DEBUG -- llmq: .*the one/, lines.string)
    quiet = StringIO.new
    made = manager(CONFIG, logger: Logger.new(quiet, level: Logger::ERROR))
    made.call("m", BODY)
    made.close
    assert_empty(quiet.string)
  end

  def test_a_logger_that_uses_the_manager_or_fails_stops_nothing
    made = nil
    seen = Thread::Queue.new
    logger = Logger.new(StringIO.new, level: Logger::DEBUG)
    logger.define_singleton_method(:add) do |*_|
      seen << made&.models
      raise IOError, "full"
    end
    capture_io do
      made = manager(CONFIG, logger: logger)
      made.call_many("m", [BODY] * 2000)
      assert(made.call("m", BODY).ok?)
      made.close
    end
    refute(seen.empty?)
  end

  def test_what_is_made_of_an_answer
    told = LLMQ.explain("openai", { status: 429, headers: { "retry-after" => "2" }, body: "" })
    assert_equal([true, 2000], told.values_at("retryable", "retry_after_ms"))
    assert_raises(LLMQ::InvalidArgumentError) { LLMQ.explain("nobody", { status: 200 }) }
  end
end
