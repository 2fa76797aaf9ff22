# frozen_string_literal: true

module LLMQ
  # Counters of a manager or of one model, since its creation unless said otherwise. Members:
  # submitted (accepted requests), completed, failed, cancelled, expired (how they ended), attempts
  # (started), retries (beyond the first of a request), rate_limited (attempts that the provider
  # refused for their rate), pending (now: waiting, retries included), processing (now: running),
  # pending_bytes (now: payload bytes of live requests; 0 for one model), input_tokens,
  # output_tokens, cached_input_tokens, reasoning_tokens (of ended attempts), wakeups (of the
  # library's thread; 0 for one model).
  Stats = Struct.new(*(Native::STATS_MEMBERS.keys - %i[struct_size reserved]), keyword_init: true)

  # When a request that waits may start, as things stand. Members: position (place in line, from 1;
  # 0 = it runs), p50_s (seconds from now: as likely earlier as later), p90_s (nine times out of ten
  # earlier), blocked_by (the limit that decides, "tokens/1m of pool account"; "" if none does).
  WaitEstimate = Struct.new(:position, :p50_s, :p90_s, :blocked_by, keyword_init: true)

  # Reading, changing and asking: everything of a manager that does not wait for a response.
  module Operations
    MODES = { drain: ShutdownMode::DRAIN, cancel: ShutdownMode::CANCEL,
              abort: ShutdownMode::ABORT }.freeze
    private_constant :MODES

    # Raises what a submit of the same would raise, without submitting. Options as of submit.
    def check(model, payload, **options)
      Wire.check(@core.pointer, @core.port.templates.get(model, 0, options), Payload.bytes(payload))
      nil
    end

    # What the request will probably use, a Usage; cost_micros is 0 without prices. Options as of
    # submit.
    def estimate(model, payload, **options)
      template = @core.port.templates.get(model, 0, options)
      FFI::MemoryPointer.new(Native::USAGE_SIZE) do |usage|
        usage.put_uint32(0, Native::USAGE_SIZE)
        Wire.one(template, Payload.bytes(payload), 0) do |record, _|
          with_error { |err| Native.llmq_request_estimate(@core.pointer, record, usage, err) }
        end
        return Usage.of_struct(usage)
      end
    end

    # Asks for a request to be cancelled. Whether it could be asked: false after its end.
    def cancel(request_id)
      status = Native.llmq_cancel(@core.pointer, request_id)
      LLMQ.check(status) unless status == Status::STALE
      status == Status::OK
    end

    # State of a live or recently finished request: :pending, :processing, :completed, :failed,
    # :cancelled or :expired.
    #
    # Raises StaleError: it is forgotten.
    def state(request_id)
      FFI::MemoryPointer.new(:int32) do |state|
        LLMQ.check(Native.llmq_request_state(@core.pointer, request_id, state))
        return Response::STATES[state.read_int32]
      end
    end

    # Status, timings and usage of a recently finished request, a Response without payload and texts;
    # nil while it is pending.
    #
    # Raises StaleError: it is forgotten (setting history_max).
    def peek(request_id)
      ended(request_id, :llmq_response_peek)
    end

    # The response of a request that was submitted with keep; nil while it is pending. Kept are the
    # last keep_max of them, for keep_age_s, until they are taken.
    #
    # Raises StaleError: it was taken, or is forgotten.
    def take_response(request_id)
      ended(request_id, :llmq_response_get)
    end

    # When a request that waits may start, and which limit it waits for: a WaitEstimate.
    #
    # Raises StaleError: it has ended.
    def wait_estimate(request_id)
      FFI::MemoryPointer.new(Native::WAIT_SIZE) do |wait|
        wait.put_uint32(0, Native::WAIT_SIZE)
        LLMQ.check(Native.llmq_request_wait_estimate(@core.pointer, request_id, wait))
        at = Native::WAIT_OFFSETS
        return WaitEstimate.new(
          position: wait.get_uint64(at[:position]), p50_s: wait.get_int64(at[:p50_ns]) / 1e9,
          p90_s: wait.get_int64(at[:p90_ns]) / 1e9,
          blocked_by: wait.get_string(at[:blocked_by]).force_encoding(Encoding::UTF_8)
        )
      end
    end

    # Reports the usage of a finished request that was submitted with late_usage.
    #
    # Raises StaleError: it is known already, or too late to matter.
    def update_usage(request_id, usage)
      LLMQ.check(Native.llmq_usage_update(@core.pointer, request_id, Usage.pack(usage)))
    end

    # Names of the registered models, in the order of registration.
    def models
      told { |holder, _| Native.llmq_manager_models_json(@core.pointer, holder, nil) }
    end

    # State of a model, or of all, a Hash: settings, queue, and of each limit what is used and free.
    def info(model = nil)
      told do |holder, _|
        Native.llmq_manager_info_json(@core.pointer, model, model.to_s.bytesize, holder, nil)
      end
    end

    # Counters of a model, or of the whole manager: Stats.
    def stats(model = nil)
      FFI::MemoryPointer.new(Native::STATS_SIZE) do |stats|
        stats.put_uint32(0, Native::STATS_SIZE)
        LLMQ.check(Native.llmq_stats(@core.pointer, model, model.to_s.bytesize, stats))
        values = stats.get_array_of_uint64(8, Stats.members.size)
        return Stats.new(**Stats.members.zip(values).to_h)
      end
    end

    # Counters of the manager and every model, a Hash, with what is known of estimates and caches.
    def all_stats
      told { |holder, _| Native.llmq_stats_json(@core.pointer, holder, nil) }
    end

    # Changes one setting while everything runs: <tt>set("model.gpt-4o.rpm", 500)</tt>. Keys that
    # docs/configuration.md marks as live. A manager that is made anew after a fork does not have
    # what was set.
    def set(key, value)
      key = Native.c_string(key)
      with_error { |err| Native.llmq_manager_set(@core.pointer, key, Native.c_string(value), err) }
    end

    # Adds the models of a configuration, one or many; all or none.
    #
    # Raises ModelExistsError: a name is taken, unless skip_existing leaves those alone.
    def register(config, skip_existing: false)
      @core.register(config, skip_existing)
    end

    # Removes a model: requests that it has end as mode says (:drain, :cancel or :abort), new ones
    # are refused.
    def remove_model(model, mode = :drain)
      LLMQ.check(Native.llmq_manager_remove_model(@core.pointer, model, model.bytesize,
                                                  mode_number(mode)))
      @core.forget_model(model)
    end

    # Adds another place where a model is called, as config describes it for that model.
    def add_deployment(model, name, config)
      conf = Config.new(config)
      with_error do |err|
        Native.llmq_manager_add_deployment(@core.pointer, model, model.bytesize, name, name.bytesize,
                                           conf.pointer, err)
      end
      @core.forget_model(model)
    end

    # Removes a place where a model is called; its requests go elsewhere. mode:: what becomes of what
    # runs there: :drain, :cancel or :abort.
    def remove_deployment(model, name, mode = :drain)
      with_error do |err|
        Native.llmq_manager_remove_deployment(@core.pointer, model, model.bytesize, name,
                                              name.bytesize, mode_number(mode), err)
      end
    end

    # Tells the headers of a provider's answer to a call that was made elsewhere, a Hash or pairs.
    # They teach the limits of the model. Hand over all of them, also of good answers.
    def report_limits(model, headers)
      Native.with_headers(headers) do |*lists|
        LLMQ.check(Native.llmq_report_limits(@core.pointer, model, model.bytesize, *lists))
      end
    end

    private

    def mode_number(mode)
      MODES.fetch(mode) do
        raise ArgumentError, "mode must be one of #{MODES.keys.inspect}, not #{mode.inspect}"
      end
    end

    def told(&block)
      JSON.parse(Native.told(&block))
    end

    def with_error
      FFI::MemoryPointer.new(:pointer) { |err| LLMQ.check(yield(err), err) }
      nil
    end

    def ended(request_id, function)
      FFI::MemoryPointer.new(:pointer) do |holder|
        status = Native.public_send(function, @core.pointer, request_id, holder)
        return nil if status == Status::AGAIN

        LLMQ.check(status)
        return Response.owned(holder.read_pointer)
      end
    end
  end
end
