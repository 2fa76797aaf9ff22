# frozen_string_literal: true

require "minitest/autorun"
require "llmq"
require "open3"
require "rbconfig"
require "timeout"

# What the tests share.
module Support
  LONG = 120 # seconds; the machine may be busy
  BODY = { messages: [{ role: "user", content: "Name a river." }], max_tokens: 5 }.freeze
  MODEL = { name: "m", provider: "mock", mock: { latency_ms: 0 } }.freeze
  # Never answers.
  HANG = { name: "hang", provider: "mock", mock: { fail_hang: 1 }, timeout_ms: 0 }.freeze
  CONFIG = { models: [MODEL, HANG, { name: "own" }] }.freeze

  def setup
    @managers = []
  end

  def teardown
    @managers.each { |manager| manager.close(:abort) }
  end

  # A manager that is closed after the test.
  def manager(config = CONFIG, **options)
    LLMQ::Manager.new(config, **options).tap { |made| @managers << made }
  end

  # What the queue gets; a failure if nothing comes.
  def pop(queue)
    Timeout.timeout(LONG) { queue.pop }
  end

  # Waits for what no event tells.
  def eventually(what)
    limit = Process.clock_gettime(Process::CLOCK_MONOTONIC) + LONG
    until yield
      flunk("waited for too long until #{what}") if Process.clock_gettime(Process::CLOCK_MONOTONIC) > limit
      Thread.pass
    end
  end

  # Runs a program in a process of its own, which must end well; what it prints.
  def run_ruby(program, *arguments)
    head = <<~RUBY
      require "llmq"
      $stdout.sync = true
      BODY = #{BODY.inspect}
      CONFIG = #{CONFIG.inspect}
    RUBY
    out, status = Open3.capture2e(RbConfig.ruby, "-w", "-e", head + program, *arguments)
    assert(status.success?, "#{status}: #{out}")
    out
  end

  # Runs `llmq mock` and gives the block its address.
  def with_mock(*arguments)
    read, write = IO.pipe
    pid = Process.spawn(ENV.fetch("LLMQ_PROGRAM"), "mock", *arguments, out: write, err: write)
    write.close
    yield Timeout.timeout(LONG) { read.gets }[%r{http://[0-9.:]+}]
  ensure
    Process.kill("TERM", pid)
    Process.wait(pid)
    read.close
  end

  # Threads of this process, the library's among them.
  def threads
    File.read("/proc/self/status")[/^Threads:\s+(\d+)/, 1].to_i
  end
end
