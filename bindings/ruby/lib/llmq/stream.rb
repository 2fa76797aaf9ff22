# frozen_string_literal: true

module LLMQ
  # The chunks of one request, in order. For one thread or fiber at a time.
  #
  # A reader that is slow makes the provider wait: beyond stream_buffer_bytes nothing more is read
  # from it.
  class Stream
    include Enumerable

    # Id of the request.
    attr_accessor :request_id

    # Called by the manager.
    def initialize(manager)
      @manager = manager
      @pid = Process.pid
      @queue = Thread::Queue.new
      @response = nil
    end

    # Id of the request.
    def inspect
      "#<LLMQ::Stream #{request_id.to_i.to_s(16)}>"
    end

    # Gives the block each Chunk; without one an Enumerator of them. Who leaves the block early
    # (break, first, an exception) cancels the request.
    #
    # Raises Error: the request failed.
    def each
      return enum_for(:each) unless block_given?

      ended = false
      while (chunk = self.next)
        yield chunk
      end
      ended = true
      self
    ensure
      close unless ended || !block_given?
    end

    # The next Chunk; nil at the end.
    #
    # Raises Error: the request failed.
    def next
      got = @response || pop
      return Chunk.of(got) if got.is_a?(Piece)

      @response = got
      got.raise_for_status
      nil
    end

    # The outcome, whatever it is, with the whole answer; chunks not read yet are skipped.
    def response
      until @response
        got = pop
        got.is_a?(Piece) ? got.release : @response = got
      end
      @response
    end

    # Asks for the request to be cancelled. Whether it could be asked: false after its end.
    def cancel
      @response.nil? && @manager.cancel(request_id)
    end

    # Cancels the request unless it has ended, and lets go of chunks that were not read.
    def close
      cancel
      response
      nil
    rescue ClosedError, ForkedError
      nil
    end

    # Called by the manager.
    def chunk(piece)
      @queue << piece
    end

    # Called by the manager, once.
    def finish(_number, response)
      @queue << response
    end

    private

    def pop
      return @queue.pop if @pid == Process.pid

      raise Error.of(Status::FORKED, "the request belongs to the parent process, #{@pid}")
    end
  end
end
