# frozen_string_literal: true

module LLMQ
  # How requests are handed over, one and many.
  module Submission
    # Hands over a request and returns at once: a Future.
    #
    # model:: name of a registered model.
    # payload:: what the provider or processor gets: a String as it is, a Hash or an Array as JSON,
    #           a Ref by reference.
    #
    # Options: priority (:urgent, :high, :normal, :batch), tenant (whose request it is, at most 255
    # bytes), timeout (seconds that one attempt may take; nil = no bound; without it the model's
    # timeout_ms), deadline (seconds from now in which the request must be answered, waits and
    # retries included), operation (:chat by default, :embeddings, :messages, :responses, :custom:
    # what the payload is), est_input_tokens, est_output_tokens, max_attempts (1 to 60), request_key
    # (the caller's own id, at most 1,024 bytes), dedup_key (requests with the same one and the same
    # payload share a call), metadata (comes back with the response), keep (the response can also be
    # taken by take_response), late_usage (update_usage is called later), restart (of a stream: an
    # attempt that fails after output may be tried again, from its beginning).
    #
    # Raises Error: it was refused: UnknownModelError, OversizeError, QueueFullError and so on. What
    # happens later is in the future.
    def submit(model, payload, **options)
      port = @core.port
      future = Future.new(self, port)
      submit_one(port, future, model, 0, payload, options)
      future
    end

    # Hands over many requests of one model, in order: a Future for each. One that is refused has its
    # error in its response; the others go on. Options as of submit.
    #
    # Raises TypeError, JSON::GeneratorError: one of the payloads is none; nothing was handed over.
    def submit_many(model, payloads, **options)
      payloads = payloads.map { |each| each.is_a?(Ref) ? each : Payload.bytes(each) }
      port = @core.port
      futures = payloads.map { Future.new(self, port) }
      first = @core.reserve(payloads.size)
      slices(port, model, payloads, options, first) do |begins, template, some, numbers|
        some.each_index { |i| port.waiting[numbers[i]] = futures[begins + i] }
        ids, errors = hand_over(port, template, some, numbers)
        ids.unpack(Wire::IDS).each_with_index { |id, i| futures[begins + i].request_id = id }
        errors&.each { |i, error| futures[begins + i].finish(0, Response.refusal(error)) }
      end
      futures
    end

    # Hands over different requests, each a Request, in order, until one is refused: a Future for
    # each.
    #
    # Raises Error: why that one was refused; its accepted has the futures of those before it.
    # Nothing after it was submitted. Raises TypeError, ArgumentError, JSON::GeneratorError: one of them
    # makes no sense; nothing was submitted.
    def submit_batch(requests)
      futures = []
      port = @core.port
      made = requests.map do |each|
        [each, port.templates.get(each.model, 0, each.options), Payload.bytes(each.payload)]
      end
      made.each_slice(Wire::BATCH) do |some|
        futures.concat(submit_slice(port, some))
      rescue Error => e
        e.accepted = futures + e.accepted
        raise
      end
      futures
    end

    # Hands over a request and waits for its response. Options as of submit. Who is interrupted
    # (Ctrl-C, Thread#raise, Timeout) cancels it.
    #
    # Raises Error: it was refused, or failed; its response tells the rest.
    def call(model, payload, **options)
      waiter = Waiter.lend
      port = @core.likely_port
      submit_one(port, waiter, model, 0, payload, options, gather: !Fiber.scheduler.nil?)
      begin
        outcome = waiter.wait
      ensure
        leave_one(port, waiter) unless outcome
      end
      raise_refusal(waiter, outcome) unless outcome.is_a?(Response)
      Waiter.take_back(waiter)
      outcome.raise_for_status
    end

    # Hands over many requests of one model and waits for all: the fastest form. Options as of
    # submit.
    #
    # Gives a Response for each, in the order of the payloads, also for those that were refused or
    # failed: ok? tells, raise_for_status raises. Who is interrupted cancels what is left.
    def call_many(model, payloads, **options)
      payloads = payloads.to_a
      return [] if payloads.empty?

      gather = nil
      done = false
      port = @core.port
      first = @core.reserve_together(payloads.size)
      gather = Gather.new(port.gathers, first, payloads.size)
      slices(port, model, payloads, options, first) do |begins, template, some, numbers|
        ids, errors = hand_over(port, template, some, numbers)
        gather.ids << ids
        errors&.each { |place, error| gather.refuse(begins + place, error) }
      end
      gather.wait
      done = true
      gather.responses
    ensure
      leave(gather) unless done || gather.nil?
    end

    # Hands over a request whose response is read piece by piece: a Stream. With a block gives it the
    # stream, closes that at the end of the block, and gives back what the block gives. Options as of
    # submit.
    #
    # Raises Error: it was refused. What happens later is raised by the stream.
    def stream(model, payload, **options)
      port = @core.port
      feed = Stream.feed(@core, port)
      submit_one(port, feed, model, RequestFlags::STREAM, payload, options)
      stream = Stream.new(self, feed)
      return stream unless block_given?

      begin
        yield stream
      ensure
        stream.close
      end
    end

    private

    # gather:: the waiter is a Waiter, whose request may be handed over together with others.
    def submit_one(port, waiter, model, flags, payload, options, gather: false)
      template = port.templates.get(model, flags, options)
      body = Payload.bytes(payload)
      return if gather && gathered?(port, waiter, template, payload, body)

      port.outbox.flush
      number = @core.refer(@core.reserve(1) | template.bits, payload, options)
      port.waiting[number] = waiter
      status = Wire.one(template, body, number) do |record, id|
        told = Native.llmq_submit(port.pointer, record, id)
        waiter.request_id = id.read_uint64
        told
      end
      return if status == Status::OK

      forget(port, [number])
      return submit_one(@core.port, waiter, model, flags, payload, options) if status == Status::FORKED

      raise Wire.why_refused(@core.pointer, template, body, status)
    end

    # A text that may change before it is handed over is copied.
    def gathered?(port, waiter, template, payload, body)
      return false if payload.is_a?(Ref) || !port.running?

      waiter.ask(template, body.equal?(payload) && !body.frozen? ? body.dup : body)
      port.outbox.take(waiter)
    end

    # The request of a call is cancelled, or not submitted at all.
    def leave_one(port, waiter)
      return if port.outbox.withdraw(waiter)

      id = waiter.request_id
      quietly { cancel(id) } if id
    end

    # why:: a status or an error.
    def raise_refusal(waiter, why)
      raise why if why.is_a?(Exception)

      raise Wire.why_refused(@core.pointer, waiter.template, waiter.body, why)
    end

    def slices(port, model, payloads, options, first)
      template = port.templates.get(model, 0, options)
      first |= template.bits
      payloads.each_slice(Wire::BATCH).with_index do |some, index|
        begins = index * Wire::BATCH
        numbers = (first + begins...first + begins + some.size).to_a
        numbers.map!.with_index { |number, i| @core.refer(number, some[i], options) } if some.any?(Ref)
        yield begins, template, some, numbers
      end
    end

    # What was submitted of it and has not ended is cancelled.
    def leave(gather)
      gather.pending_ids.each { |id| quietly { cancel(id) } }
      gather.forget
    end

    # Gives ids, packed, and places and errors of those that were refused, if any.
    def hand_over(port, template, payloads, numbers)
      bodies = payloads.all?(String) ? payloads : payloads.map { |payload| Payload.bytes(payload) }
      ids, refused = Wire.submit(@core.pointer, template, bodies, numbers)
      return [ids, nil] unless refused

      errors = refused.map do |place, status|
        forget(port, [numbers[place]])
        [place, Wire.why_refused(@core.pointer, template, bodies[place], status)]
      end
      [ids, errors]
    rescue StandardError
      forget(port, numbers) unless ids
      raise
    end

    def submit_slice(port, made)
      requests, templates, bodies = made.transpose
      first = @core.reserve(requests.size)
      numbers = requests.each_with_index.map do |each, i|
        @core.refer((first + i) | templates[i].bits, each.payload, each.options)
      end
      futures = numbers.map { |number| port.waiting[number] = Future.new(self, port) }
      ids, refused = Wire.submit(@core.pointer, templates, bodies, numbers, prefix: true)
      ids.unpack(Wire::IDS).each_with_index { |id, i| futures[i].request_id = id }
      return futures unless refused

      place, status = refused[0]
      forget(port, numbers[place..])
      error = Wire.why_refused(@core.pointer, templates[place], bodies[place], status)
      error.accepted = futures.first(place)
      raise error
    end

    def forget(port, numbers)
      numbers.each do |number|
        port.waiting.delete(number)
        @core.objects.delete(number)
      end
    end

    # Runs the block, and says nothing of an error.
    def quietly
      yield
    rescue Error
      nil
    end
  end
end
