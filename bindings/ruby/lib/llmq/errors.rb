# frozen_string_literal: true

# Runs calls to LLM APIs as early as their limits allow: what goes wrong.
module LLMQ
  # Something that llmq could not do. Base of all its errors.
  #
  # A processor raises <tt>LLMQ::RateLimitedError.new("words", retry_after: 2)</tt> to say what
  # happened.
  class Error < StandardError
    # Which failure it is: Status.
    attr_reader :status
    # The configuration key or argument that was at fault; "" if none.
    attr_reader :key
    # The outcome of the request, if it was one that failed; else nil.
    attr_reader :response
    # Seconds, in an error that a processor raises: no new try before that time; nil = not known.
    attr_reader :retry_after
    # Of submit_batch, the futures of the requests before the one that was refused.
    attr_accessor :accepted

    # message:: nil = what the library says of the status.
    # status:: nil = the one that belongs to the class.
    def initialize(message = nil, status: nil, key: "", response: nil, retry_after: nil)
      @status = status || Error.status_of(self.class)
      @key = key
      @response = response
      @retry_after = retry_after
      @accepted = []
      super(message.nil? || message.empty? ? Native.llmq_status_message(@status) : message)
    end

    # Name of the status, "LLMQ_ERR_TIMEOUT".
    def status_name
      Native.llmq_status_name(@status)
    end

    # What Ruby prints of an error that nobody rescues (from 3.2), and what #full_message tells there.
    def detailed_message(**)
      "#{message} [#{status_name}] (#{self.class})"
    end

    # Class, status, words and key.
    def inspect
      shown = @key.empty? || message.include?(@key) ? "" : " (#{@key})"
      "#<#{self.class} #{status_name}: #{message}#{shown}>"
    end

    class << self
      # The status that an error of a class has unless it is given another one.
      def status_of(kind)
        CLASSES.key(kind) || Status::UNKNOWN
      end

      # The error of the class that belongs to a status.
      def of(status, message = nil, **rest)
        CLASSES.fetch(status, Error).new(message, status: status, **rest)
      end
    end
  end

  # An argument, a configuration key or its value is not acceptable.
  class InvalidArgumentError < Error; end
  # No model of that name is registered.
  class UnknownModelError < Error; end
  # A model of that name is registered already.
  class ModelExistsError < Error; end
  # The manager has been shut down, or is about to be.
  class ClosedError < Error; end
  # The manager was made before a fork; this process needs one of its own.
  class ForkedError < Error; end
  # max_pending or max_pending_bytes is reached.
  class QueueFullError < Error; end
  # The request alone is larger than one of its limits.
  class OversizeError < Error; end
  # The id names something that is gone.
  class StaleError < Error; end
  # The request was cancelled: by its caller or a shutdown.
  class RequestCancelledError < Error; end
  # The request's deadline has passed, or cannot be met.
  class DeadlineError < Error; end
  # The last attempt took too long.
  class AttemptTimeoutError < Error; end
  # The provider refused the call for its rate (429), more often than it is retried.
  class RateLimitedError < Error; end
  # The account's quota or money is used up.
  class QuotaExhaustedError < Error; end
  # The provider is overloaded (503, 529).
  class OverloadedError < Error; end
  # The provider failed (5xx).
  class ServerError < Error; end
  # The key was rejected (401, 403).
  class AuthError < Error; end
  # The provider rejected the request itself (400, 404, 422).
  class BadRequestError < Error; end
  # More tokens than the model's context.
  class ContextTooLongError < BadRequestError; end
  # Refused by the provider's content filter.
  class ContentFilterError < BadRequestError; end
  # A processor's own budget is used up; llmq itself ends no request so.
  class BudgetError < Error; end
  # No answer: name resolution, connection, TLS, or a broken reply.
  class TransportError < Error; end
  # The processor failed: it raised an exception, or reported one.
  class ProcessingError < Error; end
  # Whoever ran the attempt vanished without a report.
  class AbandonedError < Error; end
  # Not in this build of the library, or not possible for this model.
  class UnsupportedError < Error; end

  class Error
    CLASSES = {
      Status::INVALID_ARG => InvalidArgumentError,
      Status::UNKNOWN_KEY => InvalidArgumentError,
      Status::INVALID_VALUE => InvalidArgumentError,
      Status::UNKNOWN_MODEL => UnknownModelError,
      Status::MODEL_EXISTS => ModelExistsError,
      Status::CLOSED => ClosedError,
      Status::CLOSING => ClosedError,
      Status::FORKED => ForkedError,
      Status::QUEUE_FULL => QueueFullError,
      Status::OVERSIZE => OversizeError,
      Status::STALE => StaleError,
      Status::ALREADY_DONE => StaleError,
      Status::CANCELLED => RequestCancelledError,
      Status::DEADLINE => DeadlineError,
      Status::TIMEOUT => AttemptTimeoutError,
      Status::RATE_LIMITED => RateLimitedError,
      Status::QUOTA_EXHAUSTED => QuotaExhaustedError,
      Status::OVERLOADED => OverloadedError,
      Status::SERVER => ServerError,
      Status::AUTH => AuthError,
      Status::BAD_REQUEST => BadRequestError,
      Status::CONTEXT_TOO_LONG => ContextTooLongError,
      Status::CONTENT_FILTER => ContentFilterError,
      Status::BUDGET => BudgetError,
      Status::TRANSPORT => TransportError,
      Status::PROCESSING => ProcessingError,
      Status::ABANDONED => AbandonedError,
      Status::UNSUPPORTED => UnsupportedError
    }.freeze
    private_constant :CLASSES
  end

  # Raises what a call answered, in the words of holder (llmq_error_t **), which is freed.
  def self.check(status, holder = nil)
    return if status == Status::OK
    raise NoMemoryError, "llmq is out of memory" if status == Status::NOMEM

    told = holder&.read_pointer
    raise Error.of(status) if told.nil? || told.null?

    message = Native.llmq_error_message(told).dup.force_encoding(Encoding::UTF_8)
    key = Native.llmq_error_key(told).dup.force_encoding(Encoding::UTF_8)
    Native.llmq_error_free(told)
    raise Error.of(status, message, key: key)
  end
end
