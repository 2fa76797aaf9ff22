# frozen_string_literal: true

require "io/wait"

module LLMQ
  # The end of a manager, for those who wait for something else meanwhile.
  class Ending
    # Of a manager that is open.
    def initialize
      @lock = Mutex.new
      @begun = false
      @wakes = []
    end

    # Wakes everybody. May be called again.
    def begin
      @lock.synchronize do
        @begun = true
        @wakes.each { |pipe| pipe.write_nonblock(".", exception: false) }
      end
    end

    # Waits that many seconds at most, on a thread or in a fiber; whether the end has begun. It waits
    # for a pipe: under a Fiber scheduler a ConditionVariable with a time sleeps for all of it (Ruby
    # 3.1).
    def pause(seconds)
      read, write = IO.pipe
      wait = @lock.synchronize do
        @wakes << write
        !@begun
      end
      read.wait_readable(seconds) if wait
      @begun
    ensure
      @lock.synchronize { @wakes.delete(write) }
      read&.close
      write&.close
    end
  end
  private_constant :Ending
end
