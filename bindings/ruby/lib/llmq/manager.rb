# frozen_string_literal: true

module LLMQ
  # Runs calls as early as their limits allow, in order, each answered once.
  #
  # Any thread, and any fiber, may call any method. What waits releases the GVL, and under a Fiber
  # scheduler lets other fibers run. One thread of the manager waits for events; no call has a thread
  # of its own. Methods take locks: in a signal handler begin a Thread for them.
  class Manager
    include Submission
    include Operations

    # config:: models, limits and the rest, in the library's own form (docs/configuration.md): a
    #          Hash, JSON text or a Pathname.
    # settings:: single keys on top of that, {"model.gpt-4o.rpm" => 500}.
    # logger:: gets the library's log lines: a ::Logger; nil = none, unless the configuration says
    #          where to log.
    # log_level:: least level of these lines, of Logger; nil = the level that the logger has now.
    # on_fork:: what a forked child gets that uses the manager: ForkedError (:error), or a manager of
    #           its own made from the same configuration (:renew). It has limits of its own then:
    #           give each process its share with the option share=1/4 of a limit.
    # keys:: gives the provider's key of every model that names no other source of it, also of those
    #        that are registered later: a Proc or what else has call, which gets the names of the model
    #        and of its deployment ("" for the only one). It is asked before each attempt, so that a
    #        key which has changed is used at once, and once more when a key was refused. nil or "" =
    #        there is none: the attempt fails with AuthError, and so it does when the call raises, with
    #        the words of that. It runs on a thread of its own, one call after the other.
    def initialize(config = nil, settings: nil, logger: LLMQ.logger, log_level: nil, on_fork: :error,
                   keys: nil)
      check_keys(keys)
      start(Core.new(config, settings: settings, logger: logger, log_level: log_level,
                             on_fork: on_fork, keys: !keys.nil?), keys)
    end

    # As new; gives the manager to the block, lets everything end then that was submitted, or aborts
    # it if the block is left by an exception. Gives back what the block gives.
    def self.open(...)
      manager = new(...)
      return manager unless block_given?

      done = false
      begin
        result = yield manager
        done = true
        result
      ensure
        manager.close(done ? :drain : :abort)
      end
    end

    @shared_lock = Mutex.new
    # The process's one shared manager: made on first use, until it is closed. The first
    # configuration wins, and the first keys: without one, later calls take what is there.
    #
    # Raises InvalidArgumentError: there is one with a different configuration.
    def self.shared(config = nil, logger: LLMQ.logger, log_level: nil, keys: nil)
      @shared_lock.synchronize do
        if @shared&.usable?
          Core.new(config, shared: true, keys: !keys.nil?).release unless config.nil?
          next @shared
        end
        @shared = allocate.tap do |manager|
          manager.send(:check_keys, keys)
          core = Core.new(config, logger: logger, log_level: log_level, shared: true, keys: !keys.nil?)
          manager.send(:start, core, keys)
        end
      end
    end

    # Whether it is open, and belongs to this process.
    def usable?
      @core.usable?
    end

    # Says whether it is open.
    def inspect
      "#<LLMQ::Manager #{usable? ? "open" : "closed"}, #{object_id}>"
    end

    # A model whose requests and answers have types; see Model.
    def model(name, encode:, decode:)
      Model.new(self, name, encode: encode, decode: decode)
    end

    # Has the attempts of a model without a provider run by a block, on threads.
    #
    # The block gets a Job. What it gives is the response's payload: a String, a Hash or an Array
    # (sent as JSON), a Ref. What it raises fails the attempt: an LLMQ::Error with its status (so that
    # <tt>RateLimitedError.new(retry_after: 2)</tt> is tried again), anything else is final, with
    # LLMQ_ERR_PROCESSING and its words.
    #
    # threads:: most attempts of all models of this manager that run at a time; the limits of a model
    #           (concurrency, max_in_flight) should not allow more.
    # lease:: seconds after which an attempt of which nothing is heard (job.heartbeat, a chunk) is
    #         lost and tried again. nil: the block is waited for.
    def set_processor(model, threads: 32, lease: nil, &block)
      raise ArgumentError, "a processor is a block" unless block

      @workers ||= Workers.new(@core, threads)
      @workers.most = [threads, @workers.most].max
      @workers.set(model, block, lease)
    end

    # Has a block told what happens, for metrics and tracing, in place of the one before.
    #
    #   manager.set_hook(:completed, :breaker_changed) { |hook| count(hook.type, hook.model) }
    #
    # The block gets a Hook, in the order of events, and of a request before its response. It runs on
    # the thread that hands over responses, so it must not wait for one. What it raises is printed.
    # While it is behind by more than 65,536 events, further ones are counted and not told.
    #
    # types:: Hook::TYPES that are told; without any all of them.
    def set_hook(*types, &block)
      raise ArgumentError, "a hook is a block" unless block

      mask = Hook.mask(types)
      @hooks ||= Hooks.new(@core)
      @hook = @hooks.set(block, mask)
    end

    # Has nobody told any more.
    def remove_hook
      @hook = @hooks.set(nil, 0) if @hooks
    end

    # Waits for leave to make a call of this model elsewhere, and takes it: a Permit. With a block
    # gives the permit to it, ends it at the end of the block (see Permit), and gives back what the
    # block gives.
    #
    # model:: name of a registered model, with any provider or none.
    # payload:: the body of the call, from which tokens are estimated; it is not kept.
    #
    # Options as of submit: est_input_tokens and est_output_tokens, priority, tenant, deadline;
    # timeout is the lease of the permit.
    #
    # Raises Error: there is none: OversizeError, DeadlineError and so on.
    def acquire(model, payload = "", **options)
      permit = request_permit(model, payload, **options).wait
      return permit unless block_given?

      begin
        yield permit
      rescue Exception => e # rubocop:disable Lint/RescueException -- it is raised again
        permit.fail_with(e)
        raise
      ensure
        permit.leave
      end
    end

    # As acquire, and does not wait: a PermitRequest.
    def request_permit(model, payload = "", **options)
      port = @core.port
      template = port.templates.get(model, 0, options)
      waiter = PermitRequest.new(self, @core, port)
      number = @core.reserve(1) | template.bits
      port.waiting[number] = waiter
      Wire.one(template, Payload.bytes(payload), number) do |record, id|
        status = Native.llmq_acquire(@core.pointer, record, id)
        waiter.request_id = id.read_uint64
        next if status == Status::OK

        port.waiting.delete(number)
        with_error { |err| Native.llmq_request_check(@core.pointer, record, err) }
        LLMQ.check(status)
      end
      waiter
    end

    # As acquire, without waiting for room: nil if there is none now.
    def try_acquire(model, payload = "", **options)
      template = Wire::Templates.new(nil, {}).get(model, 0, options)
      Wire.one(template, Payload.bytes(payload), 0) do |record, id|
        status = Native.llmq_try_acquire(@core.pointer, record, id, nil)
        return nil if status == Status::AGAIN

        unless status == Status::OK
          with_error { |err| Native.llmq_request_check(@core.pointer, record, err) }
          LLMQ.check(status)
        end
        return Permit.new(@core, 0, id.read_uint64)
      end
    end

    # Ends the manager. Nothing can be submitted any more; what was, ends as mode says: :drain runs
    # everything to its end, :cancel only what runs already, :abort cancels everything at once.
    # timeout:: seconds until what is left is aborted; nil = no bound.
    #
    # Raises ThreadError: it was called in a callback of this manager, which would wait for itself.
    def close(mode = :drain, timeout: nil)
      number = mode_number(mode)
      return unless @core.usable?
      raise ThreadError, "a manager cannot be closed in its own callback" if @core.port.own_thread?

      begin_shutdown(number, timeout)
      closed = false
      @closing.pop
      closed = true
    rescue ClosedError
      nil # another thread was first
    ensure
      begin_shutdown(ShutdownMode::ABORT, nil) if closed == false && @core.usable?
      finish unless closed.nil?
    end

    # Begins to end the manager, as close does, and does not wait. A second call may only sharpen mode
    # or time. close waits for the end.
    def shutdown(mode = :drain, timeout: nil)
      begin_shutdown(mode_number(mode), timeout)
    end

    # Called by the finalizer of a manager that nobody refers to any more.
    def self.abandon(core)
      proc { core.release }
    end

    private

    def check_keys(keys)
      return if keys.nil? || keys.respond_to?(:call)

      raise ArgumentError, "keys must have call, as a Proc has, not be #{keys.inspect}"
    end

    def start(core, keys)
      @core = core
      @key_function = keys
      @workers = @closing = @hooks = @hook = nil
      @closing_lock = Mutex.new
      ObjectSpace.define_finalizer(self, Manager.abandon(core))
      Keys.new(core, keys) if keys
    end

    def begin_shutdown(mode, timeout)
      deadline = timeout ? Native.llmq_now_ns + [(timeout * 1e9).to_i, 1].max : 0
      @core.port
      first = @closing_lock.synchronize do
        @closing.nil? && (@closing = Thread::Queue.new)
      end
      @core.shutdown(mode, deadline, first || nil)
    end

    def finish
      @core.destroy
      @workers&.end
      ObjectSpace.undefine_finalizer(self)
    end
  end
end
