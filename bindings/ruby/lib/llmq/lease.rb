# frozen_string_literal: true

module LLMQ
  # What runs outside the library for as long as its lease is renewed.
  module Lease
    FAILURES = (-(1 << 31)..-1)
    private_constant :FAILURES

    # What an exception says; of one that cannot say it its class.
    def self.words(problem)
      problem.message.to_str
    rescue StandardError
      problem.class.to_s
    end

    # The work still goes on: the lease begins anew. false: it is lost, or what asked for the work has
    # ended: what is still done is for nothing.
    def heartbeat
      status = Native.llmq_attempt_heartbeat(pointer, @attempt_id)
      LLMQ.check(status) unless status == Status::STALE
      status == Status::OK
    end

    private

    # The library's manager, if it is still the one that the work belongs to: in a forked child another
    # one may give the same ids.
    def pointer
      pointer = @core.pointer
      return pointer if @core.pid == @pid

      raise Error.of(Status::FORKED, "this belongs to the parent process, #{@pid}")
    end

    # Status, words and nanoseconds until the next try of what was raised. It raises nothing itself.
    def failure(problem)
      words = Lease.words(problem)
      status = problem.status if problem.is_a?(Error)
      return [Status::PROCESSING, words, 0] unless status.is_a?(Integer) && FAILURES.cover?(status)

      [status, words, retry_after(problem)]
    end

    def retry_after(problem)
      Wire.retry_after(problem.retry_after)
    rescue InvalidArgumentError => e
      @core.warn("#{e.message}: it is left out (attempt #{@attempt_id.to_s(16)})")
      0
    end
  end
end
