# frozen_string_literal: true

module LLMQ
  # Tokens and money that an attempt took. Members: input_tokens (everything that entered the model,
  # cached tokens included), output_tokens (everything that it produced, reasoning included),
  # cached_input_tokens (the part of input_tokens that was read from a cache), cost_micros (money in
  # millionths of the currency's unit; 0 if unknown), reasoning_tokens (the part of output_tokens
  # that is not shown).
  Usage = Struct.new(:input_tokens, :output_tokens, :cached_input_tokens, :cost_micros,
                     :reasoning_tokens, keyword_init: true) do
    # Counts that are not given are 0.
    def initialize(input_tokens: 0, output_tokens: 0, cached_input_tokens: 0, cost_micros: 0,
                   reasoning_tokens: 0)
      super
    end

    # The same as llmq_usage_t; nil of nil.
    #
    # Raises InvalidArgumentError: it is no Usage, or one of its members no count.
    def self.pack(usage)
      return nil if usage.nil?
      raise refusal("it is of #{usage.class}, and must be an LLMQ::Usage") unless usage.is_a?(self)

      usage.each_pair do |name, count|
        said = "#{name} is #{count.inspect}, and must be"
        raise refusal("#{said} a whole number") unless count.is_a?(Integer)
        raise refusal("#{said} 0 or more") if count.negative?
        raise refusal("#{said} less than 2**63") if count.bit_length > 63
      end
      [Native::USAGE_SIZE, 0, *usage.to_a].pack("LLq5")
    end

    # What is raised.
    def self.refusal(words)
      InvalidArgumentError.new("usage: #{words}", key: "usage")
    end
    private_class_method :refusal

    # Reads an llmq_usage_t.
    def self.of_struct(memory)
      new(**members.zip(memory.get_array_of_int64(8, 5)).to_h)
    end
  end

  # One attempt of a request of which at least one failed. Members: number (from 1), status (its
  # name, "LLMQ_ERR_SERVER"), message (of the provider or the processor; at most 200 bytes),
  # deployment ("" where the model's only one has no name), http_status (0 if there was no answer),
  # started_s (seconds from the submit), run_s, retry_delay_s (until the next attempt could start;
  # nil if none followed).
  Attempt = Struct.new(:number, :status, :message, :deployment, :http_status, :started_s, :run_s,
                       :retry_delay_s, keyword_init: true) do
    # Reads what the library tells of one.
    def self.of(told)
      delay = told["retry_delay_ms"]
      new(number: told["attempt"], status: told["status"], message: told["message"] || "",
          deployment: told["deployment"] || "", http_status: told["http_status"] || 0,
          started_s: told["started_ms"] / 1e3, run_s: told["run_ms"] / 1e3,
          retry_delay_s: delay && (delay / 1e3))
    end
  end

  # The one outcome of a request. May be read from any thread.
  class Response
    include Content

    # Names of State.
    STATES = { State::PENDING => :pending, State::PROCESSING => :processing,
               State::COMPLETED => :completed, State::FAILED => :failed,
               State::CANCELLED => :cancelled, State::EXPIRED => :expired }.freeze
    # What few responses have: the library's response, a decoder, a value.
    More = Struct.new(:handle, :decode, :value, :valued)
    private_constant :More

    # Called by the manager. records:: of all events of a drain; start:: of this one. data:: nil = that
    # of the handle. told:: nil = it went well at once, and there is no more to tell. An object with
    # more than three variables takes memory of its own.
    def initialize(records, start, data, told = nil)
      @records = records
      @start = start
      @data = data
      @told = told if told
    end

    # Id, state and size.
    def inspect
      "#<LLMQ::Response #{request_id.to_s(16)} #{state}, #{data.bytesize} bytes>"
    end

    # Id of the request.
    def request_id
      get(:request_id)
    end

    # Whether the request completed.
    def ok?
      @told.nil? || status.zero?
    end

    # Status::OK, or why not.
    def status
      get(:status)
    end

    # Name of the status, "LLMQ_ERR_TIMEOUT".
    def status_name
      Native.llmq_status_name(status)
    end

    # Final state: :completed, :failed, :cancelled or :expired.
    def state
      STATES[get(:state)]
    end

    # Payload, as bytes: the processor's data, or the body that the provider sent, also with an error.
    def data
      @data ||= Told.bytes(:llmq_response_data, handle)
    end

    # The answer: what the typed model's decode made of the payload, or the object itself; without
    # either the payload. What decode raises is raised here.
    def value
      return data if @more.nil? || (!@more.decode && !@more.valued)

      unless @more.valued
        @more.value = @more.decode.call(data)
        @more.valued = true
      end
      @more.value
    end

    # What went wrong, in words; "" if nothing did.
    def error
      return "" if ok?

      told.error.empty? ? Native.llmq_status_message(status) : told.error
    end

    # Gives this response back if the request completed; else raises the Error of its status.
    def raise_for_status
      raise to_error unless ok?

      self
    end

    # The error that belongs to this outcome.
    def to_error
      Error.of(status, error, response: self, retry_after: retry_after_s)
    end

    # Usage of the last attempt; nil if it is not known.
    def usage
      usage = Usage.new(input_tokens: get(:input_tokens), output_tokens: get(:output_tokens),
                        cached_input_tokens: get(:cached_input_tokens),
                        cost_micros: get(:cost_micros), reasoning_tokens: get(:reasoning_tokens))
      usage.all?(&:zero?) ? nil : usage
    end

    # Attempts made.
    def attempts
      get(:attempt)
    end

    # The attempts, each an Attempt, if one of them failed; else an empty Array.
    def history
      return [] unless handle

      told = Native.told { |holder, _| Native.llmq_response_attempts_json(handle, holder, nil) }
      JSON.parse(told).map { |each| Attempt.of(each) }
    end

    # Seconds from the submit to the start of the last attempt, or to the end if none ran.
    def queued_s
      get(:queued_ns) / 1e9
    end

    # Seconds that the last attempt ran; 0 if none did.
    def run_s
      get(:run_ns) / 1e9
    end

    # With an error: in how many seconds a new try may make sense; nil if not known.
    def retry_after_s
      seconds(:retry_after_ns)
    end

    # Seconds from the last attempt's start to its first output, if it was streamed; else nil.
    def first_output_s
      seconds(:first_output_ns)
    end

    # Whether the usage is that of a call which another request has told already.
    def shared?
      get(:flags).anybits?(EventFlags::SHARED)
    end

    # Whether the answer is one from before.
    def cached?
      get(:flags).anybits?(EventFlags::CACHED)
    end

    # HTTP status of the last answer of a built-in provider; 0 if there was none.
    def http_status
      told.http_status
    end

    # The provider's own id of its last answer; "" if there was none.
    def provider_request_id
      told.provider_request_id
    end

    # Name of the deployment that ran the last attempt; "" if it has none.
    def deployment
      told.deployment
    end

    # Model that the request went to in the end; "" if it stayed with the one asked for.
    def fallback_model
      told.fallback_model
    end

    # Request key as given with the request.
    def request_key
      told.request_key
    end

    # Metadata as given with the request, as bytes.
    def metadata
      told.metadata
    end

    # Called by a typed model: value is what decode makes of the payload.
    def decode_with(decode)
      more.decode = decode if decode
      self
    end

    # Called by the manager: value is an object.
    def value=(object)
      more.value = object
      more.valued = true
    end

    # Called by the manager: the response of the library that this one reads.
    def handle=(pointer)
      more.handle = FFI::AutoPointer.new(pointer, Native.method(:llmq_response_free))
    end

    private

    def content
      data
    end

    def more
      @more ||= More.new
    end

    def handle
      @more&.handle
    end

    def told
      @told || Told::NOTHING
    end

    def get(name)
      @records.byteslice(@start, Records::SIZE).unpack1(Records::AT[name])
    end

    def seconds(name)
      nanoseconds = get(name)
      nanoseconds.zero? ? nil : nanoseconds / 1e9
    end

    class << self
      # A response that keeps the library's own, which holds the payload.
      def taken(event, records, start, told)
        handle = Native.made { |holder, _| Native.llmq_event_take(event, holder) }
        response = new(records, start, nil, told)
        response.handle = handle
        response
      end

      # A response of llmq_response_get or _peek, which belongs to the caller.
      def owned(handle)
        response = new(Records.done(**told(handle)), 0, nil, Told.by(handle))
        response.handle = handle
        response
      end

      # The outcome of a request that was not accepted.
      def refusal(error)
        new(Records.done(status: error.status, state: State::FAILED), 0, Records::EMPTY,
            Told.new(0, error.message, "", "", "", "", Records::EMPTY))
      end

      private

      def told(handle)
        submitted, started, finished = timings(handle)
        {
          status: Native.llmq_response_status(handle), flags: Native.llmq_response_flags(handle),
          request_id: Native.llmq_response_request_id(handle),
          queued_ns: (started.zero? ? finished : started) - submitted,
          run_ns: started.zero? ? 0 : finished - started,
          attempt: Native.llmq_response_attempts(handle),
          state: Native.llmq_response_state(handle),
          first_output_ns: Native.llmq_response_first_output_ns(handle), **usage(handle)
        }
      end

      def timings(handle)
        FFI::MemoryPointer.new(:int64, 3) do |times|
          LLMQ.check(Native.llmq_response_timings(handle, times, times + 8, times + 16))
          return times.get_array_of_int64(0, 3)
        end
      end

      def usage(handle)
        FFI::MemoryPointer.new(Native::USAGE_SIZE) do |memory|
          memory.put_uint32(0, Native::USAGE_SIZE)
          Native.llmq_response_usage(handle, memory)
          return Usage.of_struct(memory).to_h
        end
      end
    end
  end

  # One piece of a streamed response. Members: data (the JSON of one event of the provider's stream,
  # or what the processor handed over, as bytes), attempt (number of the attempt that it belongs to,
  # from 1; 0 of an answer from before), output_tokens (output so far; 0 if not known).
  Chunk = Struct.new(:data, :attempt, :output_tokens) do
    include Content

    # Copies a piece and lets the library have its room.
    def self.of(piece)
      new(piece.data, piece[:attempt], piece[:output_tokens])
    ensure
      piece.release
    end

    private

    def content
      data
    end
  end
end
