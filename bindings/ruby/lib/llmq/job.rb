# frozen_string_literal: true

module LLMQ
  # One attempt of a request, for the block that runs it.
  class Job
    include Content
    include Lease

    LEAST_PAUSE = 0.001
    MOST_PAUSE = 0.05
    private_constant :LEAST_PAUSE, :MOST_PAUSE

    # Id of the attempt.
    attr_reader :attempt_id
    # Id of the request; of a shared call, of the call.
    attr_reader :request_id
    # Number of the request within its manager, by which the manager knows who waits for it.
    attr_reader :request_number
    # Which attempt of its request it is, from 1.
    attr_reader :number
    # What was submitted, as bytes.
    attr_reader :payload
    # The object that was submitted in a Ref; else nil.
    attr_reader :object
    # What the attempt took, a Usage: set it where it is known.
    attr_accessor :usage

    # Called by the manager.
    def initialize(core, piece)
      @core = core
      @pid = core.pid
      @piece = piece
      @attempt_id = piece[:attempt_id]
      @request_id = piece[:request_id]
      @request_number = piece[:user_data]
      @number = piece[:attempt]
      @payload = piece.data
      @streams = piece[:flags].anybits?(EventFlags::STREAM)
      @passed = core.objects[@request_number] if @request_number.anybits?(Wire::BY_REFERENCE)
      @object = @passed&.payload
      @lock = Mutex.new
      @stopped = ConditionVariable.new
      @cancelled = false
    end

    # Ids, and the number of the attempt.
    def inspect
      "#<LLMQ::Job #{@attempt_id.to_s(16)}, attempt #{@number} of #{@request_id.to_s(16)}>"
    end

    # Whether the caller takes chunks.
    def streams?
      @streams
    end

    # Name of the model. This and the next three: until the block has ended.
    def model
      bytes(:llmq_attempt_model).force_encoding(Encoding::UTF_8)
    end

    # Whose request it is.
    def tenant
      bytes(:llmq_attempt_tenant).force_encoding(Encoding::UTF_8)
    end

    # The caller's own id.
    def request_key
      bytes(:llmq_attempt_request_key).force_encoding(Encoding::UTF_8)
    end

    # Metadata as given with the request, as bytes.
    def metadata
      bytes(:llmq_attempt_metadata)
    end

    # Whether the request has ended: what the block still does is for nothing.
    def cancelled?
      @cancelled
    end

    # Waits for the request's end, that many seconds at most; whether it has ended.
    def wait_cancelled(seconds = nil)
      @lock.synchronize do
        limit = seconds && (now + seconds)
        @stopped.wait(@lock, limit && (limit - now)) until @cancelled || (limit && now >= limit)
        @cancelled
      end
    end

    # Hands over a piece of the response, or not: nil if its reader has no room now, false if the
    # caller takes no chunks, true if it was taken.
    #
    # Raises RequestCancelledError: the request has ended.
    def try_chunk(data)
      bytes = Payload.bytes(data)
      status = Native.llmq_attempt_chunk(pointer, @attempt_id, bytes, bytes.bytesize)
      case status
      when Status::AGAIN then nil
      when Status::UNSUPPORTED then false
      when Status::STALE then raise RequestCancelledError, "the attempt has ended"
      else
        LLMQ.check(status)
        true
      end
    end

    # Hands over a piece of the response; waits while the reader has no room for it. false: the
    # caller takes no chunks.
    #
    # Raises RequestCancelledError: the request has ended.
    def chunk(data)
      pause = LEAST_PAUSE
      while (taken = try_chunk(data)).nil?
        raise RequestCancelledError, "the attempt has ended" if wait_cancelled(pause)

        pause = [2 * pause, MOST_PAUSE].min
      end
      taken
    end

    # Called by the manager when the request has ended before its attempt.
    def stop
      @lock.synchronize do
        @cancelled = true
        @stopped.broadcast
      end
    end

    # Called by the manager with what the block returned. What cannot be taken ends the attempt too.
    def succeed(result)
      used = Usage.pack(usage)
      data = bytes_of(result)
      report do |pointer|
        Native.llmq_attempt_succeed(pointer, @attempt_id, data, data.bytesize, used)
      end
    rescue Exception => e # rubocop:disable Lint/RescueException -- a result may be made by any code
      end_with(Status::PROCESSING, Lease.words(e), 0)
    end

    # Called by the manager with what the block raised.
    def fail_with(problem)
      end_with(*failure(problem))
    end

    private

    def content
      @payload
    end

    def bytes_of(result)
      return "" if result.nil?
      return Payload.bytes(result) unless result.is_a?(Ref)
      raise TypeError, "a Ref answers a request whose payload is a Ref, and no other" unless @passed

      @passed.result = result.object
      ""
    end

    # The thread goes on whatever comes of it.
    def end_with(status, words, retry_after)
      report do |pointer|
        Native.llmq_attempt_fail(pointer, @attempt_id, status, words, words.bytesize, retry_after)
      end
    rescue StandardError, NoMemoryError => e
      @core.warn("attempt #{@attempt_id.to_s(16)} could not be ended: #{e.message}")
    end

    def report
      status = yield pointer
      LLMQ.check(status) unless status == Status::STALE
    rescue ClosedError, ForkedError
      nil # nobody waits for it any more
    ensure
      @piece.release
    end

    def bytes(function)
      told = Native.bytes do |data, length|
        Native.public_send(function, pointer, @attempt_id, data, length)
      end
      told || raise(Error.of(Status::STALE, "the attempt has ended"))
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end
  end
end
