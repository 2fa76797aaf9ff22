# frozen_string_literal: true

module LLMQ
  # An object that goes to a processor by reference, and what came of it.
  Passed = Struct.new(:payload, :result)
  private_constant :Passed

  # One manager of the library with what it was made from, and its completion queue.
  class Core
    EXIT_SECONDS = 0.25
    private_constant :EXIT_SECONDS

    # Of each model whether its responses tell more than an event holds.
    attr_reader :detailed
    # Payloads, and then results, that are passed by reference, by number.
    attr_reader :objects
    # Begins when it is closed, or is about to be.
    attr_reader :ending
    # The process that pointer is of.
    attr_reader :pid

    # As of Manager. shared:: whether it is the process's one. keys:: whether it asks for keys.
    def initialize(config, settings: nil, logger: nil, log_level: nil, on_fork: :error, shared: false,
                   keys: false)
      unless %i[error renew].include?(on_fork)
        raise ArgumentError, "on_fork must be :error or :renew, not #{on_fork.inspect}"
      end

      @recipes = [[config, settings]]
      @logger = logger
      @log_level = log_level
      @on_fork = on_fork
      @shared = shared
      @asks_for_keys = keys
      @lock = Mutex.new
      @next_number = 1
      @closed = false
      @detailed = {}
      @on_renew = []
      open
      @pid = Process.pid
      Core.add(self)
    end

    # The library's manager, to be called. What fibers have called before goes first.
    #
    # Raises ClosedError: it has been closed. Raises ForkedError: it was made before a fork, and is
    # not made anew.
    def pointer
      renew unless @pid == Process.pid
      raise Error.of(Status::CLOSED) if @closed

      @port.outbox.flush
      @pointer
    end

    # The completion queue of this process, which is drained from now on. Raises as pointer.
    def port
      pointer
      @port.start
      @port
    end

    # As port, without asking the system which process this is, which takes a good part of a
    # request's time: after a fork a submit answers Status::FORKED. Then, port.
    def likely_port
      @port.started? && !@closed ? @port : port
    end

    # Whether it belongs to this process and is open.
    def usable?
      !@closed && @pid == Process.pid
    end

    # Adds the models of a configuration.
    def register(config, skip_existing)
      register_with(pointer, config, nil, skip_existing)
      @recipes << [config, nil]
    end

    # The name may come to mean another model.
    def forget_model(model)
      @detailed.delete(model)
      @port.templates.forget
    end

    # The first of so many numbers for requests, each of which is used once.
    def reserve(count)
      @lock.synchronize do
        first = @next_number
        @next_number += count
        first
      end
    end

    # As reserve, for requests that one caller waits for: no others differ from them in the last 8
    # bits alone.
    def reserve_together(count)
      @lock.synchronize do
        first = (@next_number + Wire::BATCH - 1) & -Wire::BATCH
        @next_number = (first + count + Wire::BATCH - 1) & -Wire::BATCH
        first | Wire::GATHERED
      end
    end

    # The number of a request, marked if its payload goes by reference.
    def refer(number, payload, options)
      return number unless payload.is_a?(Ref)
      if options[:dedup_key]
        raise ArgumentError, "dedup_key compares payloads, and a Ref has no bytes to compare"
      end

      number |= Wire::BY_REFERENCE
      @objects[number] = Passed.new(payload.object)
      number
    end

    # Runs in a forked child, at the first use, with a new port.
    def on_renew(&block)
      @on_renew << block
    end

    # Has a queue closed when it ends in this process.
    def on_end(queue)
      @queues << queue
    end

    # Says in the log, or without one on $stderr, what the library could not be told.
    def warn(words)
      @logger ? @logger.add(Logger::WARN, words, "llmq") : Kernel.warn("llmq: #{words}")
    rescue StandardError
      nil # who asks must go on
    end

    # Asks the library to shut down. A waiter, if given, has close called at the end.
    def shutdown(mode, deadline_ns, waiter)
      @ending.begin
      number = 0
      queue = nil
      if waiter
        number = reserve(1)
        @port.waiting[number] = waiter
        queue = @port.queue
      end
      status = Native.llmq_manager_shutdown(pointer, mode, deadline_ns, queue, number)
      waiter&.close if status == Status::CLOSED
      LLMQ.check(status) unless status == Status::CLOSED
    end

    # Aborts what is left, and ends the threads. May be called again.
    def destroy(seconds = 1.0)
      return unless usable?

      close_here
      Native.llmq_manager_destroy(@base)
      @port.stop(seconds)
      @log&.stop(EXIT_SECONDS)
    end

    # Lets go of a manager that others in the process may share, or that nobody refers to any more,
    # without waiting for its end.
    def release
      return unless usable?

      close_here
      Native.llmq_manager_unref(@base)
      @port.end
    end

    private

    def close_here
      @closed = true
      @ending.begin
      @queues.each(&:close)
    end

    def open
      conf = Config.new(*@recipes.first)
      log_to_pipe(conf)
      LLMQ.check(Native.llmq_conf_ask_for_keys(conf.pointer)) if @asks_for_keys
      make = @shared ? :llmq_manager_shared : :llmq_manager_create
      @base = Native.made { |holder, err| Native.public_send(make, conf.pointer, holder, err) }
      # A reference of its own: whoever calls while another thread closes finds a closed manager.
      @pointer = FFI::AutoPointer.new(Native.llmq_manager_ref(@base),
                                      Native.method(:llmq_manager_unref))
      note(conf)
      @objects = {}
      @ending = Ending.new
      @queues = []
      @port = Port.new(self, @pointer)
    end

    def log_to_pipe(conf)
      @log&.close
      @log = nil
      return if @logger.nil? || ["log.level", "log.file"].any? { |key| !conf.get(key).last }

      level = LogPipe.level_name(@log_level || @logger.level)
      return if level == "off"

      @log = LogPipe.new(@logger)
      conf.set("log.file", @log.path)
      conf.set("log.level", level)
    end

    def note(conf)
      conf.models.each { |name| @detailed[name] = conf.called_over_http?(name) }
      @port&.templates&.forget
    end

    def register_with(pointer, config, settings, skip_existing)
      conf = Config.new(config, settings)
      flags = skip_existing ? RegisterFlags::SKIP_EXISTING : 0
      FFI::MemoryPointer.new(:pointer) do |err|
        LLMQ.check(Native.llmq_manager_register_models(pointer, conf.pointer, flags, err), err)
      end
      note(conf)
    end

    def renew
      return if @closed

      if @on_fork == :error
        words = "this manager was made in process #{@pid}, before a fork: make one in this process, " \
                "or pass on_fork: :renew"
        raise Error.of(Status::FORKED, words)
      end

      made = @lock.synchronize { make_anew unless @pid == Process.pid }
      @on_renew.each(&:call) if made
    end

    def make_anew
      open
      @recipes.drop(1).each { |config, settings| register_with(@pointer, config, settings, true) }
      @pid = Process.pid
    end

    @all = ObjectSpace::WeakMap.new

    class << self
      # Has a manager end with the process.
      def add(core)
        @all[core] = core
      end

      # Ends everything, since the process does.
      def end_all
        @all.each_key { |core| core.destroy(EXIT_SECONDS) }
      end
    end

    at_exit { end_all }
  end
end
