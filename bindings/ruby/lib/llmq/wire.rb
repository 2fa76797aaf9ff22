# frozen_string_literal: true

module LLMQ
  # Requests as bytes in one buffer: what llmq_submit_batch takes.
  module Wire
    # Requests that are handed over at a time.
    BATCH = 256
    # Bits of a request's user_data beside its number. Numbers stay below 2**60: an Integer of more
    # than 62 bits is an object.
    #
    # Its response keeps the library's.
    DETAILED = 1 << 61
    # Its payload or result is an object of this process.
    BY_REFERENCE = 1 << 60
    # One caller waits for it and for those whose numbers differ in their last 8 bits alone.
    GATHERED = 1 << 59
    # The number itself.
    PLAIN = GATHERED - 1

    # How ids of requests are packed.
    IDS = "Q*"
    # Bytes of one.
    ID_SIZE = 8

    MOST_SECONDS = (1 << 62) / 1_000_000_000
    private_constant :MOST_SECONDS

    # Seconds as nanoseconds.
    def self.nanoseconds(name, seconds)
      raise TypeError, "#{name} must be seconds, not #{seconds.class}" unless seconds.is_a?(Numeric)
      raise ArgumentError, "#{name} must be more than 0 seconds, not #{seconds}" unless seconds.positive?

      [count(seconds), 1].max
    end

    # What is more than can be counted, such as Float::INFINITY, is the most.
    def self.count(seconds)
      ([seconds, MOST_SECONDS].min * 1_000_000_000).to_i
    end
    private_class_method :count

    # Seconds that a failure asks to wait, as nanoseconds; 0 of nil: not known.
    def self.retry_after(seconds)
      return 0 if seconds.nil?

      unless seconds.is_a?(Numeric) && seconds.real? && seconds.finite? && !seconds.negative?
        raise InvalidArgumentError.new("retry_after is #{seconds.inspect}, and must be seconds, 0 or more",
                                       key: "retry_after")
      end

      count(seconds)
    end

    # The record of a request but for payload and number, and what it points to.
    class Template
      FORMATS = { uint32: "L", int32: "l", uint64: "Q", int64: "q", pointer: "Q", size_t: "Q" }.freeze
      FORMAT = Native::REQUEST_MEMBERS.values.map do |type|
        type.is_a?(Array) ? FORMATS.fetch(type[0]) + type[1].to_s : FORMATS.fetch(type)
      end.join
      PAYLOAD = Native::REQUEST_OFFSETS[:payload]
      REST = Native::REQUEST_OFFSETS[:request_key]
      # Where the length of the payload is.
      SIZE = Native::REQUEST_OFFSETS[:payload_len]
      # Where the number is.
      NUMBER = Native::REQUEST_OFFSETS[:user_data]
      END_OF_NUMBER = Native::REQUEST_OFFSETS[:cq]
      private_constant :FORMATS, :FORMAT, :PAYLOAD, :REST, :END_OF_NUMBER

      # How the parts of a record are packed: head, payload, its length, middle, number, tail.
      PARTS = "a#{PAYLOAD}QQa#{NUMBER - REST}Qa#{Native::REQUEST_SIZE - END_OF_NUMBER}".freeze

      # Parts of the record, and what goes into user_data beside the number.
      attr_reader :head, :middle, :tail, :bits

      # members:: of llmq_request_t, by name. keep:: what they point to.
      def initialize(members, bits, keep)
        record = Native::REQUEST_MEMBERS.keys.flat_map do |name|
          name == :reserved ? [0, 0, 0, 0] : members.fetch(name, 0)
        end.pack(FORMAT)
        @head = record.byteslice(0, PAYLOAD)
        @middle = record.byteslice(REST, NUMBER - REST)
        @tail = record.byteslice(END_OF_NUMBER, Native::REQUEST_SIZE)
        @bits = bits
        @keep = keep
      end
    end

    # Makes the records of one completion queue; those of equal options are kept.
    class Templates
      MOST = 1024
      # Differ from request to request: nothing is gained from keeping these.
      VOLATILE = %i[deadline request_key dedup_key metadata].freeze
      # Only the library's own response tells what was given.
      DETAILS = %i[request_key metadata].freeze
      FLAGS = {
        keep: RequestFlags::KEEP, late_usage: RequestFlags::LATE_USAGE,
        restart: RequestFlags::RESTART
      }.freeze
      TEXTS = %i[tenant request_key dedup_key metadata].freeze
      NUMBERS = %i[est_input_tokens est_output_tokens max_attempts].freeze
      KNOWN = [:priority, :operation, :timeout, :deadline, *NUMBERS, *TEXTS, *FLAGS.keys].sort.freeze
      private_constant :MOST, :VOLATILE, :DETAILS, :FLAGS, :TEXTS, :NUMBERS, :KNOWN

      # detailed:: of each model whether its responses tell more than an event holds.
      def initialize(queue, detailed)
        @queue = queue
        @detailed = detailed
        @simplest = {}
        @kept = {}
      end

      # Drops what is kept: models have changed.
      def forget
        @simplest = {}
        @kept = {}
      end

      # The template of a request with options.
      def get(model, flags, options)
        if options.empty? && flags.zero?
          return @simplest[model] || remember(@simplest, -model.to_str, make(model, flags, options))
        end
        return make(model, flags, options) if VOLATILE.any? { |name| options.key?(name) }

        key = [model, flags, options]
        @kept[key] || remember(@kept, key, make(model, flags, options))
      end

      private

      def remember(kept, key, template)
        kept.clear if kept.size >= MOST
        kept[key] = template
      end

      def make(model, flags, options)
        keep = []
        members = { struct_size: Native::REQUEST_SIZE, flags: flags }
        members[:cq] = @queue.address if @queue
        point(members, keep, :model, model)
        options.each { |name, value| set(members, keep, name, value) }
        details = @detailed.fetch(model, true) || DETAILS.any? { |name| options.key?(name) }
        Template.new(members, details ? DETAILED : 0, keep)
      end

      def set(members, keep, name, value)
        if TEXTS.include?(name) then point(members, keep, name, value)
        elsif NUMBERS.include?(name) then members[name] = Integer(value)
        elsif FLAGS.key?(name) then members[:flags] |= FLAGS[name] if value
        else
          special(members, name, value)
        end
      end

      def special(members, name, value)
        case name
        when :priority then members[:priority] = named(Priority, name, value)
        when :operation then members[:operation] = named(Operation, name, value)
        when :timeout
          members[:timeout_ns] = value.nil? ? -1 : Wire.nanoseconds(name, value)
        when :deadline
          members[:deadline_ns] = Native.llmq_now_ns + Wire.nanoseconds(name, value) if value
        else
          raise ArgumentError, "unknown option #{name}; known are #{KNOWN.join(", ")}"
        end
      end

      def named(group, name, value)
        return Integer(value) unless value.is_a?(Symbol)

        group.const_get(value.upcase)
      rescue NameError
        words = group.constants.map { |each| ":#{each.downcase}" }
        raise ArgumentError, "#{name} must be one of #{words.join(", ")}, not #{value.inspect}"
      end

      def point(members, keep, name, value)
        text = value.to_str
        return if text.empty?

        held = FFI::MemoryPointer.new(:char, text.bytesize)
        held.put_bytes(0, text)
        keep << held
        members[name] = held.address
        members[:"#{name}_len"] = text.bytesize
      rescue NoMethodError
        raise TypeError, "#{name} must be a String, not #{value.class}"
      end
    end

    # What a call to llmq_submit_batch needs, to be used again.
    class Scratch
      PAYLOADS = 1 << 16
      TOGETHER = "a*"
      private_constant :PAYLOADS, :TOGETHER
      @free = []

      # Lends one to the block.
      def self.lend
        scratch = @free.pop || new
        begin
          yield scratch
        ensure
          @free.push(scratch) if @free.size < 16
        end
      end

      # What the library fills.
      attr_reader :ids, :accepted

      # Memory for BATCH requests.
      def initialize
        @payloads = FFI::MemoryPointer.new(:char, PAYLOADS)
        @record = FFI::MemoryPointer.new(Native::REQUEST_SIZE)
        @template = nil
        @ids = FFI::MemoryPointer.new(:uint64, BATCH)
        @accepted = FFI::MemoryPointer.new(:size_t)
      end

      # Gives the block the records of up to BATCH requests. Their payloads are there until it ends.
      # templates:: one of all, or an Array with one of each.
      def records(templates, bodies, numbers)
        together = bodies.pack(TOGETHER * bodies.size)
        total = together.bytesize
        memory = total > PAYLOADS ? FFI::MemoryPointer.new(:char, total, false) : @payloads
        memory.put_bytes(0, together)
        yield pack(memory.address, templates, bodies, numbers)
      ensure
        memory&.free unless memory.equal?(@payloads)
      end

      # Whether record takes that payload.
      def room?(body)
        body.bytesize <= PAYLOADS
      end

      # The record of one request. Its payload is there until the next one.
      def record(template, body, number)
        @payloads.put_bytes(0, body)
        use(template) unless @template.equal?(template)
        @record.put_uint64(Template::SIZE, body.bytesize)
        @record.put_uint64(Template::NUMBER, number)
        @record
      end

      private

      # Many requests that come one by one have the same one: of it little changes.
      def use(template)
        whole = [template.head, @payloads.address, 0, template.middle, 0, template.tail]
        @record.put_bytes(0, whole.pack(Template::PARTS))
        @template = template
      end

      def pack(address, templates, bodies, numbers)
        one = templates unless templates.is_a?(Array)
        parts = []
        place = 0
        while place < bodies.size
          template = one || templates[place]
          size = bodies[place].bytesize
          parts.push(template.head, address, size, template.middle, numbers[place], template.tail)
          address += size
          place += 1
        end
        parts.pack(Template::PARTS * place)
      end
    end

    class << self
      # Hands over up to BATCH requests. Gives ids, 0 where one was refused, packed as IDS says (an
      # Integer of 63 bits is an object), and places and statuses of those. With prefix nothing is
      # handed over after one that is refused.
      def submit(pointer, templates, bodies, numbers, prefix: false)
        Scratch.lend do |scratch|
          scratch.records(templates, bodies, numbers) do |records|
            hand_over(pointer, scratch, records, bodies.size, prefix)
          end
        end
      end

      # Gives the block the record of one request, and memory for an id.
      def one(template, body, number)
        Scratch.lend do |scratch|
          next yield scratch.record(template, body, number), scratch.ids if scratch.room?(body)

          scratch.records(template, [body], [number]) { |record| yield record, scratch.ids }
        end
      end

      # Raises in words why a request would be refused.
      def check(pointer, template, body)
        one(template, body, 0) do |record, _|
          FFI::MemoryPointer.new(:pointer) do |err|
            LLMQ.check(Native.llmq_request_check(pointer, record, err), err)
          end
        end
      end

      # The error of a request that was refused, in words if it still would be.
      def why_refused(pointer, template, body, status)
        check(pointer, template, body)
        Error.of(status)
      rescue Error => e
        e
      end

      private

      def hand_over(pointer, scratch, records, count, prefix)
        status = Native.llmq_submit_batch(pointer, records, Native::REQUEST_SIZE, count, scratch.ids,
                                          scratch.accepted)
        return [scratch.ids.get_bytes(0, count * ID_SIZE), nil] if status == Status::OK

        ids = "".b
        refused = []
        loop do
          ids << scratch.ids.get_bytes(0, scratch.accepted.read_uint64 * ID_SIZE)
          break if status == Status::OK

          refused << [ids.bytesize / ID_SIZE, status]
          ids << [0].pack(IDS)
          tried = refused.last.first + 1
          break if prefix || tried == count

          rest = records.byteslice((tried * Native::REQUEST_SIZE)..)
          status = Native.llmq_submit_batch(pointer, rest, Native::REQUEST_SIZE, count - tried,
                                            scratch.ids, scratch.accepted)
        end
        [ids, refused]
      end
    end
  end
end
