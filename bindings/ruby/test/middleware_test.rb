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

  # A port that nobody listens at.
  def free_port
    TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end
end
