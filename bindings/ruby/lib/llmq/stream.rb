# frozen_string_literal: true

module LLMQ
  # The chunks of one request, in order. For one thread or fiber at a time.
  #
  # A reader that is slow makes the provider wait: beyond stream_buffer_bytes nothing more is read
  # from it. A stream that nobody refers to any more, such as that of an Enumerator which was read in part,
  # cancels its request.
  class Stream
    include Enumerable

    # What comes of the request, for its stream. The manager holds this one, and so the stream does not
    # live until its request has ended.
    class Feed
      # Id of the request.
      attr_accessor :request_id

      # Of a manager's core, and of its port.
      def initialize(core, port)
        @core = core
        @pid = port.pid
        @queue = Thread::Queue.new
        @dropped = false
      end

      # Called by the manager.
      def chunk(piece)
        @queue << piece
        let_go if @dropped
      end

      # Called by the manager, once.
      def finish(_number, response)
        @queue << response
      end

      # Raises ForkedError: the request belongs to the parent process.
      def check_process
        return if @pid == Process.pid

        raise Error.of(Status::FORKED, "the request belongs to the parent process, #{@pid}")
      end

      # The next Piece, or the response.
      def pop
        check_process
        @queue.pop
      end

      # Nobody reads any more. Called by a finalizer.
      def drop
        return unless @pid == Process.pid && @core.usable?

        @dropped = true
        Native.llmq_cancel(@core.pointer, request_id) if request_id
        let_go
      rescue Error
        nil # the manager has been closed meanwhile
      end

      private

      # Has the library take back what was not read.
      def let_go
        loop do
          got = @queue.pop(true)
          got.release if got.is_a?(Piece)
        end
      rescue ThreadError
        nil # there is no more
      end
    end
    private_constant :Feed

    # Called by the manager.
    def self.feed(core, port)
      Feed.new(core, port)
    end

    # Called by the finalizer of a stream that nobody refers to any more.
    def self.abandon(feed)
      proc { feed.drop }
    end

    # Called by the manager.
    def initialize(manager, feed)
      @manager = manager
      @feed = feed
      @response = nil
      ObjectSpace.define_finalizer(self, Stream.abandon(feed))
    end

    # Id of the request.
    def request_id
      @feed.request_id
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
      got = @response || @feed.pop
      return Chunk.of(got) if got.is_a?(Piece)

      @response = got
      got.raise_for_status
      nil
    end

    # The outcome, whatever it is, with the whole answer; chunks not read yet are skipped.
    def response
      until @response
        got = @feed.pop
        got.is_a?(Piece) ? got.release : @response = got
      end
      @response
    end

    # Asks for the request to be cancelled. Whether it could be asked: false after its end.
    #
    # Raises ForkedError: the request belongs to the parent process.
    def cancel
      return false if @response

      @feed.check_process
      @manager.cancel(request_id)
    end

    # Cancels the request unless it has ended, and lets go of chunks that were not read.
    def close
      cancel
      response
      nil
    rescue ClosedError, ForkedError
      nil
    end
  end
end
