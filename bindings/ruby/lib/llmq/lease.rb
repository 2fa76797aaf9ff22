# frozen_string_literal: true

module LLMQ
  # What runs outside the library for as long as its lease is renewed.
  module Lease
    # The work still goes on: the lease begins anew. false: it is lost, or what asked for the work has
    # ended: what is still done is for nothing.
    def heartbeat
      status = Native.llmq_attempt_heartbeat(@core.pointer, @attempt_id)
      LLMQ.check(status) unless status == Status::STALE
      status == Status::OK
    end
  end
end
