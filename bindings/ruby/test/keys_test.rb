# frozen_string_literal: true

require_relative "support"
require "json"
require "socket"

# Keys that a function gives, against a provider that knows one.
class KeysTest < Minitest::Test
  include Support

  GOOD = JSON.generate(choices: [{ message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
                       usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 })
  WRONG = '{"error": {"code": "invalid_api_key"}}'

  # Takes every key, or `good` alone; `seen` are those that it was sent.
  class Provider
    attr_reader :seen

    def initialize(good)
      @good = good
      @seen = Thread::Queue.new
      @server = TCPServer.new("127.0.0.1", 0)
      @thread = Thread.new { loop { serve(@server.accept) } }
      @thread.report_on_exception = false
    end

    def url
      "http://127.0.0.1:#{@server.addr[1]}"
    end

    def keys
      Array.new(@seen.size) { @seen.pop }
    end

    def stop
      @thread.kill.join
      @server.close
    end

    private

    def serve(socket)
      head = socket.gets("\r\n\r\n")
      socket.read(head[/^content-length: *(\d+)/i, 1].to_i)
      key = head[/^authorization: *Bearer (.*?)\r/i, 1]
      @seen << key
      fits = @good.nil? || key == @good
      body = fits ? GOOD : WRONG
      socket.write("HTTP/1.1 #{fits ? "200 OK" : "401 Unauthorized"}\r\nConnection: close\r\n" \
                   "Content-Type: application/json\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}")
    ensure
      socket.close
    end
  end

  def setup
    super
    @providers = []
  end

  def teardown
    super
    @providers.each(&:stop)
  end

  def test_each_attempt_has_the_key_of_its_deployment
    at = provider
    count = 0
    keys = ->(name, deployment) { "#{count += 1}/#{name}/#{deployment}" }
    made = manager({ models: [model(at), model(at, name: "places", deployments: [{ name: "east" }])] },
                   keys: keys)
    made.register({ models: [model(at, name: "later")] })
    %w[m m places later].each { |name| made.call(name, BODY) }
    assert_equal(["1/m/", "2/m/", "3/places/east", "4/later/"], at.keys)
  end

  def test_without_a_key_the_request_fails_in_words
    at = provider
    {
      proc {} => "no key for model m", proc { "" } => "no key for model m",
      proc { 7 } => "a key is a String, not Integer",
      proc { raise IOError, "the vault is sealed" } => "the vault is sealed",
      proc { exit } => "exit"
    }.each do |keys, words|
      made = manager({ models: [model(at)] }, keys: keys)
      2.times do # the thread has gone on
        error = assert_raises(LLMQ::AuthError) { made.call("m", BODY) }
        assert_includes(error.message, words)
      end
    end
    assert_empty(at.keys)
  end

  def test_what_cannot_be_called_is_refused
    error = assert_raises(ArgumentError) { LLMQ::Manager.new(CONFIG, keys: "key") }
    assert_includes(error.message, "keys must have call")
  end

  def test_a_key_that_was_replaced_is_tried_after_a_refusal
    at = provider("new")
    given = ["old"]
    made = manager({ models: [model(at)] }, keys: proc { given.pop || "new" })
    assert_equal(2, made.call("m", BODY).attempts)
    assert_equal(%w[old new], at.keys)
  end

  def test_a_key_that_is_the_same_is_not_tried_again
    at = provider("new")
    made = manager({ models: [model(at)] }, keys: proc { "old" })
    assert_raises(LLMQ::AuthError) { made.call("m", BODY) }
    assert_equal(%w[old], at.keys)
  end

  def test_one_that_waits_holds_up_no_response_and_may_use_the_manager
    at = provider
    asked = Thread::Queue.new
    go = Thread::Queue.new
    made = nil
    keys = proc do
      asked << true
      go.pop
      made.call("own", "secret").text
    end
    made = manager({ models: [model(at), { name: "own" }] }, keys: keys)
    made.set_processor("own", &:payload)
    waits = made.submit("m", BODY)
    pop(asked)
    assert_equal("quick", made.call("own", "quick").text)
    go << true
    assert_predicate(waits.response(timeout: LONG), :ok?)
    assert_equal(%w[secret], at.keys)
  end

  def test_close_ends_what_waits_for_a_key
    at = provider
    asked = Thread::Queue.new
    go = Thread::Queue.new
    answered = Thread::Queue.new
    keys = proc do
      asked << true
      go.pop
      answered << Thread.current
      "late"
    end
    made = manager({ models: [model(at)] }, keys: keys)
    future = made.submit("m", BODY)
    pop(asked)
    made.close(:abort)
    assert_raises(LLMQ::ClosedError) { future.result(timeout: LONG) }
    go << true # its answer comes to a closed manager
    assert(pop(answered).join(LONG), "its thread has ended")
    assert_empty(at.keys)
  end

  def test_drain_waits_for_keys
    at = provider
    go = Thread::Queue.new
    made = manager({ models: [model(at)] }, keys: proc { go.pop })
    future = made.submit("m", BODY)
    made.shutdown
    go << "k"
    made.close
    assert_predicate(future.response(timeout: 0), :ok?)
  end

  def test_in_fibers
    require "async"
    at = provider
    made = manager({ models: [model(at)] }, keys: proc { "k" })
    Async { |task| Array.new(3) { task.async { made.call("m", BODY) } }.each(&:wait) }.wait
    assert_equal(%w[k k k], at.keys)
  end

  def test_a_function_keeps_no_manager_alive
    told = run_ruby(<<~'RUBY', provider.url)
      def make
        made = nil
        keys = proc { made.models.first }
        made = LLMQ::Manager.new({ models: [{ name: "m", provider: "openai", base_url: ARGV[0] }] }, keys: keys)
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

  def test_a_process_ends_while_a_key_is_asked_for
    told = run_ruby(<<~'RUBY', provider.url)
      asked = Thread::Queue.new
      keys = proc { asked << true; sleep }
      made = LLMQ::Manager.new({ models: [{ name: "m", provider: "openai", base_url: ARGV[0] }] }, keys: keys)
      made.submit("m", BODY)
      asked.pop
      puts "asked"
    RUBY
    assert_equal("asked\n", told)
  end

  def test_a_child_has_the_keys_of_its_parent
    at = provider
    run_ruby(<<~'RUBY', at.url)
      parent = Process.pid
      keys = proc { Process.pid == parent ? "parent" : "child" }
      made = LLMQ::Manager.new({ models: [{ name: "m", provider: "openai", base_url: ARGV[0] }] },
                               on_fork: :renew, keys: keys)
      made.call("m", BODY)
      child = fork do
        made.call("m", BODY)
        exit!(0)
      end
      _, status = Process.wait2(child)
      abort("the child failed: #{status}") unless status.success?
      made.call("m", BODY)
    RUBY
    assert_equal(%w[parent child parent], at.keys)
  end

  private

  def provider(good = nil)
    Provider.new(good).tap { |made| @providers << made }
  end

  def model(at, name: "m", **more)
    { name: name, provider: "openai", base_url: at.url, **more }
  end
end
