# frozen_string_literal: true

require_relative "support"

# Which library is loaded, and what is said of a wrong one.
class LibraryTest < Minitest::Test
  include Support

  def test_the_gem_carries_its_library
    assert_equal(File.join(Gem.loaded_specs.fetch("llmq").full_gem_path, "lib/llmq/libllmq.so"),
                 LLMQ::Native.path)
    assert_equal(LLMQ::VERSION, LLMQ.library_version)
    assert(LLMQ.features.anybits?(LLMQ::Features::MOCK))
  end

  def test_a_library_that_is_named
    assert_includes(fails("LLMQ_LIBRARY" => "/nowhere/libllmq.so"), "/nowhere/libllmq.so")
    told = fails("LLMQ_LIBRARY" => "libc.so.6")
    assert_match(/libc.so.6 is not the libllmq of the gem llmq .*lib.llmq.*llmq_/, told)
  end

  def test_another_binary_interface
    told = LLMQ::Native.stub(:llmq_abi_version, 99) { mismatch }
    assert_match(/libllmq #{LLMQ.library_version} \(.*libllmq.so\) has binary interface 99, the gem llmq/,
                 told)
    assert_match(/\(#{Regexp.escape(File.dirname(LLMQ::Native.path))}\) needs/, told)
  end

  def test_a_library_with_smaller_structs
    told = LLMQ::Native.stub(:llmq_sizeof, 8) { mismatch }
    assert_match(/llmq_request_t has 8 bytes in libllmq .* and 216 in the gem llmq/, told)
  end

  def test_what_every_constant_says
    assert_equal(-7, LLMQ::Status::TIMEOUT)
    names = LLMQ::Status.constants.map { |name| LLMQ::Native.llmq_status_name(LLMQ::Status.const_get(name)) }
    expected = LLMQ::Status.constants.map { |name| name == :OK ? "LLMQ_OK" : "LLMQ_ERR_#{name}" }
    assert_equal(expected, names)
  end

  private

  def mismatch
    assert_raises(LLMQ::LibraryError) { LLMQ::Native.send(:verify) }.message
  end

  def fails(environment)
    out, status = Open3.capture2e(environment, RbConfig.ruby, "-e", 'require "llmq"')
    refute(status.success?)
    assert_includes(out, "LLMQ::LibraryError")
    out
  end
end
