# frozen_string_literal: true

module LLMQ
  # Hands over together what many fibers call in one turn of their scheduler: for one request alone,
  # waking the library's thread takes longer than all the rest.
  #
  # The first calls since the thread of the port last ran are handed over at once, so that one that
  # comes alone is never held up. Then that thread is asked to run, which it does when the turn ends,
  # or the time that Ruby gives a thread (100 ms). Calls that come before it does are gathered; it, or
  # whoever makes them enough, or asks the manager for anything else, hands them over in their order.
  class Outbox
    # Calls that are handed over at once.
    AT_ONCE = 32
    # Those that are gathered at most.
    TOGETHER = 64

    # Of a port, and of its manager, from which numbers come.
    def initialize(core, port)
      @core = core
      @port = port
      @lock = Mutex.new
      @gathered = []
      @calls = 0
      @open = true
    end

    # Whether it takes the request of a Waiter. If not, it is to be handed over now.
    def take(waiter)
      @lock.synchronize do
        @calls += 1
        Native.llmq_cq_wake(@port.queue) if @calls == AT_ONCE
        next false if @calls <= AT_ONCE || !@open

        @gathered << waiter
        hand_over if @gathered.size == TOGETHER
        true
      end
    end

    # Takes a request back. false: it has been handed over.
    def withdraw(waiter)
      @lock.synchronize { !@gathered.delete(waiter).nil? }
    end

    # Hands over what is gathered. A finalizer may come here from within.
    def flush
      @lock.synchronize { hand_over } unless @gathered.empty? || @lock.owned?
    end

    # The thread of the port runs.
    def turn
      @calls = 0
      flush
    end

    # That thread does not run any more.
    def close
      @lock.synchronize do
        @open = false
        hand_over
      end
    end

    private

    # Who is interrupted here would leave others without their answers.
    def hand_over
      return if @gathered.empty?

      Thread.handle_interrupt(Object => :never) do
        waiters = @gathered
        @gathered = []
        submit(waiters, number(waiters))
      end
    end

    def number(waiters)
      number = @core.reserve(waiters.size) - 1
      waiters.map { |waiter| (number += 1) | waiter.template.bits }
    end

    def submit(waiters, numbers)
      # Given to each before it is filled: its answer may come, and the waiter be used again, meanwhile.
      ids = String.new
      waiters.each_with_index do |waiter, place|
        waiter.named_in(ids, place)
        @port.waiting[numbers[place]] = waiter
      end
      told, refused = Wire.submit(@port.pointer, waiters.map(&:template), waiters.map(&:body), numbers)
      ids.replace(told)
      refused&.each { |place, status| refuse(numbers[place], status) }
    rescue StandardError => e
      numbers.each { |number| refuse(number, e) }
    end

    def refuse(number, why)
      @port.waiting.delete(number)&.finish(number, why)
    end
  end
  private_constant :Outbox
end
