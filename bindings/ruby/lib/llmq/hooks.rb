# frozen_string_literal: true

module LLMQ
  # Something that happened. Members that a type does not mention are 0, "" or nil.
  #
  # type:: one of Hook::TYPES.
  # request_id:: of which request; of attempts of a shared call the id of the call.
  # attempt_id:: of which attempt; 0 before the first.
  # model, deployment, tenant:: what it is of; deployment is "" where a model's only one has no name.
  # limit:: of :limit_changed: "tokens/1m", "tokens/1m of pool account".
  # attempt:: number of the attempt, from 1; of :completed how many were made.
  # status:: Status::OK, or why not: of the attempt (:attempt_finished, :retried), of the request
  #          (:completed), of what opened a circuit breaker (:breaker_changed).
  # state:: of the request then, as Response#state, or :pending, :processing.
  # usage:: Usage of the last attempt, if the provider told it (:attempt_finished, :completed).
  # time_s:: when it happened, on the library's monotonic clock.
  # queued_s:: seconds from the submit until then; once an attempt has started, until that.
  # run_s:: seconds that the attempt ran; of :completed since the start of the last one.
  # delay_s:: of :retried: no attempt starts within so many seconds.
  # old_value, new_value:: of :limit_changed the amounts, 0 = there is none; of :breaker_changed
  #                        :closed, :open, :half_open. Of attempts new_value is 1 for one that began
  #                        beside one that was slow.
  # until_s:: of a breaker that opens: when it is tried again, on the library's clock.
  # call_id:: of :completed of a request that shared a call: the request_id of its attempts.
  # lost:: how many before this one were not told, since hooks took too long.
  Hook = Struct.new(:type, :request_id, :attempt_id, :model, :deployment, :tenant, :limit, :attempt,
                    :status, :state, :usage, :time_s, :queued_s, :run_s, :delay_s, :old_value,
                    :new_value, :until_s, :call_id, :lost)

  # Reads what events tell.
  class Hook
    TYPE_BITS = HookType.constants.to_h { |name| [name.downcase, HookType.const_get(name)] }
                        .sort_by(&:last).to_h.freeze
    BY_BIT = TYPE_BITS.invert.freeze
    BREAKERS = BreakerState.constants.to_h { |name| [BreakerState.const_get(name), name.downcase] }.freeze
    FORMATS = { uint32: "L", int32: "l", uint64: "Q", int64: "q", pointer: "Q" }.freeze
    FORMAT = Native::HOOK_MEMBERS.values.map { |type| FORMATS.fetch(type) }.join.freeze
    NANO = 1e-9
    private_constant :TYPE_BITS, :BY_BIT, :BREAKERS, :FORMATS, :FORMAT, :NANO

    # What a hook can be told of, in the order of a request's life.
    TYPES = TYPE_BITS.keys.freeze

    # The mask of types. Raises ArgumentError: one is unknown.
    def self.mask(types)
      (types.empty? ? TYPES : types).sum do |type|
        TYPE_BITS.fetch(type) do
          words = TYPES.map(&:inspect).join(", ")
          raise ArgumentError, "hooks are #{words}, not #{type.inspect}"
        end
      end
    end

    # Reads the bytes of an event; nil if it is of a later version.
    def self.of(bytes)
      size, type, request, attempt_id, _, time, _, model, _, deployment, _, tenant, _, limit, attempt,
        status, state, known, queued, run, delay, input, output, cached, cost, reasoning,
        old, new, till, call, lost = bytes.unpack(FORMAT)
      return nil unless (type = BY_BIT[type])

      old, new = BREAKERS.values_at(old, new) if type == :breaker_changed
      model, deployment, tenant, limit = texts(bytes, size, model, deployment, tenant, limit)
      Hook.new(type, request, attempt_id, model, deployment, tenant, limit, attempt, status,
               request.zero? ? nil : Response::STATES[state],
               known.zero? ? nil : usage(input, output, cached, cost, reasoning),
               time * NANO, queued * NANO, run * NANO, delay * NANO, old, new, till * NANO, call, lost)
    end

    # The texts that follow a record.
    def self.texts(bytes, at, *lengths)
      lengths.map do |length|
        text = length.zero? ? "" : bytes.byteslice(at, length).force_encoding(Encoding::UTF_8)
        at += length + 1
        text
      end
    end

    # The counts as one.
    def self.usage(input, output, cached, cost, reasoning)
      Usage.new(input_tokens: input, output_tokens: output, cached_input_tokens: cached,
                cost_micros: cost, reasoning_tokens: reasoning)
    end
    private_class_method :texts, :usage
  end

  # Who is told what happens to a manager's requests. It holds no block: one that refers to the
  # manager would keep it alive.
  class Hooks
    # A block that is told, as long as this object lives.
    Listener = Struct.new(:number, :block, :mask)
    private_constant :Listener

    # Of the manager of a core.
    def initialize(core)
      @core = core
      @lock = Mutex.new
      @number = 0
      @listeners = ObjectSpace::WeakMap.new
      @replaced = {}
      hear
      core.on_renew { renew }
    end

    # Has a block told, in place of another one; nil = nobody. Gives what must be kept for that.
    def set(block, mask)
      @lock.synchronize do
        before = @listeners[@number]
        @replaced[@number] = before if before # until it has been told all that was before
        @number += 1
        listener = Listener.new(@number, block, mask)
        @listeners[@number] = listener if block
        hook(mask, block && @core.port.queue)
        listener
      end
    end

    private

    def hook(mask, queue)
      LLMQ.check(Native.llmq_set_hook_queue(@core.pointer, mask, queue, @number))
    end

    def hear
      handlers = @core.port.handlers
      handlers[EventType::HOOK] = method(:tell)
      handlers[EventType::HOOK_ENDED] = method(:finish)
    end

    # A forked child has a queue of its own.
    def renew
      hear
      @replaced.clear
      current = @listeners[@number]
      hook(current.mask, @core.port.queue) if current
    end

    def tell(piece)
      listener = @listeners[piece[:user_data]]
      return piece.release unless listener

      bytes = piece.data
      piece.release
      told = Hook.of(bytes)
      listener.block.call(told) if told
    rescue Exception => e # rubocop:disable Lint/RescueException -- the others are told too
      warn("llmq: a hook failed: #{e.full_message(highlight: false)}")
    end

    def finish(piece)
      @replaced.delete(piece[:user_data])
      piece.release
    end
  end
  private_constant :Hooks
end
