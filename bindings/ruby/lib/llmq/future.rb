# frozen_string_literal: true

module LLMQ
  # The response of a request that was handed over, when it is there. Whoever waits for it, on a
  # thread or in a fiber under a Fiber scheduler, does not hold the GVL.
  class Future
    LEAST_PAUSE = 0.001
    MOST_PAUSE = 0.02
    private_constant :LEAST_PAUSE, :MOST_PAUSE

    # Id of the request.
    attr_accessor :request_id

    # Called by the manager.
    def initialize(manager, port)
      @manager = manager
      @port = port
      @done = Thread::Queue.new
      @response = nil
      @callbacks = nil
    end

    # Id, and the response if it is there.
    def inspect
      "#<LLMQ::Future #{request_id.to_i.to_s(16)} #{@response ? @response.inspect : "pending"}>"
    end

    # Whether the request has ended.
    def done?
      !@response.nil?
    end

    # Waits for the outcome, whatever it is, that many seconds at most: nil if it is not there then.
    # Waiting is left by Interrupt and Thread#raise; the request goes on.
    #
    # Raises ForkedError: the request belongs to the parent process.
    def response(timeout: nil)
      wait(timeout) unless @response
      @response
    end

    # As response, of a request that went well.
    #
    # Raises Error: why it did not.
    def result(timeout: nil)
      response(timeout: timeout)&.raise_for_status
    end

    # As result: what the typed model's decode made of the payload, or the object itself, or the
    # payload.
    def value(timeout: nil)
      result(timeout: timeout)&.value
    end

    # Asks for the request to be cancelled. Whether it could be asked: false after its end.
    #
    # Raises ForkedError: the request belongs to the parent process.
    def cancel
      return false if done?

      check_process
      @manager.cancel(request_id)
    end

    # Calls the block with the response: at the end, on the thread of the manager, which it must not
    # hold up; at once if it is there. What it raises is printed and goes no further.
    def on_done(&block)
      response = @port.lock.synchronize do
        (@callbacks ||= []) << block unless @response
        @response
      end
      run(block, response) if response
      self
    end

    # Called by a typed model.
    def decode_with(decode)
      @decode = decode
      self
    end

    # Called by the manager, once.
    def finish(_number, response)
      response.decode_with(@decode) if @decode
      callbacks = @port.lock.synchronize do
        @response = response
        @callbacks
      end
      @done.close
      callbacks&.each { |block| run(block, response) }
    end

    private

    # A manager of this process may give the same ids.
    def check_process
      return if @port.pid == Process.pid

      raise Error.of(Status::FORKED, "the request belongs to the parent process, #{@port.pid}")
    end

    def wait(timeout)
      check_process
      timeout.nil? ? @done.pop : wait_for(timeout)
    end

    # Under a Fiber scheduler: there a ConditionVariable with a time sleeps for all of it (Ruby 3.1).
    def look_again(seconds)
      limit = now + seconds
      pause = LEAST_PAUSE
      until done? || now >= limit
        sleep([pause, limit - now].min.clamp(0, pause))
        pause = [2 * pause, MOST_PAUSE].min
      end
    end

    def wait_for(seconds)
      return look_again(seconds) if Fiber.scheduler

      mutex = Mutex.new
      over = ConditionVariable.new
      tell = proc { mutex.synchronize { over.broadcast } }
      limit = now + seconds
      on_done(&tell)
      mutex.synchronize do
        over.wait(mutex, limit - now) until done? || now >= limit
      end
    ensure
      @port.lock.synchronize { @callbacks&.delete(tell) } if tell
    end

    def now
      Process.clock_gettime(Process::CLOCK_MONOTONIC)
    end

    def run(block, response)
      block.call(response)
    rescue Exception => e # rubocop:disable Lint/RescueException -- the manager's thread goes on
      warn("llmq: a callback failed: #{e.full_message(highlight: false)}")
    end
  end

  # One caller that waits for one request. Used again: what waits by the thousand is what a garbage
  # collection looks at.
  class Waiter
    MOST = 16_384
    private_constant :MOST
    @free = []

    # What is asked for.
    attr_reader :template, :body
    # Id of a request that was handed over by itself.
    attr_writer :request_id

    # Called by lend.
    def initialize
      @done = Thread::Queue.new
      clear
    end

    # Keeps what is asked for, for the Outbox.
    def ask(template, body)
      @template = template
      @body = body
    end

    # Called by the outbox: the id is, or will be, at that place of ids that are packed as Wire::IDS says.
    def named_in(ids, place)
      @ids = ids
      @place = place
    end

    # Id of the request; nil if it has none.
    def request_id
      @request_id || @ids&.unpack1("@#{@place * Wire::ID_SIZE}Q")
    end

    # Called by the manager, once. outcome:: the response, or why the outbox could not hand it over: a
    # status or an error.
    def finish(_number, outcome)
      @done.push(outcome)
    end

    # Waits for the outcome.
    def wait
      @done.pop
    end

    # Lets go of what it was used for.
    def clear
      @request_id = @template = @body = @ids = @place = nil
    end

    class << self
      # One for a request.
      def lend
        @free.pop || new
      end

      # Its request has ended, and the response was taken from it.
      def take_back(waiter)
        waiter.clear
        @free.push(waiter) if @free.size < MOST
      end
    end
  end

  # Many requests of which one caller waits for all.
  class Gather
    # The responses, by place.
    attr_reader :responses
    # Ids of the requests, by place, packed as Wire::IDS says; 0 of those that were refused.
    attr_reader :ids

    # first:: number of the first one; the others follow. gathers:: where it is found by number.
    def initialize(gathers, first, count)
      @gathers = gathers
      @first = first & Wire::PLAIN
      @keys = (@first / Wire::BATCH)..((@first + count - 1) / Wire::BATCH)
      @keys.each { |key| gathers[key] = self }
      @responses = Array.new(count)
      @ids = "".b
      @count = count
      @come = 0
      @refused = 0
      @done = Thread::Queue.new
    end

    # Called by the manager, for each.
    def finish(number, response)
      @responses[(number & Wire::PLAIN) - @first] = response
      @come += 1
      done if @come + @refused == @count
    end

    # One was not accepted. Called by the thread that waits.
    def refuse(place, error)
      @responses[place] = Response.refusal(error)
      @refused += 1
      done if @come + @refused == @count
    end

    # Waits for all.
    def wait
      @done.pop
    end

    # Nobody waits any more.
    def forget
      @keys.each { |key| @gathers.delete(key) }
    end

    # Ids of those that have not ended.
    def pending_ids
      @ids.unpack(Wire::IDS).zip(@responses).filter_map { |id, response| id if response.nil? && id != 0 }
    end

    private

    def done
      forget
      @done.close
    end
  end
end
