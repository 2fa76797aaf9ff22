# frozen_string_literal: true

require "io/wait"

module LLMQ
  # A completion queue of a manager, and who waits for its events, by number. One thread waits for
  # the queue's descriptor, drains it in batches, and hands over; it does not hold the GVL while it
  # waits.
  #
  # What waits has finish(number, response), and chunk(piece) or permit(piece) if it takes these.
  class Port
    # What waits, by the number of its request.
    attr_reader :waiting
    # What waits for many requests, by their number without its last 8 bits.
    attr_reader :gathers
    # Makes the records of requests whose events come here.
    attr_reader :templates
    # What is done with events that end no request, by type: procs that take a Piece.
    attr_reader :handlers
    # The library's queue, and its manager.
    attr_reader :queue, :pointer
    # Where calls of fibers are gathered.
    attr_reader :outbox
    # Guards what callers and the thread of the queue change together.
    attr_reader :lock
    # The process that it belongs to.
    attr_reader :pid

    # core:: the manager whose queue this is. pointer:: the library's one.
    def initialize(core, pointer)
      @core = core
      @pointer = pointer
      made = Native.made { |holder, _| Native.llmq_cq_create(holder) }
      @queue = FFI::AutoPointer.new(made, Native.method(:llmq_cq_unref))
      @pid = Process.pid
      @waiting = {}
      @gathers = {}
      @handlers = {}
      @lock = Mutex.new
      @templates = Wire::Templates.new(@queue, core.detailed)
      @events = FFI::MemoryPointer.new(Records::SIZE, Wire::BATCH)
      @events.put_uint32(0, Records::SIZE)
      @outcome = FFI::MemoryPointer.new(Native::OUTCOME_SIZE)
      @outcome.put_uint32(0, Native::OUTCOME_SIZE)
      @outbox = Outbox.new(core, self)
      @stopped = false
    end

    # Begins to drain, if it has not begun.
    def start
      return if @thread

      @lock.synchronize do
        @thread ||= Thread.new { run }.tap { |thread| thread.name = "llmq-events" }
      end
    end

    # Whether it has begun to drain.
    def started?
      !@thread.nil?
    end

    # Whether it drains: not in a forked child.
    def running?
      @thread.alive?
    end

    # Whether the caller runs on the thread that drains.
    def own_thread?
      Thread.current.equal?(@thread)
    end

    # Lets the thread end, when it has handed over what is there.
    def end
      @stopped = true
      Native.llmq_cq_wake(@queue)
    end

    # Ends the thread, and waits that long for it.
    def stop(seconds)
      self.end
      @thread&.join(seconds) unless own_thread?
    end

    # Hands over up to a batch of events; how many there were.
    def drain
      count = Native.llmq_cq_drain(@queue, @events, Wire::BATCH)
      return 0 if count.zero?

      begin
        dispatch(count)
      ensure
        Native.llmq_events_release(@events, Records::SIZE, count)
      end
      count
    end

    private

    def run
      holder = FFI::MemoryPointer.new(:int32)
      LLMQ.check(Native.llmq_cq_fd(@queue, CqFdKind::EVENTFD, holder))
      io = IO.for_fd(holder.read_int32, autoclose: false)
      loop do
        break if @stopped

        # In this order: a drain takes back that somebody has asked for a turn.
        none = drain.zero?
        @outbox.turn
        io.wait_readable if none
      end
      nil until drain.zero?
    ensure
      @outbox.close
    end

    def dispatch(count)
      records = @events.get_bytes(0, count * Records::SIZE)
      fields = records.unpack(Records::MANY[count])
      at = place = 0
      while place < count
        begin
          if fields[at] == EventType::DONE
            done(records, place * Records::SIZE, fields, at)
          else
            other(fields[at], place, fields[at + 2])
          end
        rescue Exception => e # rubocop:disable Lint/RescueException -- the others get their events
          warn("llmq: an event could not be handed over: #{e.full_message(highlight: false)}")
        end
        place += 1
        at += Records::LOOKED
      end
    end

    # start:: of the event in the records. fields:: as Records::LOOKED_AT says.
    def done(records, start, fields, at)
      number = fields[at + 2]
      if fields[at + 1].zero? && number < Wire::BY_REFERENCE && fields[at + 5] < 2
        response = Response.new(records, start, Records.copy(fields[at + 3], fields[at + 4]))
      else
        response = detailed(records, start, fields, at)
        passed = @core.objects.delete(number)
        response.value = passed.result if passed
      end
      waiter_of(number)&.finish(number, response)
    end

    def waiter_of(number)
      return @waiting.delete(number) unless number.anybits?(Wire::GATHERED)

      @gathers[(number & Wire::PLAIN) / Wire::BATCH]
    end

    # The library's response is kept only for what nothing else tells: attempts of which one failed.
    def detailed(records, start, fields, at)
      event = @events + start
      LLMQ.check(Native.llmq_event_outcome(event, @outcome))
      outcome = @outcome.get_bytes(0, Native::OUTCOME_SIZE).unpack(Records::OUTCOME)
      told = Told.of(outcome)
      return Response.taken(event, records, start, told) if outcome[3] == 1

      Response.new(records, start, Records.copy(fields[at + 3], fields[at + 4]), told)
    end

    def other(type, place, number)
      case type
      when EventType::CHUNK
        waiter = @waiting[number]
        waiter.chunk(keep(place)) if waiter.respond_to?(:chunk)
      when EventType::PERMIT then @waiting.delete(number)&.permit(Piece.new(record(place)))
      when EventType::CLOSED then @waiting.delete(number)&.close
      else
        @handlers[type]&.call(keep(place))
      end
    end

    def record(place)
      @events.get_bytes(place * Records::SIZE, Records::SIZE)
    end

    # Takes an event out of those that are released together.
    def keep(place)
      piece = Piece.new(record(place))
      @events.put_uint64((place * Records::SIZE) + Native::EVENT_OFFSETS[:handle], 0)
      piece
    end
  end
end
