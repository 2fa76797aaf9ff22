# frozen_string_literal: true

require_relative "support"
require "net/http"
require "tmpdir"

# Forks, exits and signals, each in a process of its own.
class ProcessTest < Minitest::Test
  include Support

  CHILD = <<~'RUBY'
    def in_child
      pid = fork do
        yield
      end
      Process.wait(pid)
      abort("the child failed: #{$?}") unless $?.success?
    end

    def refused(kind)
      yield
      abort("was not refused")
    rescue kind => e
      e
    end
  RUBY

  def test_a_forked_child_is_told
    run_ruby(CHILD + <<~'RUBY')
      manager = LLMQ::Manager.new(CONFIG)
      manager.call("m", BODY)
      pending = manager.submit("hang", BODY)
      stream = manager.stream("hang", BODY)
      in_child do
        [-> { manager.call("m", BODY) }, -> { manager.stats }, -> { pending.result }, -> { stream.next },
         -> { manager.acquire("m") }].each do |use|
          error = refused(LLMQ::ForkedError, &use)
          abort(error.message) unless error.message.include?("process")
        end
        manager.close
        LLMQ::Manager.open(CONFIG) { |own| own.call("m", BODY) }
      end
      manager.call("m", BODY)
    RUBY
  end

  def test_a_forked_child_gets_a_manager_of_its_own
    run_ruby(CHILD + <<~'RUBY')
      manager = LLMQ::Manager.new(CONFIG, on_fork: :renew)
      manager.register({ models: [{ name: "later", provider: "mock", mock: { latency_ms: 0 } }] })
      manager.set_processor("own") { |job| job.payload }
      manager.call("own", "x")
      pending = manager.submit("hang", BODY)
      in_child do
        manager.call("m", BODY)
        manager.call("later", BODY)
        abort("no echo") unless manager.call("own", "y").text == "y"
        manager.info
        abort(manager.stats.inspect) unless manager.stats.submitted == 3
        refused(LLMQ::ForkedError) { pending.result }
      end
      manager.call("own", "z")
      manager.close(:abort)
    RUBY
  end

  # Ids begin anew in a child: what belongs to the parent must not end what the child has.
  def test_what_the_parent_has_is_out_of_reach_for_its_child
    run_ruby(CHILD + <<~'RUBY')
      config = { models: [*CONFIG[:models], { name: "one", concurrency: 1 }] }
      manager = LLMQ::Manager.new(config, on_fork: :renew)
      future = manager.submit("hang", BODY)
      stream = manager.stream("hang", BODY)
      permit = manager.acquire("one")
      request = manager.request_permit("one")
      in_child do
        own = [manager.submit("hang", BODY), manager.stream("hang", BODY)]
        held = manager.acquire("one")
        abort("ids differ, so nothing is tested") unless own.map(&:request_id) == [future, stream].map(&:request_id)
        abort("ids differ, so nothing is tested") unless held.attempt_id == permit.attempt_id
        uses = [-> { future.cancel }, -> { stream.cancel }, -> { stream.each { nil } }, -> { stream.response },
                -> { permit.release }, -> { permit.heartbeat }, -> { permit.fail(LLMQ::Status::SERVER) },
                -> { permit.report_limits({}) }, -> { request.cancel }, -> { request.wait },
                -> { future.response }]
        2.times { uses.each { |use| refused(LLMQ::ForkedError, &use) } }
        stream.close
        stream = permit = request = future = nil
        GC.start
        manager.info
        abort(manager.stats.inspect) unless manager.stats.processing == 3
        abort("its permit has gone") unless held.release
        manager.close(:abort)
      end
      abort(manager.stats.inspect) unless manager.stats.processing == 3
      manager.close(:abort)
    RUBY
  end

  def test_threads_of_a_child_make_one_manager
    run_ruby(CHILD + <<~'RUBY')
      manager = LLMQ::Manager.new(CONFIG, on_fork: :renew)
      manager.call("m", BODY)
      in_child do
        Array.new(8) { Thread.new { manager.call("m", BODY) } }.each(&:value)
        manager.info
        abort(manager.stats.inspect) unless manager.stats.submitted == 8
      end
    RUBY
  end

  def test_the_shared_manager_after_a_fork
    run_ruby(CHILD + <<~'RUBY')
      LLMQ::Manager.shared(CONFIG).call("m", BODY)
      in_child { LLMQ::Manager.shared(CONFIG).call("m", BODY) }
      LLMQ::Manager.shared.call("m", BODY)
    RUBY
  end

  def test_the_process_ends_at_once_whatever_runs
    out = run_ruby(<<~'RUBY')
      manager = LLMQ::Manager.new(CONFIG)
      manager.set_processor("own") { |_| sleep }
      manager.submit("own", "x")
      manager.submit("hang", BODY)
      Thread.new { manager.call("hang", BODY) }.report_on_exception = false
      sleep(0.001) until manager.stats.processing == 3
      puts(Process.clock_gettime(Process::CLOCK_MONOTONIC))
    RUBY
    assert_operator(Process.clock_gettime(Process::CLOCK_MONOTONIC) - out.to_f, :<, 1.0)
  end

  %w[INT TERM].each do |signal|
    {
      "call" => 'manager.call("hang", BODY)', "call_many" => 'manager.call_many("hang", [BODY] * 600)',
      "stream" => 'manager.stream("hang", BODY).each { |_| nil }', "close" => "manager.close",
      "permit" => 'manager.acquire("one")'
    }.each do |name, code|
      define_method(:"test_sig#{signal.downcase}_ends_#{name}_within_a_second") do
        program = <<~RUBY
          manager = LLMQ::Manager.new({ models: [*CONFIG[:models], { name: "one", concurrency: 1 }] })
          held = manager.acquire("one")
          manager.submit("hang", BODY)
          Thread.new { sleep(0.001) until Thread.main.stop? && manager.stats.processing > 1; puts("waits") }
          #{code}
        RUBY
        assert_operator(seconds_to_end(program, signal), :<, 1.0)
      end
    end
  end

  %w[renew error].each do |on_fork|
    define_method(:"test_puma_with_preload_#{on_fork}") do
      Dir.mktmpdir do |folder|
        File.write(File.join(folder, "config.ru"), PUMA)
        told = with_puma(folder, on_fork) { |url| Net::HTTP.get(URI(url)) }
        assert_includes(told, "forked: true")
        assert_includes(told, on_fork == "renew" ? "ok: true" : "before a fork")
      end
    end
  end

  PUMA = <<~'RUBY'
    require "llmq"
    CONFIG = { models: [{ name: "m", provider: "mock", mock: { latency_ms: 0 } }] }
    BODY = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 5 }
    manager = LLMQ::Manager.new(CONFIG, on_fork: ENV.fetch("ON_FORK").to_sym)
    manager.call("m", BODY)
    made_in = Process.pid
    run(lambda do |_|
      told = begin
        "ok: #{manager.call("m", BODY).ok?}"
      rescue LLMQ::ForkedError => e
        e.message
      end
      [200, { "Content-Type" => "text/plain" }, ["#{told}, forked: #{Process.pid != made_in}"]]
    end)
  RUBY

  private

  # Seconds from the signal to the end of the process.
  def seconds_to_end(program, signal)
    head = "require 'llmq'; $stdout.sync = true; BODY = #{BODY.inspect}; CONFIG = #{CONFIG.inspect}\n"
    out, pid = IO.pipe.then do |read, write|
      started = Process.spawn(RbConfig.ruby, "-e", head + program, out: write, err: File::NULL)
      write.close
      [read, started]
    end
    assert_equal("waits\n", Timeout.timeout(LONG) { out.gets })
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    Process.kill(signal, pid)
    Timeout.timeout(LONG) { Process.wait(pid) }
    Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
  end

  def with_puma(folder, on_fork)
    command = ["puma", "--preload", "--workers", "2", "--bind", "tcp://127.0.0.1:0", "config.ru"]
    read, write = IO.pipe
    pid = Process.spawn({ "ON_FORK" => on_fork }, *command, chdir: folder, out: write, err: write)
    write.close
    said = +""
    Timeout.timeout(LONG) { said << read.gets until said.match?(/booted/) && said.match?(/http:\S+/) }
    yield said[/http:\S+/]
  ensure
    Process.kill("TERM", pid)
    Timeout.timeout(LONG) { Process.wait(pid) }
  end
end
