# frozen_string_literal: true

require_relative "support"

# Responses that are read while they come.
class StreamTest < Minitest::Test
  include Support

  def test_chunks_as_an_enumerable
    stream = manager.stream("m", BODY)
    chunks = stream.map(&:json)
    assert_operator(chunks.size, :>, 1)
    assert(chunks.all? { |chunk| chunk["object"] == "chat.completion.chunk" })
    assert(stream.response.ok?)
    assert_nil(stream.next)
    refute(stream.cancel)
  end

  def test_chunks_as_an_enumerator
    made = told(manager, %w[a b c])
    enumerator = made.stream("own", "x").each
    assert_instance_of(Enumerator, enumerator)
    assert_equal("a", enumerator.next.text)
    assert_equal("b", enumerator.peek.text)
    assert_equal(%w[b c], [enumerator.next.text, enumerator.next.text])
    assert_raises(StopIteration) { enumerator.next }
  end

  def test_who_leaves_early_cancels
    made = manager
    made.set_processor("own") do |job|
      job.chunk("first")
      job.wait_cancelled(LONG)
    end
    stream = made.stream("own", "x")
    assert_equal("first", stream.first.text)
    assert_equal(:cancelled, stream.response.state)
    state = made.stream("own", "x") { |open| [open.next.text, open] }
    assert_equal("first", state[0])
    assert_equal(:cancelled, state[1].response.state)
  end

  # What nobody refers to any more is read by nobody.
  def test_who_drops_a_stream_cancels
    made = manager
    made.set_processor("own") do |job|
      3.times { |number| job.chunk(number.to_s) }
      job.wait_cancelled(LONG)
    end
    [-> { made.stream("own", "x").each.next }, -> { made.stream("own", "x").each_slice(2).next },
     -> { made.stream("own", "x").next }, -> { made.stream("own", "x") }].each.with_index(1) do |read, count|
      Thread.new { read.call && nil }.join # nothing on this stack refers to it
      eventually("it is cancelled") do
        GC.start
        made.stats.cancelled == count
      end
    end
    waiting = made.instance_variable_get(:@core).port.waiting
    eventually("none waits") { waiting.empty? }
  end

  def test_an_enumerator_that_is_read_in_part_lives_on
    made = manager
    go_on = Thread::Queue.new
    made.set_processor("own") { |job| job.chunk("a") && go_on.pop && job.chunk("b") && "done" }
    enumerator = made.stream("own", "x").each
    assert_equal("a", enumerator.next.text)
    3.times { GC.start }
    go_on << true
    assert_equal("b", enumerator.next.text)
    assert_raises(StopIteration) { enumerator.next }
    assert_equal(1, made.tap(&:info).stats.completed)
  end

  def test_a_failure_is_raised_after_its_chunks
    made = manager
    made.set_processor("own") do |job|
      job.chunk("first")
      raise LLMQ::ServerError, "broken"
    end
    got = []
    stream = made.stream("own", "x")
    error = assert_raises(LLMQ::ServerError) { stream.each { |chunk| got << chunk.text } }
    assert_equal(%w[first], got)
    assert_equal("broken", error.message)
    assert_raises(LLMQ::ServerError) { stream.next }
    assert_equal(:failed, stream.response.state)
  end

  def test_a_slow_reader_makes_the_processor_wait
    made = manager({ models: [{ name: "own" }], stream_buffer_bytes: 1024 })
    handed = Thread::Queue.new
    made.set_processor("own") do |job|
      20.times do
        job.chunk("x" * 512)
        handed << true
      end
      "done"
    end
    stream = made.stream("own", "x")
    pop(handed)
    chunks = stream.map(&:text)
    assert_equal(20 * 512, chunks.sum(&:size))
    assert_equal("done", stream.response.text)
  end

  private

  def told(made, chunks)
    made.set_processor("own") { |job| chunks.each { |chunk| job.chunk(chunk) } && nil }
    made
  end
end
