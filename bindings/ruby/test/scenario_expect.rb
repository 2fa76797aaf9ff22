# frozen_string_literal: true

# What a runner says of a case that does not hold.
class Wrong < StandardError; end

# What a case of tests/scenarios expects, compared with what came.
class ScenarioExpect
  RESPONSE = %w[status state attempts data data_contains error_contains chunks chunks_at_least usage
                history http_status deployment fallback_model cached shared].freeze
  EXPECT = %w[requests started permits done totals stats at_least_ms].freeze

  # A member that is not understood must not pass.
  def self.known(what, object, names)
    unknown = object.keys - names
    raise Wrong, "#{what}: unknown member #{unknown[0].inspect}" unless unknown.empty?
  end

  # Compares one response.
  def self.response(ref, is, response, chunks)
    known(ref, is, RESPONSE)
    new.response(ref, is, response, chunks)
  end

  def response(ref, is, response, chunks)
    got = {
      "status" => response.status_name, "state" => response.state.to_s,
      "attempts" => response.attempts, "data" => response.text, "chunks" => chunks,
      "history" => response.history.map(&:status), "http_status" => response.http_status,
      "deployment" => response.deployment, "fallback_model" => response.fallback_model,
      "cached" => response.cached?, "shared" => response.shared?
    }
    got.each { |name, value| same("#{ref}: #{name}", value, is[name]) if is.key?(name) }
    contains("#{ref}: data", response.text, is["data_contains"])
    contains("#{ref}: error", response.error, is["error_contains"])
    if chunks.size < is.fetch("chunks_at_least", 0)
      raise Wrong, "#{ref}: #{chunks.size} chunks, expected at least #{is["chunks_at_least"]}"
    end

    usage(ref, response.usage, is["usage"]) if is.key?("usage")
  end

  # Compares everything that has come.
  def all(scenario, took_ms)
    expect = scenario.root.fetch("expect")
    self.class.known("expect", expect, EXPECT)
    expect.fetch("requests", {}).each { |ref, is| request(scenario, ref, is) }
    { "started" => scenario.started, "permits" => scenario.permits, "done" => scenario.done }
      .each { |name, got| same(name, got, expect[name]) if expect.key?(name) }
    totals(scenario, expect["totals"]) if expect.key?("totals")
    given_back(scenario)
    stats(scenario.manager, expect.fetch("stats", {}))
    least = expect.fetch("at_least_ms", 0)
    raise Wrong, "took #{took_ms} ms, expected at least #{least}" if took_ms < least
  end

  private

  def same(what, got, expected)
    raise Wrong, "#{what} is #{got.inspect}, expected #{expected.inspect}" unless got == expected
  end

  def contains(what, got, part)
    return if part.nil? || got.include?(part)

    raise Wrong, "#{what} is #{got.inspect}, expected to contain #{part.inspect}"
  end

  def usage(ref, usage, expected)
    return same("#{ref}: usage", usage, nil) if expected.nil?
    raise Wrong, "#{ref}: usage is not known" if usage.nil?

    self.class.known("usage", expected, LLMQ::Usage.members.map(&:to_s))
    expected.each { |name, value| same("#{ref}: #{name}", usage[name], value) }
  end

  def request(scenario, ref, is)
    asked = scenario.asked[ref] or raise Wrong, "#{ref} was never accepted"
    raise Wrong, "#{ref} has no outcome" unless asked.response

    self.class.response(ref, is, asked.response, asked.chunks)
  end

  def totals(scenario, expected)
    got = scenario.asked.values.filter_map(&:response).map(&:status_name).tally
    same("totals", got, expected)
  end

  def given_back(scenario)
    scenario.asked.each do |ref, asked|
      next if asked.response.nil? # a permit

      same("#{ref}: request_key", asked.response.request_key, ref)
      same("#{ref}: metadata", asked.response.metadata, asked.metadata.b)
      same("#{ref}: id", asked.response.request_id, asked.request_id)
    end
  end

  # Lets one turn of the loop go by.
  def turn(manager)
    manager.info
  rescue LLMQ::ClosedError
    nil # it has ended, and counts no more
  end

  def stats(manager, expected)
    turn(manager)
    expected.each do |model, counters|
      stats = manager.stats(model.empty? ? nil : model)
      counters.each { |name, value| same("stats of #{model.inspect}: #{name}", stats[name], value) }
    end
  end
end
