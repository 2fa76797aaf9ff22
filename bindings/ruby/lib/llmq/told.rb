# frozen_string_literal: true

module LLMQ
  # What is known of an outcome beside its event. Members: http_status, error, provider_request_id,
  # deployment, fallback_model, request_key (texts), metadata (bytes).
  Told = Struct.new(:http_status, :error, :provider_request_id, :deployment, :fallback_model,
                    :request_key, :metadata) do
    # outcome:: the members of an llmq_outcome_t, in order.
    def self.of(outcome)
      new(outcome[1], Records.text(outcome[4], outcome[5]), Records.text(outcome[6], outcome[7]),
          Records.text(outcome[8], outcome[9]), Records.text(outcome[10], outcome[11]),
          Records.text(outcome[12], outcome[13]), Records.copy(outcome[14], outcome[15]))
    end

    # What the library's own response tells.
    def self.by(handle)
      texts = %i[error provider_request_id deployment fallback_model request_key].map do |name|
        Native.public_send(:"llmq_response_#{name}", handle, nil).dup.force_encoding(Encoding::UTF_8)
      end
      new(Native.llmq_response_http_status(handle), *texts, bytes(:llmq_response_metadata, handle))
    end

    # The bytes that a function tells of a response by a pointer and a length.
    def self.bytes(function, handle)
      FFI::MemoryPointer.new(:size_t) do |length|
        start = Native.public_send(function, handle, length)
        return Records.copy(start.address, length.read_uint64)
      end
    end
  end
  Told::NOTHING = Told.new(0, "", "", "", "", "", Records::EMPTY).freeze
  private_constant :Told
end
