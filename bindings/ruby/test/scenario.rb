# frozen_string_literal: true

require "json"
require "monitor"
require_relative "scenario_expect"

# A request of a case, and what came of it.
Asked = Struct.new(:ref, :metadata, :attempts, :begun, :stopped, :finish_with, :chunks, :response,
                   :handle, :request_id, :permit)

# Runs one case of tests/scenarios.
class Scenario
  LONG = 240 # seconds; the machine may be busy
  STEPS = {
    "submit" => nil, "submit_many" => nil, "acquire" => nil, # the members of a request
    "submit_batch" => %w[requests accepted error],
    "wait" => %w[for ref attempt count model is],
    "cancel" => %w[ref error], "finish" => %w[ref with], "set" => %w[key value error],
    "add_models" => %w[config processors error], "remove_model" => %w[model mode error],
    "release" => %w[ref usage fail retry_after_ms error], "usage_update" => %w[ref usage error],
    "response_get" => %w[ref is error], "shutdown" => %w[mode deadline_ms error]
  }.freeze
  OPTIONS = %w[tenant dedup_key est_input_tokens est_output_tokens max_attempts restart keep
               late_usage].freeze
  REQUEST = %w[ref model payload payload_bytes operation priority metadata deadline_ms timeout_ms
               stream attempts on_done error do count].concat(OPTIONS).freeze
  OUTCOME = %w[succeed fail throw hold vanish echo usage message retry_after_ms chunks].freeze
  MEMBERS = %w[name why needs workers config processors steps expect complaint].freeze

  attr_reader :root, :manager, :asked, :permits, :done

  def initialize(root)
    ScenarioExpect.known("the case", root, MEMBERS)
    @root = root
    @changed = Monitor.new
    @condition = @changed.new_cond
    @asked = {}
    @attempts = {} # by id, in the order in which they came: whose each is, when its block has begun
    @permits = []
    @done = []
    @scripts = root.fetch("processors", {}).dup
    @readers = []
  end

  # In the order of their attempts, not in that in which threads took them up.
  def started
    @attempts.values.compact
  end

  def run
    begun = now
    @manager = LLMQ::Manager.new(@root["config"])
    process(@scripts.keys)
    @root["steps"].each { |step| step(step.dup) }
    waited("all are done") { @asked.each_value.all? { |asked| asked.response || asked.permit } }
    took = now - begun
    @readers.each { |reader| reader.join(LONG) }
    ScenarioExpect.new.all(self, took * 1e3)
  ensure
    let_go
  end

  private

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def change
    @changed.synchronize do
      yield
      @condition.broadcast
    end
  end

  def waited(what)
    limit = now + LONG
    @changed.synchronize do
      until yield
        raise Wrong, "waited for too long until #{what}" if now > limit

        @condition.wait(limit - now)
      end
    end
  end

  def let_go
    change { @asked.each_value { |asked| asked.finish_with ||= { "fail" => "LLMQ_ERR_CANCELLED" } } }
    @manager&.close(:abort)
  end

  # Processors

  def process(models)
    lease = @root.fetch("workers", {})["lease_ms"]
    (models & @manager.models).each do |model|
      @manager.set_processor(model, threads: 64, lease: lease && (lease / 1e3)) { |job| attempt(job) }
    end
    note_attempts
  end

  def note_attempts
    handlers = @manager.instance_variable_get(:@core).port.handlers
    take_up = handlers[LLMQ::EventType::READY]
    return if take_up.nil? || @notes_attempts # nobody runs any, or it is done

    @notes_attempts = true
    handlers[LLMQ::EventType::READY] = lambda do |piece|
      @changed.synchronize { @attempts[piece[:attempt_id]] = nil }
      take_up.call(piece)
    end
  end

  def attempt(job)
    asked = asked_of(job)
    change do
      @attempts[job.attempt_id] = asked.ref
      asked.begun << job.number
    end
    script = asked.attempts || @scripts[job.model]
    outcome = script[[job.number, script.size].min - 1]
    if outcome["hold"]
      outcome.fetch("chunks", []).each { |piece| job.chunk(piece) }
      outcome = hold(job, asked)
    end
    ends(job, asked, outcome)
  end

  def asked_of(job)
    return @asked.fetch(job.request_key) unless job.request_key.empty?

    # A shared call has no key of its own: it was begun by the request with this number.
    waiter = @manager.instance_variable_get(:@core).port.waiting[job.request_number]
    found = nil
    waited("the first of a shared call is known") do
      found = @asked.each_value.find { |asked| asked.handle.equal?(waiter) }
    end
    found
  end

  def hold(job, asked)
    loop do
      job.heartbeat
      @changed.synchronize do
        if (outcome = asked.finish_with)
          asked.finish_with = nil
          return outcome
        end
        if job.cancelled?
          asked.stopped = true
          @condition.broadcast
          return { "fail" => "LLMQ_ERR_CANCELLED" }
        end
        @condition.wait(0.01)
      end
    end
  end

  def ends(job, asked, outcome)
    ScenarioExpect.known("an outcome", outcome, OUTCOME)
    outcome.fetch("chunks", []).each { |piece| job.chunk(piece) }
    job.usage = usage(outcome["usage"]) if outcome.key?("usage")
    change { asked.stopped = true } if outcome["vanish"] && job.wait_cancelled(LONG)
    return outcome["succeed"] if outcome.key?("succeed")
    return echo(job, outcome["echo"]) if outcome.key?("echo")
    raise ArgumentError, outcome["throw"] if outcome.key?("throw")

    wait = outcome["retry_after_ms"]
    failure = status(outcome.fetch("fail", "LLMQ_ERR_CANCELLED"))
    raise LLMQ::Error.new(outcome.fetch("message", "failed"), status: failure,
                                                              retry_after: wait && (wait / 1e3))
  end

  def echo(job, what)
    what == "payload_bytes" ? job.payload.bytesize.to_s : job.public_send(what)
  end

  # Steps

  def step(step)
    what = step.delete("do")
    raise Wrong, "unknown step #{what}" unless STEPS.key?(what)

    ScenarioExpect.known("step #{what}", step, STEPS[what] || REQUEST)
    error = step.delete("error")
    begin
      send(:"do_#{what}", step, error)
    rescue LLMQ::Error => e
      raise Wrong, "#{what}: #{e.inspect}" if e.status_name != error
    else
      return if error.nil? || %w[submit_batch cancel release].include?(what)

      raise Wrong, "#{what} went well, expected #{error}"
    end
  end

  def request(step)
    ScenarioExpect.known("a request", step, REQUEST)
    ref = step["ref"]
    operation = step.fetch("operation", "custom")
    options = OPTIONS.filter_map { |name| [name.to_sym, step[name]] if step.key?(name) }.to_h
    options.update(request_key: ref, operation: operation.to_sym, metadata: step.fetch("metadata", ""))
    options[:priority] = step["priority"].to_sym if step.key?("priority")
    %w[deadline timeout].each do |name|
      options[name.to_sym] = step["#{name}_ms"] / 1e3 if step.key?("#{name}_ms")
    end
    asked = Asked.new(ref, options[:metadata], step["attempts"], [], false, nil, [])
    [asked, LLMQ::Request.new(step.fetch("model", "m"), payload(step, operation), **options)]
  end

  def payload(step, operation)
    return "x" * step["payload_bytes"] if step.key?("payload_bytes")
    return step["payload"] if step.key?("payload")
    return step["ref"] unless operation == "chat"

    { model: step.fetch("model", "m"), messages: [{ role: "user", content: step["ref"] }] }
  end

  def do_submit(step, _error)
    asked, request = request(step)
    @asked[asked.ref] = asked
    if step["stream"]
      read(asked, @manager.stream(request.model, request.payload, **request.options))
    else
      watch(asked, @manager.submit(request.model, request.payload, **request.options), step)
    end
  rescue LLMQ::Error
    @asked.delete(asked.ref)
    raise
  end

  def watch(asked, future, step)
    change do
      asked.handle = future
      asked.request_id = future.request_id
    end
    future.on_done { |response| ended(asked, response) }
    future.on_done { |_| raise "a callback that fails, as the case wants" } if step["on_done"] == "throw"
  end

  def ended(asked, response)
    change do
      raise Wrong, "#{asked.ref} ended twice" if asked.response

      asked.response = response
      @done << asked.ref
    end
  end

  def read(asked, stream)
    change do
      asked.handle = stream.instance_variable_get(:@feed)
      asked.request_id = stream.request_id
    end
    @readers << Thread.new do
      begin
        stream.each { |chunk| change { asked.chunks << chunk.text } }
      rescue LLMQ::Error
        nil # told by the response
      end
      ended(asked, stream.response)
    end
  end

  def do_submit_many(step, _error)
    steps = Array.new(step.delete("count")) { |i| step.merge("ref" => "#{step["ref"]}#{i}") }
    return steps.each { |each| do_submit(each, nil) } if step["stream"]

    batch(steps)
  end

  def do_submit_batch(step, error)
    futures = batch(step["requests"])
    raise Wrong, "the batch was taken, expected #{error}" if error
  rescue LLMQ::Error => e
    raise if e.status_name != error

    futures = e.accepted
  ensure
    count = step.fetch("accepted", step["requests"].size)
    raise Wrong, "#{futures.size} were accepted" if futures && futures.size != count
  end

  def batch(steps)
    many = steps.map { |each| request(each) }
    many.each { |asked, _| @asked[asked.ref] = asked }
    begin
      futures = @manager.submit_batch(many.map(&:last))
    rescue LLMQ::Error => e
      problem = e
      futures = e.accepted
    end
    many.drop(futures.size).each { |asked, _| @asked.delete(asked.ref) }
    many.zip(futures, steps).first(futures.size).each { |(asked, _), future, own| watch(asked, future, own) }
    raise problem if problem

    futures
  end

  def do_wait(step, _error)
    return wait_for_stats(step) if step["for"] == "stats"

    asked = @asked.fetch(step["ref"])
    tests = {
      "done" => -> { asked.response },
      "started" => -> { step.key?("attempt") ? asked.begun.include?(step["attempt"]) : asked.begun.any? },
      "permit" => -> { asked.permit },
      "stopped" => -> { asked.stopped },
      "chunks" => -> { asked.chunks.size >= step.fetch("count", 1) }
    }
    test = tests[step["for"]] or raise Wrong, "unknown wait #{step["for"]}"
    waited("#{asked.ref} is #{step["for"]}", &test)
  end

  def wait_for_stats(step)
    limit = now + LONG
    loop do
      stats = @manager.stats(step["model"])
      return if step["is"].all? { |name, value| stats[name] == value }
      raise Wrong, "waited for too long until stats are #{step["is"]}" if now > limit

      sleep(0.001) # there is no event for counters
    end
  end

  def do_cancel(step, error)
    asked = @asked.fetch(step["ref"])
    went = @manager.cancel(asked.request_id)
    raise Wrong, "cancel of #{asked.ref}: #{went}, expected #{error.inspect}" unless went == error.nil?
  end

  def do_finish(step, _error)
    change { @asked.fetch(step["ref"]).finish_with = step["with"] }
  end

  def do_set(step, _error)
    @manager.set(step["key"], step["value"])
  end

  def do_add_models(step, _error)
    @scripts.update(step.fetch("processors", {}))
    @manager.register(step["config"])
    process(@scripts.keys)
  end

  def do_remove_model(step, _error)
    @manager.remove_model(step.fetch("model", "m"), step.fetch("mode", "drain").to_sym)
  end

  def do_acquire(step, _error)
    asked, request = request(step)
    waiting = @manager.request_permit(request.model, request.payload, **request.options)
    asked.request_id = waiting.request_id
    @asked[asked.ref] = asked
    @readers << Thread.new do
      permit = waiting.wait
      change do
        asked.permit = permit
        @permits << asked.ref
      end
    rescue LLMQ::Error => e
      ended(asked, e.response)
    end
  end

  def do_release(step, error)
    permit = @asked.fetch(step["ref"]).permit
    wait = step["retry_after_ms"]
    went = if step.key?("fail")
             permit.fail(status(step["fail"]), retry_after: wait && (wait / 1e3))
           else
             permit.release(step["usage"] && usage(step["usage"]))
           end
    raise Wrong, "release: #{went}, expected #{error.inspect}" unless went == error.nil?
  rescue LLMQ::StaleError
    raise if error != "LLMQ_ERR_STALE"
  end

  def do_usage_update(step, _error)
    @manager.update_usage(@asked.fetch(step["ref"]).request_id, usage(step["usage"]))
  end

  def do_response_get(step, _error)
    response = @manager.take_response(@asked.fetch(step["ref"]).request_id)
    raise LLMQ::Error.of(LLMQ::Status::AGAIN) if response.nil?

    ScenarioExpect.response(step["ref"], step.fetch("is", {}), response, [])
  end

  def do_shutdown(step, _error)
    bound = step["deadline_ms"]
    @manager.shutdown(step["mode"].to_sym, timeout: bound && (bound / 1e3))
  end

  def usage(told)
    LLMQ::Usage.new(**told.transform_keys(&:to_sym))
  end

  def status(name)
    LLMQ::Status.const_get(name.delete_prefix("LLMQ_").delete_prefix("ERR_"))
  end
end
