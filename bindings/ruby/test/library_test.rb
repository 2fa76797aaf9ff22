# frozen_string_literal: true

require_relative "support"
require "fileutils"
require "tmpdir"

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
    assert_equal(installed, loaded("LLMQ_LIBRARY" => installed))
    assert_includes(fails("LLMQ_LIBRARY" => "/nowhere/libllmq.so"), "/nowhere/libllmq.so")
    told = fails("LLMQ_LIBRARY" => "libc.so.6")
    assert_match(/libc.so.6 is not the libllmq of the gem llmq .*lib.llmq.*llmq_/, told)
  end

  # A variable that is empty names none, and a gem without a library has another one than this gem's.
  def test_the_library_that_pkg_config_knows
    needed("pkg-config")
    without_library do |folder|
      told = loaded({ "PKG_CONFIG_PATH" => File.join(File.dirname(installed), "pkgconfig"),
                      "LLMQ_LIBRARY" => "" }, "-I", folder)
      assert_equal(File.realpath(installed), File.realpath(told))
    end
  end

  def test_no_library_at_all
    without_library do |folder|
      told = fails({ "PKG_CONFIG_LIBDIR" => folder, "PKG_CONFIG_PATH" => nil, "LLMQ_LIBRARY" => nil },
                   "-I", folder)
      assert_match(/libllmq was not found: LLMQ_LIBRARY is not set, this gem carries none \(#{folder}/, told)
    end
  end

  # Both are told by which they are and where they lie, whatever else the library has.
  def test_libraries_of_other_versions
    with_library(abi: 99, size: 4096) do |path|
      assert_match(/libllmq 7.8.9 \(#{path}\) has binary interface 99, #{this_gem} needs #{ABI}/,
                   fails("LLMQ_LIBRARY" => path))
    end
    with_library(abi: ABI, size: 8) do |path|
      assert_match(/llmq_request_t has 8 bytes in libllmq 7.8.9 \(#{path}\) and \d+ in #{this_gem}/,
                   fails("LLMQ_LIBRARY" => path))
    end
    with_library(abi: ABI, size: 4096) do |path|
      assert_match(/#{path} is not the libllmq of #{this_gem}: .*llmq_/, fails("LLMQ_LIBRARY" => path))
    end
  end

  def test_what_every_constant_says
    assert_equal(-7, LLMQ::Status::TIMEOUT)
    names = LLMQ::Status.constants.map { |name| LLMQ::Native.llmq_status_name(LLMQ::Status.const_get(name)) }
    expected = LLMQ::Status.constants.map { |name| name == :OK ? "LLMQ_OK" : "LLMQ_ERR_#{name}" }
    assert_equal(expected, names)
  end

  private

  ABI = LLMQ::Header::ABI_VERSION
  private_constant :ABI

  # Where the files of the gem are that this process has loaded.
  def lib
    File.dirname(LLMQ::Native.method(:load!).source_location[0], 2)
  end

  def this_gem
    /the gem llmq #{LLMQ::VERSION} \(#{Regexp.escape(File.join(lib, "llmq"))}\)/
  end

  # That of the prefix that the program is in.
  def installed
    prefix = File.expand_path("../..", ENV.fetch("LLMQ_PROGRAM"))
    Dir[File.join(prefix, "lib*/{,*/}libllmq.{so,dylib}")].fetch(0)
  end

  # Gives the block a folder with what the gem has, but for its library.
  def without_library
    Dir.mktmpdir do |folder|
      FileUtils.cp_r("#{lib}/.", folder)
      FileUtils.rm_f(Dir[File.join(folder, "llmq/libllmq.*")])
      yield folder
    end
  end

  # Gives the block a library that only says which version it is.
  def with_library(abi:, size:)
    Dir.mktmpdir do |folder|
      source = File.join(folder, "other.c")
      File.write(source, <<~C)
        #include <stddef.h>
        const char *llmq_version_string(void) { return "7.8.9"; }
        unsigned llmq_abi_version(void) { return #{abi}; }
        size_t llmq_sizeof(int what) { (void)what; return #{size}; }
      C
      path = File.join(folder, "libllmq.so")
      compiler = ENV.fetch("CC", "cc").split
      needed(*compiler)
      assert(system(*compiler, "-shared", "-fPIC", "-o", path, source))
      yield path
    end
  end

  def needed(*program)
    skip("there is no #{program[0]}") unless system(*program, "--version", out: File::NULL, err: File::NULL)
  end

  # Path of the library that a new process takes.
  def loaded(environment, *options)
    out, status = Open3.capture2e(environment, RbConfig.ruby, *options, "-e",
                                  'require "llmq"; print(LLMQ::Native.path)')
    assert(status.success?, out)
    out
  end

  def fails(environment, *options)
    out, status = Open3.capture2e(environment, RbConfig.ruby, *options, "-e", 'require "llmq"')
    refute(status.success?)
    assert_includes(out, "LLMQ::LibraryError")
    out
  end
end
