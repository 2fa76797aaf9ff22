# frozen_string_literal: true

require_relative "support"

# What happens, told to a block.
class HookTest < Minitest::Test
  include Support

  LIFE = %i[request_submitted admitted attempt_started attempt_finished completed].freeze

  def test_the_life_of_a_request
    made = manager
    told = []
    made.set_hook { |hook| told << hook }
    response = made.call("m", BODY, tenant: "ann")
    assert_equal(LIFE, told.map(&:type)) # all before the response
    assert_equal([response.request_id], told.map(&:request_id).uniq)
    assert_equal([%w[m ann]], told.map { |hook| [hook.model, hook.tenant] }.uniq)
    assert_equal([0, 1, 1, 1, 1], told.map(&:attempt))
    assert_equal(told.map(&:time_s), told.map(&:time_s).sort)
    last = told.last
    assert_equal([:completed, LLMQ::Status::OK, response.usage, ""],
                 [last.state, last.status, last.usage, last.limit])
    assert_in_delta(response.run_s, last.run_s, 1e-6)
    assert_equal([:pending, nil], [told.first.state, told.first.usage])
  end

  def test_attempts_that_fail
    failing = { name: "m", provider: "mock", mock: { latency_ms: 0, fail_server: 1 },
                retry: { max_attempts: 2, base_ms: 1, cap_ms: 1 } }
    made = manager({ models: [failing] })
    told = []
    made.set_hook(:retried, :completed) { |hook| told << hook }
    assert_raises(LLMQ::ServerError) { made.call("m", BODY) }
    retried, ended = told
    assert_equal([:retried, LLMQ::Status::SERVER, 1], [retried.type, retried.status, retried.attempt])
    assert_operator(retried.delay_s, :>, 0)
    assert_equal([:completed, LLMQ::Status::SERVER, 2, :failed],
                 [ended.type, ended.status, ended.attempt, ended.state])
  end

  def test_limits_and_breakers_that_change
    broken = { name: "m", provider: "mock", rpm: 100, mock: { latency_ms: 0, fail_server: 1 },
               retry: { max_attempts: 1 }, on_outage: "fail" }
    made = manager({ models: [broken] })
    told = []
    made.set_hook(:limit_changed, :breaker_changed) { |hook| told << hook }
    made.set("model.m.rpm", 200)
    made.call_many("m", [BODY] * 20)
    limit, breaker = told
    assert_equal([:limit_changed, "requests/1m", 100, 200, 0, nil],
                 [limit.type, limit.limit, limit.old_value, limit.new_value, limit.request_id, limit.state])
    assert_equal([:breaker_changed, :closed, :open, LLMQ::Status::SERVER],
                 [breaker.type, breaker.old_value, breaker.new_value, breaker.status])
    assert_operator(breaker.until_s, :>, breaker.time_s)
  end

  def test_the_next_one_takes_its_place
    made = manager
    first = []
    second = []
    made.remove_hook # there is none
    made.set_hook(:completed) { |hook| first << hook.type }
    made.call("m", BODY)
    future = made.submit("m", BODY)
    made.set_hook(:request_submitted) { |hook| second << hook.type }
    future.response
    made.call("m", BODY)
    made.remove_hook
    made.call("m", BODY)
    assert_includes([1, 2], first.size) # the second may have ended after that
    assert_equal([:request_submitted], second)
    assert_raises(ArgumentError) { made.set_hook }
    error = assert_raises(ArgumentError) { made.set_hook(:complete) { nil } }
    assert_match(/:completed, not :complete\z/, error.message)
  end

  def test_what_it_raises_is_printed
    made = manager
    _, words = capture_io do
      made.set_hook(:completed) { raise IOError, "on purpose" }
      assert(made.call_many("m", [BODY] * 2).all?(&:ok?))
    end
    assert_equal(2, words.scan("llmq: a hook failed").size)
    assert_includes(words, "on purpose")
  end

  def test_a_slow_one_loses_events_and_counts_them
    made = manager
    go = Thread::Queue.new
    told = 0
    lost = 0
    made.set_hook(:request_submitted) do |hook|
      go.pop if told.zero?
      told += 1
      lost += hook.lost
    end
    most = 65_536
    futures = Array.new(most + 1000) { made.submit("m", "{}") }
    # Of the events that were drained along with the first one the room is taken too.
    eventually("all have been submitted") { made.stats.submitted == futures.size }
    go << nil
    futures.each(&:response)
    made.call("m", BODY)
    assert_equal(futures.size + 1, told + lost)
    assert_operator(lost, :>=, 999)
  end

  def test_a_hook_keeps_no_manager_alive
    told = run_ruby(<<~'RUBY')
      def make
        made = LLMQ::Manager.new(CONFIG)
        made.set_hook(:completed) { |hook| made.stats }
        made.call("m", BODY)
        ObjectSpace::WeakMap.new.tap { |map| map[made] = true }
      end
      def clear(depth) = depth.zero? ? 0 : clear(depth - 1) + 1 # what is left on the stack

      made = make
      until made.size.zero?
        clear(100)
        GC.start
        Array.new(1000) { Object.new }
      end
      puts "gone"
    RUBY
    assert_equal("gone\n", told)
  end

  def test_after_a_fork
    told = run_ruby(<<~'RUBY')
      made = LLMQ::Manager.new(CONFIG, on_fork: :renew)
      told = []
      made.set_hook(:completed) { told << Process.pid }
      made.call("m", BODY)
      child = fork do
        made.call("m", BODY)
        exit!(told == [Process.ppid, Process.pid] ? 0 : 1)
      end
      _, status = Process.wait2(child)
      made.call("m", BODY)
      puts status.exitstatus, told == [Process.pid] * 2
    RUBY
    assert_equal("0\ntrue\n", told)
  end
end
