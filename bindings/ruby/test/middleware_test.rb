# frozen_string_literal: true

require_relative "support"
require "faraday"
require "net/http"

# A Faraday connection that was taken over, against `llmq mock`, over net_http.
class MiddlewareTest < Minitest::Test
  include Support

  PATH = "/v1/chat/completions"
  JSON_BODY = { "Content-Type" => "application/json" }.freeze

  def test_headers_and_usage_reach_the_limits
    with_mock("--limit", "requests=60/1m") do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", rpm: 500, tpm: 100_000 }] })
      answer = connection(url, made).post(PATH, JSON.generate(body))
      assert_equal(200, answer.status)
      usage = JSON.parse(answer.body)["usage"]
      made.info
      stats = made.stats("gpt-4o-mini")
      assert_equal(usage["prompt_tokens"], stats.input_tokens)
      assert_equal(usage["completion_tokens"], stats.output_tokens)
      assert_equal(1, stats.completed)
      limit = made.info("gpt-4o-mini")["limits"].find { |each| each["kind"] == "requests" }
      assert_equal([500, 60], limit.values_at("amount", "effective"))
    end
  end

  def test_the_connections_own_retries_are_off_and_refusals_are_tried_again
    with_mock("--fail-rate-limited", "1", "--retry-after", "20ms") do |url|
      made = manager({ models: [{ name: "gpt-4o-mini" }] })
      [true, false].each do |before|
        counted = 0
        count = proc { counted += 1 }
        faraday = Faraday.new(url, headers: JSON_BODY) do |builder|
          builder.request(:retry, max: 5, methods: [:post], retry_statuses: [429], interval: 0) if before
          LLMQ.wrap(builder, made, attempts: 2)
          builder.request(:retry, max: 5, methods: [:post], retry_statuses: [429], interval: 0) unless before
          builder.use(Counting, count)
          builder.adapter(:net_http)
        end
        assert_equal(429, faraday.post(PATH, JSON.generate(body)).status)
        assert_equal(2, counted)
      end
      made.info
      assert_equal(4, made.stats.rate_limited)
    end
  end

  def test_middleware_that_raises_and_parses
    with_mock("--fail-server", "1") do |url|
      made = manager({ models: [{ name: "gpt-4o-mini" }] })
      faraday = Faraday.new(url, headers: JSON_BODY) do |builder|
        LLMQ.wrap(builder, made, attempts: 1)
        builder.response(:raise_error)
        builder.adapter(:net_http)
      end
      error = assert_raises(Faraday::ServerError) { faraday.post(PATH, JSON.generate(body)) }
      assert_equal(500, error.response[:status])
      made.info
      assert_equal(1, made.stats.failed)
    end
  end

  def test_a_call_that_falls_back_names_the_model_of_its_permit
    with_mock do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", limits: [{ requests: 1, per: "1h" }],
                                  fallback: { models: ["second"], after_ms: 1 } },
                                { name: "second" }] })
      faraday = connection(url, made)
      models = Array.new(2) { JSON.parse(faraday.post(PATH, JSON.generate(body)).body)["model"] }
      assert_equal(%w[gpt-4o-mini second], models)
    end
  end

  def test_no_answer
    made = manager({ models: [{ name: "gpt-4o-mini" }] })
    faraday = connection("http://127.0.0.1:#{free_port}", made, attempts: 2)
    assert_raises(Faraday::ConnectionFailed) { faraday.post(PATH, JSON.generate(body)) }
    made.info
    assert_equal(2, made.stats.failed)
  end

  # Net::HTTP does not notice the end of one that has a Content-Length.
  CUT = "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n{\"error\":"

  def test_a_refusal_whose_body_is_cut_is_told_and_tried_again
    calls = Thread::Queue.new
    with_server(->(client) { calls << client.write(CUT) }) do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", concurrency: 1 }] })
      told = []
      made.set_hook(:completed) { |hook| told << hook.status }
      faraday = Faraday.new(url, headers: JSON_BODY) do |builder|
        LLMQ.wrap(builder, made)
        builder.request(:retry, max: 5, methods: [:post], interval: 0)
        builder.adapter(:net_http)
      end
      assert_raises(Faraday::ConnectionFailed) { faraday.post(PATH, JSON.generate(body)) }
      made.info
      assert_equal([LLMQ::Status::TRANSPORT] * 3, told)
      assert_equal(3, calls.size)
      assert_equal(0, made.stats.processing)
    end
  end

  # Of a body in chunks Net::HTTP goes on to read when it is interrupted.
  STALLED = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"id\":"

  # A body that never ends: of a call that is interrupted, and of one that has a time-out of its own.
  def test_a_permit_does_not_outlive_a_call_whose_body_stalls
    begun = Thread::Queue.new
    stalls = lambda do |client|
      client.write(STALLED)
      begun << true
      client.read # until the caller goes
    rescue Errno::ECONNRESET
      nil
    end
    with_server(stalls) do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", concurrency: 1 }] })
      told = Thread::Queue.new
      made.set_hook(:completed) { |hook| told << hook.status }
      thread = Thread.new { connection(url, made).post(PATH, JSON.generate(body)) }
      thread.report_on_exception = false
      pop(begun)
      thread.raise(Interrupt)
      assert_raises(Interrupt) { thread.join(LONG) }
      assert_equal(LLMQ::Status::ABANDONED, pop(told))
      faraday = connection(url, made, attempts: 1)
      faraday.options.timeout = 0.2
      assert_raises(Faraday::TimeoutError) { faraday.post(PATH, JSON.generate(body)) }
      assert_equal(LLMQ::Status::TIMEOUT, pop(told))
      made.info
      assert_equal([0, 2], [made.stats.processing, made.stats.failed])
    end
  end

  def test_whoever_calls_gets_the_answer_though_the_manager_has_ended
    made = nil
    answer = "HTTP/1.1 200 OK\r\nX-Name: \xE9\r\nContent-Length: 2\r\n\r\n{}".b
    with_server(->(client) { made.close(:abort) && client.write(answer) }) do |url|
      made = manager({ models: [{ name: "gpt-4o-mini" }] })
      assert_equal("{}", connection(url, made).post(PATH, JSON.generate(body)).body)
    end
  end

  def test_headers_of_any_encoding
    answer = "HTTP/1.1 200 OK\r\nX-Name: \xE9\r\nContent-Length: 2\r\n\r\n{}".b
    with_server(->(client) { client.write(answer) }) do |url|
      made = manager({ models: [{ name: "gpt-4o-mini" }] })
      assert_equal("{}", connection(url, made).post(PATH, JSON.generate(body)).body)
      made.info
      assert_equal(1, made.stats.completed)
    end
  end

  def test_what_the_connection_has_of_its_own_is_kept
    seen = Thread::Queue.new
    answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with_server(->(client, head) { (seen << head) && client.write(answer) }) do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", limits: [{ requests: 1, per: "1h" }],
                                  fallback: { models: ["second-by-name"], after_ms: 1 } },
                                { name: "second-by-name" }] })
      text = JSON.generate(body)
      faraday = Faraday.new(url, headers: { "X-Own" => "mine" }, params: { "version" => "7" }) do |builder|
        builder.request(:authorization, "Bearer", "key")
        LLMQ.wrap(builder, made)
        builder.adapter(:net_http)
      end
      2.times { faraday.post(PATH, text, { **JSON_BODY, "Content-Length" => text.bytesize.to_s }) }
      heads = Array.new(2) { pop(seen) }
      heads.each do |head|
        assert_match(/\APOST #{PATH}\?version=7 /, head)
        assert_match(/^x-own: mine\r$/i, head)
        assert_match(/^authorization: Bearer.*key/i, head)
      end
      more = "second-by-name".size - "gpt-4o-mini".size
      lengths = heads.map { |head| head[/^content-length: (\d+)/i, 1].to_i }
      assert_equal([text.bytesize, text.bytesize + more], lengths)
    end
  end

  # Whose answers they are, where nobody says so, and what models that are made as they are called have.
  def test_the_provider_is_known_by_the_address
    { "https://api.anthropic.com/v1/messages" => %w[anthropic realtime],
      "https://own.openai.azure.com/openai/v1/chat/completions" => %w[azure arrival],
      "https://gateway.example/openai/deployments/x/chat/completions" => %w[azure arrival],
      "https://api.openai.com/v1/chat/completions" => %w[openai arrival] }.each do |address, expected|
      shared = LLMQ::Manager.shared
      @managers << shared
      told = []
      explain = LLMQ.method(:explain)
      faraday = Faraday.new do |builder|
        LLMQ.wrap(builder)
        builder.adapter(:test) { |stub| stub.post(address) { [200, {}, "{}"] } }
      end
      register = shared.method(:register)
      made = ->(config, **options) { (told << config) && register.call(config, **options) }
      shared.define_singleton_method(:register, &made)
      LLMQ.stub(:explain, ->(name, record) { (told << name) && explain.call(name, record) }) do
        faraday.post(address, JSON.generate(body), JSON_BODY)
      end
      model = { name: "gpt-4o-mini", find_limits: true, shape: "auto", charge: expected[1] }
      assert_equal([{ models: [model] }, expected[0]], told, address)
      shared.close(:abort)
    end
  end

  def test_the_end_of_a_manager_ends_the_pause_between_tries
    with_mock("--fail-server", "1") do |url|
      %i[close shutdown].each do |how|
        made = manager({ models: [{ name: "gpt-4o-mini" }] })
        failed = Thread::Queue.new
        made.set_hook(:completed) { |hook| failed << hook.status }
        thread = Thread.new { long_pauses(connection(url, made)).post(PATH, JSON.generate(body)) }
        thread.report_on_exception = false
        assert_equal(LLMQ::Status::SERVER, pop(failed))
        made.public_send(how)
        assert_raises(LLMQ::ClosedError) { Timeout.timeout(LONG) { thread.value } }
      end
    end
  end

  def test_the_same_in_a_fiber
    require "async"
    with_mock("--fail-server", "1") do |url|
      made = manager({ models: [{ name: "gpt-4o-mini" }] })
      failed = Thread::Queue.new
      made.set_hook(:completed) { |hook| failed << hook.status }
      Async do |task|
        faraday = long_pauses(connection(url, made))
        call = task.async do
          assert_raises(LLMQ::ClosedError) { faraday.post(PATH, JSON.generate(body)) }
          :closed
        end
        pop(failed)
        made.close
        assert_equal(:closed, call.wait)
      end.wait
    end
  end

  def test_a_stream
    with_mock do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", concurrency: 1 }] })
      got = +""
      answer = connection(url, made).post(PATH) do |request|
        request.body = JSON.generate(body(stream: true, stream_options: { include_usage: true }))
        request.options.on_data = proc { |piece, *_| got << piece }
      end
      assert_equal(200, answer.status)
      assert_includes(got, "[DONE]")
      made.info
      assert_operator(made.stats.output_tokens, :>, 0)
      assert_equal(0, made.stats.processing)
    end
  end

  def test_what_leaves_a_stream_gives_the_permit_back
    with_mock do |url|
      made = manager({ models: [{ name: "gpt-4o-mini", concurrency: 1 }] })
      assert_raises(IndexError) do
        connection(url, made).post(PATH) do |request|
          request.body = JSON.generate(body(stream: true))
          request.options.on_data = proc { |*_| raise IndexError, "enough" }
        end
      end
      made.info
      assert_equal(0, made.stats.processing)
    end
  end

  def test_the_shared_manager_makes_models
    with_mock do |url|
      shared = LLMQ::Manager.shared
      @managers << shared
      faraday = Faraday.new(url, headers: JSON_BODY) { |builder| LLMQ.wrap(builder) }
      assert_equal(200, faraday.post(PATH, JSON.generate(body)).status)
      shared.info
      assert_equal(["gpt-4o-mini"], shared.models)
      assert_equal(1, shared.stats.completed)
    end
  end

  def test_calls_in_parallel_are_refused
    made = manager({ models: [{ name: "gpt-4o-mini" }] })
    faraday = connection("http://127.0.0.1:#{free_port}", made)
    together = Object.new
    def together.run = nil
    assert_raises(LLMQ::UnsupportedError) do
      faraday.in_parallel(together) { faraday.post(PATH, JSON.generate(body)) }
    end
    assert_equal(0, made.stats.submitted)
  end

  def test_calls_that_no_limit_counts_pass
    with_mock do |url|
      made = manager({ models: [] })
      assert_equal(404, connection(url, made).get("/nothing").status)
      assert_equal(0, made.stats.submitted)
      assert_raises(LLMQ::UnknownModelError) { connection(url, made).post(PATH, JSON.generate(body)) }
    end
  end

  # Counts what reaches the adapter.
  class Counting
    def initialize(app, count)
      @app = app
      @count = count
    end

    def call(env)
      @count.call
      @app.call(env)
    end
  end

  private

  def body(**more)
    { model: "gpt-4o-mini", messages: [{ role: "user", content: "Name a river." }], max_tokens: 5, **more }
  end

  def connection(url, made, **options)
    Faraday.new(url, headers: JSON_BODY) do |builder|
      LLMQ.wrap(builder, made, **options)
      builder.adapter(:net_http)
    end
  end

  # Has the pauses between tries last far longer than a test.
  def long_pauses(connection)
    middleware = connection.app
    middleware = middleware.instance_variable_get(:@app) until middleware.is_a?(LLMQ::Middleware)
    middleware.define_singleton_method(:delay) { |_number| 3 * LONG }
    connection
  end

  # Answers each call in a thread of its own with the block, which gets the connection and, if it takes it,
  # what was asked.
  def with_server(answer)
    server = TCPServer.new("127.0.0.1", 0)
    threads = []
    accepting = Thread.new do
      loop do
        threads << Thread.new(server.accept) do |client|
          head = +""
          head << client.gets until head.end_with?("\r\n\r\n")
          client.read(head[/^content-length: (\d+)/i, 1].to_i)
          answer.arity == 1 ? answer.call(client) : answer.call(client, head)
        ensure
          client.close
        end
      end
    end
    yield "http://127.0.0.1:#{server.addr[1]}"
  ensure
    accepting.kill
    threads.each { |thread| thread.join(LONG) }
    server.close
  end

  # A port that nobody listens at.
  def free_port
    TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end
end
