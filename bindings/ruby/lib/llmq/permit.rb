# frozen_string_literal: true

module LLMQ
  # Leave to make one call now. To be ended once, from any thread.
  #
  # Manager#acquire with a block releases it at the end of the block, with usage if that was set; a
  # block that is left by an exception reports a failure: the status of an LLMQ::Error, else
  # LLMQ_ERR_PROCESSING. A permit that is neither released nor failed is lost when its lease (timeout) is
  # over, or fails (LLMQ_ERR_ABANDONED) once nobody refers to it any more.
  class Permit
    include Lease

    # Id of the permit.
    attr_reader :attempt_id
    # Id of the request that asked for it; 0 of try_acquire.
    attr_reader :request_id
    # The model that the call goes to: another one than was asked for, if that fell back.
    attr_reader :model
    # Name of the deployment that the call goes to; "" if it has none.
    attr_reader :deployment
    # What the call took, a Usage: set it where it is known. nil keeps what was reserved.
    attr_accessor :usage

    # Called by the manager.
    def initialize(core, request_id, attempt_id)
      @core = core
      @pid = core.pid
      @request_id = request_id
      @attempt_id = attempt_id
      @model = text(:llmq_attempt_model)
      @deployment = text(:llmq_attempt_deployment)
      @ended = false
      ObjectSpace.define_finalizer(self, Permit.abandon(core, attempt_id, @pid))
    end

    # Called by the finalizer of a permit that nobody refers to any more.
    def self.abandon(core, attempt_id, pid)
      proc do
        if pid == Process.pid && core.usable?
          words = "the permit was dropped"
          Native.llmq_attempt_fail(core.pointer, attempt_id, Status::ABANDONED, words, words.bytesize, 0)
        end
      rescue Error
        nil # the manager has been closed meanwhile
      end
    end

    # Id and model.
    def inspect
      "#<LLMQ::Permit #{@attempt_id.to_s(16)} of #{@model}>"
    end

    # Whether it was released, failed or found to be lost.
    def ended?
      @ended
    end

    # Ends it: the call went well. usage:: what it took; Usage.new of one that was not made; nil:
    # not known, what was reserved stays charged.
    #
    # false: the permit was lost before: its lease or deadline is over, or it was cancelled.
    #
    # Raises InvalidArgumentError: usage makes no sense; the permit is still held.
    def release(usage = @usage)
      used = Usage.pack(usage)
      finish { |pointer| Native.llmq_permit_release(pointer, @attempt_id, used) }
    end

    # Called at the end of a block: as release. Nobody can do so later, and so a usage that makes no sense
    # ends it as a failure (LLMQ_ERR_PROCESSING), and is raised.
    def leave
      release unless @ended
    rescue InvalidArgumentError => e
      end_with(Status::PROCESSING, e.message, 0)
      raise
    rescue ClosedError, ForkedError
      nil # it ended with its manager, or is the parent's
    end

    # Called by a middleware after a failure: waits that many seconds before the next call.
    #
    # Raises ClosedError: the manager has been closed, or is about to be.
    def pause(seconds)
      raise Error.of(Status::CLOSED) if @core.ending.pause(seconds)
    end

    # Ends it: the call failed. What it was teaches the limits, the load and the breaker.
    #
    # status:: Status::RATE_LIMITED, OVERLOADED, SERVER, TRANSPORT, ...
    # message:: why, for people.
    # retry_after:: seconds that the provider asked to wait; nil = not known.
    #
    # false: the permit was lost before.
    #
    # Raises InvalidArgumentError: status is none of a failure, or retry_after negative or no number; the
    # permit is still held.
    def fail(status, message = "", retry_after: nil)
      end_with(status, message, Wire.retry_after(retry_after))
    end

    # Ends it as the exception says, unless it has ended.
    def fail_with(problem)
      end_with(*failure(problem)) unless @ended
    rescue ClosedError, ForkedError
      nil # it ended with its manager, or is the parent's
    end

    # Tells the headers of the answer, a Hash or pairs, which teach the limits of the deployment that
    # was called. Before it is ended. false: the permit was lost before.
    def report_limits(headers)
      status = Native.with_headers(headers) do |*lists|
        Native.llmq_attempt_report_limits(pointer, @attempt_id, *lists)
      end
      LLMQ.check(status) unless status == Status::STALE
      status == Status::OK
    end

    private

    def end_with(status, message, wait)
      finish do |pointer|
        Native.llmq_attempt_fail(pointer, @attempt_id, status, message, message.bytesize, wait)
      end
    end

    # What is refused leaves it as it was.
    def finish
      raise Error.of(Status::ALREADY_DONE, "the permit was ended before") if @ended

      status = yield pointer
      LLMQ.check(status) unless status == Status::STALE
      @ended = true
      ObjectSpace.undefine_finalizer(self)
      status == Status::OK
    end

    def text(function)
      told = Native.bytes do |data, length|
        Native.public_send(function, pointer, @attempt_id, data, length)
      end
      told.to_s.force_encoding(Encoding::UTF_8)
    end
  end

  # A permit that was asked for: it waits in the line of its model.
  class PermitRequest
    # Id of the request.
    attr_accessor :request_id

    # Called by the manager.
    def initialize(manager, core, port)
      @manager = manager
      @core = core
      @port = port
      @done = Thread::Queue.new
      @permit = @response = nil
      @gone = false
    end

    # Id, and whether it is done.
    def inspect
      "#<LLMQ::PermitRequest #{request_id.to_i.to_s(16)}#{" done" if done?}>"
    end

    # Waits for the permit, a Permit. Who is interrupted gives it back.
    #
    # Raises Error: there is none: OversizeError, DeadlineError and so on.
    def wait
      check_process
      come = false
      @done.pop
      come = true
      @response&.raise_for_status
      @permit
    ensure
      give_back unless come
    end

    # Whether there is a permit, or it is known that there will be none.
    def done?
      @done.closed?
    end

    # Leaves the line, or takes the permit back. Whether it could be asked.
    #
    # Raises ForkedError: it was asked for by the parent process.
    def cancel
      check_process
      @manager.cancel(request_id)
    end

    # Called by the manager.
    def permit(piece)
      permit = Permit.new(@core, piece[:request_id], piece[:attempt_id])
      gone = @port.lock.synchronize do
        @permit = permit
        @gone
      end
      permit.release(Usage.new) if gone
      @done.close
    end

    # Called by the manager in place of permit.
    def finish(_number, response)
      @response = response
      @done.close
    end

    private

    def check_process
      return if @port.pid == Process.pid

      raise Error.of(Status::FORKED, "the permit was asked for by the parent process, #{@port.pid}")
    end

    def give_back
      return if @port.pid != Process.pid

      permit = @port.lock.synchronize do
        @gone = true
        @permit
      end
      permit ? permit.release(Usage.new) : cancel
    rescue Error
      nil
    end
  end

  # Headers that the library is told.
  module Native
    # Gives the block the headers of an answer, whose values may be Arrays, as the calls that report limits
    # take them.
    def self.with_headers(headers)
      pairs = headers.flat_map { |name, values| Array(values).map { |value| [name, value] } }
      held = pairs.flatten.map { |text| FFI::MemoryPointer.from_string(text.to_s) }
      names, values = held.partition.with_index { |_, i| i.even? }
      lists = [names, values].map do |texts|
        FFI::MemoryPointer.new(:pointer, texts.size + 1).write_array_of_pointer(texts)
      end
      yield lists[0], nil, lists[1], nil, pairs.size
    end
  end
end
