# frozen_string_literal: true

require "faraday"

module LLMQ
  # Faraday middleware that has every call keep the limits of a manager.
  #
  #   client = OpenAI::Client.new { |faraday| LLMQ.wrap(faraday) }
  #
  # is all; <tt>faraday.use LLMQ::Middleware</tt> is the same for a connection without retries of its
  # own. Each POST whose body names a model waits for a permit of that; headers and usage of the
  # answer, and refusals, teach the limits, and calls that deserve it are tried again with a permit of
  # their own. A streamed answer (on_data) gives its permit back at its end. Where the model falls back
  # (fallback.models), the body names the model that the permit is for; address and key stay the
  # connection's.
  class Middleware
    STATUSES = { "rate_limit" => Status::RATE_LIMITED, "quota" => Status::QUOTA_EXHAUSTED,
                 "overloaded" => Status::OVERLOADED, "server_error" => Status::SERVER,
                 "bad_request" => Status::BAD_REQUEST, "context_length" => Status::CONTEXT_TOO_LONG,
                 "content_filter" => Status::CONTENT_FILTER, "auth" => Status::AUTH }.freeze
    OPERATIONS = { "completions" => :chat, "embeddings" => :embeddings, "messages" => :messages,
                   "responses" => :responses }.freeze
    RETRIES = %w[Faraday::Request::Retry Faraday::Retry::Middleware].freeze
    LEAST_DELAY = 0.5
    MOST_DELAY = 30.0
    # What a call asks for.
    Asked = Struct.new(:model, :body, :operation, :provider)
    # What came of a call: its status, headers and body, and the exception that told them.
    Answer = Struct.new(:status, :headers, :body, :problem)
    private_constant :STATUSES, :OPERATIONS, :RETRIES, :LEAST_DELAY, :MOST_DELAY, :Asked, :Answer

    # Takes over a connection: see LLMQ.wrap.
    def self.install(connection, manager, **options)
      builder = connection.builder
      builder.handlers.select { |each| RETRIES.include?(each.name) }.each { |each| builder.delete(each) }
      builder.use(self, manager: manager, **options)
      connection
    end

    # manager:: whose limits; models must be registered there. nil: the shared manager, in which
    #           models are made as they are called, and their limits learnt from the answers.
    # provider:: whose answers they are, as in the setting model.*.provider. nil: by the address.
    # attempts:: most of each call, the first one included.
    # options:: of every call, as of Manager#submit: tenant, priority, deadline of the wait.
    def initialize(app, manager: nil, provider: nil, attempts: 3, **options)
      @app = without_retries(app)
      @manager = manager
      @provider = provider
      @attempts = attempts
      @options = options
    end

    # Makes the call. Raises Error: there is no permit; and what Faraday raises.
    def call(env)
      asked = asked(env)
      return @app.call(env) if asked.nil?
      # Their answers come when all have been asked for: a permit that one waits for would never be free.
      raise UnsupportedError, "calls of in_parallel cannot wait for permits" if env.parallel?

      body = env[:body]
      (1..).each do |number|
        env[:body] = body
        response, permit, delay = attempt(env, asked, number)
        return response if delay.nil?

        permit.pause(delay)
      end
    end

    # Called by Faraday when the connection is closed.
    def close
      @app.close if @app.respond_to?(:close)
    end

    private

    # Takes retries out that come after this in the connection's stack.
    def without_retries(app)
      inner = app.instance_variable_get(:@app)
      return app if inner.nil?
      return without_retries(inner) if RETRIES.include?(app.class.name)

      app.instance_variable_set(:@app, without_retries(inner))
      app
    end

    # What a call asks for; nil of one that no limit counts, such as a list of models.
    def asked(env)
      return nil unless env[:method] == :post

      body = env[:body].is_a?(Hash) ? Payload.json(env[:body]) : env[:body].to_s
      model = JSON.parse(body)["model"]
      last = env[:url].path.split("/").last
      Asked.new(model, body, OPERATIONS.fetch(last, :custom), @provider || provider(env[:url], last)) if model
    rescue JSON::ParserError, TypeError
      nil
    end

    # Has the call go to another model.
    def name_model(env, model, body)
      env[:body] = Payload.json(JSON.parse(body).merge("model" => model))
      headers = env[:request_headers]
      headers["Content-Length"] = env[:body].bytesize.to_s if headers["Content-Length"]
    end

    def provider(url, last)
      return "azure" if url.host.to_s.end_with?(".azure.com") || url.path.include?("/openai/deployments/")

      last == "messages" ? "anthropic" : "openai"
    end

    def acquire(asked)
      manager = @manager || Manager.shared
      options = { operation: asked.operation, **@options }
      manager.acquire(asked.model, asked.body, **options)
    rescue UnknownModelError
      raise if @manager

      make(manager, asked)
      manager.acquire(asked.model, asked.body, **options)
    end

    def make(manager, asked)
      charge = asked.provider == "anthropic" ? "realtime" : "arrival"
      model = { name: asked.model, find_limits: true, shape: "auto", charge: charge }
      manager.register({ models: [model] }, skip_existing: true)
    end

    # Gives the response; or nil, the permit, and seconds until the call should be made again.
    def attempt(env, asked, number)
      permit = acquire(asked)
      name_model(env, permit.model, asked.body) if permit.model != asked.model
      pieces = Pieces.new(env, permit)
      response = nil
      answer = answer { response = pieces.watch { @app.call(env) } }
      delay = ended(permit, asked, answer, pieces, number)
      return [nil, permit, delay] if delay

      pieces.pass_on
      raise answer.problem if answer.problem

      response
    ensure
      give_up(permit, pieces) unless permit.nil? || permit.ended?
    end

    # The reader of a stream has gone, or an exception has come that is none of Faraday's: Interrupt, the
    # end of a fiber. That says neither well nor ill of the provider.
    def give_up(permit, pieces)
      return permit.release(nil) if pieces&.reading?

      permit.fail(Status::ABANDONED, "the call was given up")
    rescue ClosedError, ForkedError
      nil # it ended with its manager
    end

    # What came of the call that the block makes. Exceptions of middleware that turns statuses into
    # such, and of calls without an answer, are told in it.
    def answer
      response = yield
      Answer.new(response.status, response.headers, response.body)
    rescue Faraday::Error => e
      told = e.response
      return Answer.new(nil, {}, nil, e) unless told

      Answer.new(told[:status], told[:headers] || {}, told[:body], e)
    end

    # Tells what came of the call. Gives seconds until it should be made again, or nil.
    def ended(permit, asked, answer, pieces, number)
      return broken(permit, answer.problem, pieces, number) if answer.status.nil?

      told = LLMQ.explain(asked.provider, status: answer.status, headers: headers_of(answer),
                                          body: pieces.any? ? pieces.text : body_of(answer))
      permit.report_limits(answer.headers)
      return failed(permit, told, pieces, number) if answer.status >= 400

      permit.release(usage(told["usage"]))
      nil
    rescue ClosedError, ForkedError
      nil # nobody counts any more, and whoever called gets the answer
    end

    # Of any encoding.
    def headers_of(answer)
      answer.headers.transform_values { |values| Array(values).map { |each| Payload.text(each.to_s) } }
    end

    def body_of(answer)
      answer.body.is_a?(String) ? Payload.text(answer.body) : answer.body
    end

    def usage(told)
      return nil if told.nil?

      Usage.new(input_tokens: told["input_tokens"] || 0, output_tokens: told["output_tokens"] || 0,
                cached_input_tokens: told["cached_input_tokens"] || 0)
    end

    # Tells of a refusal.
    def failed(permit, told, pieces, number)
      wait = told["retry_after_ms"]
      retry_after = wait && (wait / 1e3)
      status = STATUSES.fetch(told["error_class"], Status::UNKNOWN)
      permit.fail(status, told["error_class"].to_s, retry_after: retry_after)
      return nil if !told["retryable"] || number >= @attempts || pieces.passed?
      return 0 if status == Status::RATE_LIMITED && retry_after # the next permit comes no earlier

      [retry_after || 0, delay(number)].max
    end

    # Tells of a call without an answer.
    def broken(permit, problem, pieces, number)
      late = problem.is_a?(Faraday::TimeoutError)
      permit.fail(late ? Status::TIMEOUT : Status::TRANSPORT, problem.message)
      again = late || problem.is_a?(Faraday::ConnectionFailed)
      delay(number) if again && number < @attempts && !pieces.passed?
    end

    def delay(number)
      rand(LEAST_DELAY..[MOST_DELAY, LEAST_DELAY * (3**number)].min)
    end

    # The pieces of a streamed answer, on their way to who reads them.
    class Pieces
      # env:: of the call; permit:: is kept by what comes.
      def initialize(env, permit)
        @options = env[:request]
        @reader = @options.on_data
        @permit = permit
        @raw = +""
        @held = []
        @passed = false
        @reading = false
      end

      # Calls the block with a reader that notes what it gets. Of a refusal, where Faraday tells the
      # status by then, nothing is passed on before it is known that it is the last word.
      def watch
        return yield unless @reader

        begin
          @options.on_data = proc { |piece, *rest| came(piece, rest) }
          yield
        ensure
          @options.on_data = @reader
        end
      end

      # Whether there are any.
      def any?
        !@raw.empty?
      end

      # Whether the reader has got some, so that the call cannot be made again.
      def passed?
        @passed
      end

      # Whether the reader has one, which it has not come back from.
      def reading?
        @reading
      end

      # All of them.
      def text
        Payload.text(@raw)
      end

      # Gives the reader what was held back.
      def pass_on
        @held.each { |piece| read(*piece) }
        @held = []
      end

      private

      def came(piece, rest)
        @raw << piece
        @permit.heartbeat
        status = rest.last.status if rest.last.respond_to?(:status)
        return @held << [piece, *rest] if status && status >= 400

        @passed = true
        read(piece, *rest)
      end

      def read(*piece)
        @reading = true
        @reader.call(*piece)
        @reading = false
      end
    end
    private_constant :Pieces
  end
end
