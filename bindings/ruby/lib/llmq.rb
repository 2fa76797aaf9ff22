# frozen_string_literal: true

require_relative "llmq/version"
require_relative "llmq/constants"
require_relative "llmq/native_functions"
require_relative "llmq/library"
require_relative "llmq/errors"
require_relative "llmq/config"
require_relative "llmq/payload"
require_relative "llmq/wire"
require_relative "llmq/records"
require_relative "llmq/told"
require_relative "llmq/response"
require_relative "llmq/outbox"
require_relative "llmq/port"
require_relative "llmq/log_pipe"
require_relative "llmq/ending"
require_relative "llmq/core"
require_relative "llmq/future"
require_relative "llmq/stream"
require_relative "llmq/lease"
require_relative "llmq/permit"
require_relative "llmq/job"
require_relative "llmq/workers"
require_relative "llmq/hooks"
require_relative "llmq/keys"
require_relative "llmq/submission"
require_relative "llmq/operations"
require_relative "llmq/model"
require_relative "llmq/manager"

# Runs calls to LLM APIs as early as their limits allow, in order, each answered once.
#
#   LLMQ::Manager.open(config) do |manager|
#     puts manager.call("gpt-4o-mini", body).text
#   end
module LLMQ
  autoload :Middleware, File.join(__dir__, "llmq", "middleware")

  class << self
    # Gets the log lines of the library: a ::Logger, or what has its method add; nil = none.
    # Managers that are made from then on use it.
    attr_accessor :logger

    # Version of the library in use, "0.1.0".
    def library_version
      Native.llmq_version_string
    end

    # What the library in use contains: Features bits.
    def features
      Native.llmq_features
    end

    # What llmq makes of a recorded answer of a provider; nothing is sent.
    #
    # provider:: as in the setting model.*.provider.
    # record:: a Hash: status, headers and body of the answer; of a stream, all of it as text.
    #
    # Gives a Hash: retryable, retry_after_ms, limits, usage, error_class and what else it tells.
    # Raises InvalidArgumentError: the provider is not known, or the record makes no sense.
    def explain(provider, record)
      text = Payload.json(record)
      told = Native.told do |holder, err|
        Native.llmq_explain_json(provider, provider.bytesize, text, text.bytesize, holder, nil, err)
      end
      JSON.parse(told)
    end

    # Has every call of a Faraday connection keep the limits of a manager: see Middleware.
    #
    # connection:: a Faraday::Connection, finished or as Faraday.new yields it. Its retry
    #              middleware is taken out.
    # options:: as of Middleware.
    #
    # Gives the connection back.
    def wrap(connection, manager = nil, **options)
      Middleware.install(connection, manager, **options)
    end
  end
end
