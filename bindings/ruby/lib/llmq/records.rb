# frozen_string_literal: true

module LLMQ
  # Events as the library writes them, and where their members are.
  module Records
    # Bytes of an event.
    SIZE = Native::EVENT_SIZE
    FORMATS = { uint32: "L", int32: "l", uint64: "Q", int64: "q", pointer: "Q" }.freeze
    # Reads one member of a record: String#unpack1 with AT[name].
    AT = Native::EVENT_MEMBERS.to_h do |name, type|
      [name, "@#{Native::EVENT_OFFSETS[name]}#{FORMATS.fetch(type)}"]
    end.freeze
    # Members that each event of a drain is looked at for, in this order.
    LOOKED_AT = %i[type status user_data data data_len attempt].freeze
    # How many there are of each event.
    LOOKED = LOOKED_AT.size
    # Every byte of this process from address 1 on: to copy what a pointer of an event tells.
    MEMORY = FFI::Pointer.new(1).slice(0, (1 << 63) - 2)
    # No bytes.
    EMPTY = "".b.freeze

    # Reads an llmq_outcome_t.
    OUTCOME = Native::OUTCOME_MEMBERS.values.map { |type| FORMATS.fetch(type) }.join.freeze

    # Reads LOOKED_AT of one record.
    def self.format
      at = 0
      form = LOOKED_AT.map do |name|
        type = Native::EVENT_MEMBERS[name]
        gap = Native::EVENT_OFFSETS[name] - at
        at += gap + FFI.type_size(type)
        "x#{gap}#{FORMATS.fetch(type)}"
      end
      "#{form.join}x#{SIZE - at}"
    end

    # The same of so many records.
    MANY = Array.new(Wire::BATCH + 1) { |count| (format * count).freeze }.freeze
    private_constant :FORMATS
    private_class_method :format

    # A record of a DONE event of which only some members are known.
    def self.done(**members)
      members = { stride: SIZE, type: EventType::DONE, **members }
      form = Native::EVENT_MEMBERS.values.map { |type| FORMATS.fetch(type) }.join
      Native::EVENT_MEMBERS.keys.map { |name| members.fetch(name, 0) }.pack(form)
    end

    # The bytes at an address.
    def self.copy(address, length)
      length.zero? ? EMPTY : MEMORY.get_bytes(address - 1, length)
    end

    # The text at an address.
    def self.text(address, length)
      length.zero? ? "" : MEMORY.get_bytes(address - 1, length).force_encoding(Encoding::UTF_8)
    end
  end

  # A drained event by itself, whose bytes the library holds until it is released.
  class Piece
    # record:: its bytes.
    def initialize(record)
      @record = record
      @memory = record
    end

    # A member of the event.
    def [](name)
      @record.unpack1(Records::AT.fetch(name))
    end

    # The bytes; not after release.
    def data
      Records.copy(self[:data], self[:data_len])
    end

    # Makes room for more of the stream. May be called again.
    def release
      memory = @memory
      @memory = nil
      Native.llmq_events_release(memory, Records::SIZE, 1) if memory
    end
  end
end
