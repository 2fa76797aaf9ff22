# frozen_string_literal: true

require_relative "support"
require "async"

# Waiting under a Fiber scheduler (that of async), and beside other threads.
class FiberTest < Minitest::Test
  include Support

  def test_fibers_wait_at_the_same_time
    made = manager
    order = []
    Async do |task|
      slow = task.async do
        made.call("hang", BODY)
      rescue LLMQ::RequestCancelledError
        order << :cancelled
      end
      task.async do
        order << (made.call("m", BODY).ok? ? :answered : :failed)
        cancel_all(made)
      end
      slow.wait
    end
    assert_equal(%i[answered cancelled], order)
  end

  def test_everything_that_waits_lets_other_fibers_run
    made = manager
    made.set_processor("own") { |job| job.chunk("a") && "done" }
    waits = [
      -> { made.call("m", BODY).ok? },
      -> { made.call_many("m", [BODY] * 300).all?(&:ok?) },
      -> { made.submit("m", BODY).response(timeout: LONG).ok? },
      -> { made.stream("own", "x").to_a.size == 1 },
      -> { made.acquire("m", BODY) { |_| true } },
      -> { made.submit_many("m", [BODY] * 3).map(&:result).all?(&:ok?) }
    ]
    ended = []
    Async { |task| waits.each { |wait| task.async { ended << wait.call } } }
    assert_equal([true] * waits.size, ended)
  end

  def test_a_waiting_fiber_does_not_stop_the_others
    made = manager
    ticks = 0
    Async do |task|
      waiting = task.async { made.submit("hang", BODY).response(timeout: 0.2) }
      task.async do
        10.times do
          sleep(0.001)
          ticks += 1
        end
      end
      assert_nil(waiting.wait)
    end
    assert_equal(10, ticks)
    cancel_all(made)
  end

  def test_a_bounded_wait_ends_with_its_response
    made = manager
    release = Thread::Queue.new
    made.set_processor("own") { |_| release.pop }
    took = nil
    Async do |task|
      began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      waiting = task.async { made.submit("own", "x").response(timeout: LONG) }
      task.async { release << "done" }
      assert_equal("done", waiting.wait.text)
      took = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
    end
    assert_operator(took, :<, LONG / 2)
  end

  def test_a_stopped_task_cancels_its_request
    made = manager
    Async do |task|
      waiting = task.async { made.call("hang", BODY) }
      task.sleep(0.001) until made.stats.processing == 1
      waiting.stop
    end
    eventually("it is cancelled") { made.stats.cancelled == 1 }
  end

  # More than are handed over at once, and together: the last ones are still gathered when a turn ends.
  MANY = 150
  ONE_BY_ONE = { name: "one", concurrency: 1 }.freeze

  def test_calls_of_one_turn_keep_their_order
    made = manager({ models: [ONE_BY_ONE] })
    seen = []
    made.set_processor("one") { |job| (seen << (job.object || job.payload)) && "" }
    asked = Array.new(MANY + 6, &:to_s)
    rest = asked.dup
    Async do |task|
      call = proc { task.async { made.call("one", rest.shift) } }
      MANY.times(&call)
      task.async { made.call("one", LLMQ::Ref.new(rest.shift)) }
      call.call
      task.async { made.call_many("one", rest.shift(2)) }
      call.call
      made.submit("one", rest.shift).result
    end
    assert_equal(asked, seen)
  end

  def test_a_call_of_a_turn_that_is_refused_raises_in_its_fiber
    made = manager
    told = Array.new(MANY)
    Async do |task|
      MANY.times do |i|
        task.async do
          told[i] = made.call((i % 3).zero? ? "nobody" : "m", BODY).ok?
        rescue LLMQ::UnknownModelError => e
          told[i] = e
        end
      end
    end
    told.each_with_index do |outcome, i|
      next assert_equal(true, outcome) unless (i % 3).zero?

      assert_includes(outcome.message, "nobody")
      assert(outcome.backtrace.any? { |line| line.include?(__FILE__) }, outcome.backtrace.join("\n"))
    end
  end

  def test_the_first_calls_of_a_turn_are_handed_over_at_once_and_the_last_ones_soon
    made = manager
    made.call("m", BODY) # its thread waits
    port = made.instance_variable_get(:@core).port
    Async do |task|
      tasks = Array.new(30) { task.async { made.call("hang", BODY) } }
      assert_equal(30, port.waiting.size)
      tasks.concat(Array.new(MANY - 30) { task.async { made.call("hang", BODY) } })
      eventually("none is held up, though no fiber lets the others run") { port.waiting.size == MANY }
      tasks.each(&:stop)
    end
    eventually("all are cancelled") { made.stats.cancelled == MANY }
  end

  def test_a_task_that_is_stopped_in_its_first_turn_leaves_nothing_behind
    made = manager
    Async do |task|
      tasks = Array.new(MANY) { task.async { made.call("hang", BODY) } }
      tasks.reverse_each(&:stop)
    end
    eventually("what was submitted is cancelled") do
      stats = made.stats
      stats.submitted == stats.cancelled && stats.pending.zero? && stats.processing.zero?
    end
    waiting = made.instance_variable_get(:@core).port.waiting
    eventually("none waits") { waiting.empty? }
  end

  def test_whatever_is_asked_comes_after_the_calls_of_the_turn
    made = manager
    Async do |task|
      tasks = Array.new(MANY) { task.async { made.call("m", BODY).ok? } }
      task.async { made.close }
      assert_equal([true], tasks.map(&:wait).uniq)
    end
  end

  def test_a_text_may_change_after_the_call
    made = manager
    made.set_processor("own", &:payload)
    text = String.new
    told = []
    Async do |task|
      MANY.times do |i|
        text.replace(i.to_s * 30)
        task.async { told << made.call("own", text).text }
      end
    end
    assert_equal(Array.new(MANY) { |i| i.to_s * 30 }.sort, told.sort)
  end

  def test_calls_of_a_turn_in_which_the_process_forks
    run_ruby(<<~'RUBY')
      require "async"
      manager = LLMQ::Manager.new(CONFIG, on_fork: :renew)
      answered = 0
      Async do |task|
        90.times { task.async { answered += 1 if manager.call("m", BODY).ok? } }
        pid = fork do
          told = 0
          thread = Thread.new do # the parent's reactor is of no use here
            Async { |task| 90.times { task.async { told += 1 if manager.call("m", BODY).ok? } } }
          end
          Fiber.new(blocking: true) { thread.join(120) }.resume
          exit!(told == 90)
        end
        Process.wait(pid)
        abort("the child failed: #{$?}") unless $?.success?
      end
      abort("#{answered} of 90 answers") unless answered == 90
    RUBY
  end

  def test_ten_thousand_fibers_wait_without_a_thread_each
    made = manager({ models: [MODEL.merge(max_in_flight: 20_000, mock: { latency_ms: 50 })] })
    made.call("m", BODY)
    before = threads
    most = answered = 0
    Async do |task|
      10_000.times { task.async { answered += 1 if made.call("m", BODY).ok? } }
      most = threads
    end
    assert_equal(10_000, answered)
    assert_operator(most, :<=, before)
  end

  def test_another_thread_runs_while_one_waits
    made = manager
    waits = [-> { made.call("hang", BODY, deadline: LONG) }, -> { made.stream("hang", BODY).next },
             -> { made.submit("hang", BODY).response(timeout: LONG) }]
    waits.each do |wait|
      before = made.stats.processing
      thread = Thread.new { wait.call }
      thread.report_on_exception = false
      eventually("it waits") { made.stats.processing > before && thread.stop? }
      counted = 0
      200_000.times { counted += 1 }
      assert_equal(200_000, counted)
      assert(thread.alive? && thread.stop?, "it still waits, and this thread has run meanwhile")
      cancel_all(made)
      begin
        thread.join(LONG)
      rescue LLMQ::RequestCancelledError
        nil
      end
    end
  end

  def test_closing_does_not_hold_the_gvl
    made = manager
    finish = Thread::Queue.new
    made.set_processor("own") { |_| finish.pop }
    future = made.submit("own", "x")
    eventually("it runs") { made.stats.processing == 1 }
    closing = Thread.new { made.close }
    eventually("it closes") { closing.stop? }
    finish << "done" # runs while the other thread waits for the end
    assert_equal("done", future.result.text)
    closing.join(LONG)
    refute(made.usable?)
  end

  private

  # Ends what hangs.
  def cancel_all(made)
    core = made.instance_variable_get(:@core)
    waiters = core.port.waiting.values # others leave the Hash meanwhile
    waiters.each { |waiter| made.cancel(waiter.request_id) }
  end
end
