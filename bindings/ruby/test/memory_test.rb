# frozen_string_literal: true

require_relative "support"

# A process that runs for long does not grow with what it has done.
class MemoryTest < Minitest::Test
  include Support

  BATCH = 256
  FIRST = 200_000
  ALL = 1_000_000
  MOST_MIB = 16

  def test_a_million_requests
    told = run_ruby(<<~'RUBY', BATCH.to_s, FIRST.to_s, ALL.to_s)
      batch, first, all = ARGV.map(&:to_i)
      rss = -> { File.read("/proc/self/status")[/^VmRSS:\s+(\d+)/, 1].to_i / 1024.0 }
      LLMQ::Manager.open(CONFIG) do |manager|
        bodies = [JSON.generate(BODY)] * batch
        run = lambda do |count|
          (count / batch).times do
            abort("not all were answered") unless manager.call_many("m", bodies).all?(&:ok?)
          end
        end
        run.call(first)
        before = rss.call
        run.call(all - first)
        puts(rss.call - before)
      end
    RUBY
    assert_operator(told.to_f, :<=, MOST_MIB, "MiB more after #{ALL} requests than after #{FIRST}")
  end
end
