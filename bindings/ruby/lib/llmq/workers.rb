# frozen_string_literal: true

module LLMQ
  # Runs attempts of models without a provider on threads: as many as run at a time, up to a bound.
  class Workers
    # Most attempts that run at a time.
    attr_accessor :most

    # most:: attempts that run at a time.
    def initialize(core, most)
      @core = core
      @most = most
      @lock = Mutex.new
      @processors = {}
      begin_anew
      core.on_renew { renew }
    end

    # Has the attempts of a model run by a block.
    # lease:: seconds, or nil = none.
    def set(model, processor, lease)
      # Before, so that the first attempt finds it; a model that refuses it has no attempts here.
      before = @processors[model]
      @processors[model] = [processor, lease]
      lease_ns = lease ? Wire.nanoseconds(:lease, lease) : -1
      LLMQ.check(Native.llmq_model_set_workers(@core.pointer, model, model.bytesize, @core.port.queue,
                                               lease_ns))
    rescue Error
      before ? @processors[model] = before : @processors.delete(model)
      raise
    end

    # Lets the threads end, when they have run what is queued.
    def end
      @running.each_value(&:stop)
      @jobs.close
    end

    private

    def begin_anew
      @jobs = Thread::Queue.new
      @running = {}
      @idle = 0
      @threads = 0
      port = @core.port
      port.handlers[EventType::READY] = method(:ready)
      port.handlers[EventType::CANCEL_REQUESTED] = method(:cancel)
    end

    # Runs in a forked child what ran in its parent.
    def renew
      begin_anew
      @processors.each { |model, (processor, lease)| set(model, processor, lease) }
    end

    def ready(piece)
      job = Job.new(@core, piece)
      processor, = @processors[job.model]
      return piece.release unless processor # its model went

      @running[job.attempt_id] = job
      more = @lock.synchronize { one_more? }
      @jobs << [processor, job]
      begin_thread if more
    rescue StaleError
      piece.release
    end

    # Whether the job needs a thread of its own.
    def one_more?
      @idle -= 1 # one of them will take it
      return false unless @idle.negative? && @threads < @most

      @threads += 1
      @idle += 1
      true
    end

    def cancel(piece)
      @running[piece[:attempt_id]]&.stop
    end

    def begin_thread
      Thread.new { work }.name = "llmq-worker"
    end

    def work
      while (processor, job = @jobs.pop)
        run(processor, job)
        done(job)
        job = nil
      end
    ensure
      replace(job) if job
    end

    def done(job)
      @running.delete(job.attempt_id)
      @lock.synchronize { @idle += 1 }
    end

    # A block has ended its thread (Thread.exit), or the process ends.
    def replace(job)
      job.fail_with(ProcessingError.new("the block ended its thread"))
      done(job)
      begin_thread if @core.usable? && !@jobs.closed?
    end

    def run(processor, job)
      job.succeed(processor.call(job))
    rescue Exception => e # rubocop:disable Lint/RescueException -- the thread goes on; the request has the failure
      job.fail_with(e)
    end
  end
end
