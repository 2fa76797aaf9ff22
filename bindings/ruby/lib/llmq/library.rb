# frozen_string_literal: true

require "ffi"

module LLMQ
  # libllmq was not found, or is not the one that this gem needs.
  class LibraryError < LoadError; end

  # Finds libllmq, and checks that it is the one that this gem was written against.
  module Native
    extend FFI::Library

    FILE_NAMES = %w[libllmq.so libllmq.dylib].freeze
    SIZES = {
      "llmq_request_t" => [SizeofKind::REQUEST, REQUEST_SIZE],
      "llmq_usage_t" => [SizeofKind::USAGE, USAGE_SIZE],
      "llmq_event_t" => [SizeofKind::EVENT, EVENT_SIZE],
      "llmq_stats_t" => [SizeofKind::STATS, STATS_SIZE],
      "llmq_wait_t" => [SizeofKind::WAIT, WAIT_SIZE],
      "llmq_hook_t" => [SizeofKind::HOOK, HOOK_SIZE],
      "llmq_outcome_t" => [SizeofKind::OUTCOME, OUTCOME_SIZE]
    }.freeze
    # Every version has these, and so says which one it is.
    FOR_VERSIONS = %i[llmq_version_string llmq_abi_version llmq_sizeof].freeze
    private_constant :FILE_NAMES, :SIZES, :FOR_VERSIONS

    class << self
      # Path of the library in use.
      attr_reader :path

      # Loads the library: LLMQ_LIBRARY, else the one in this gem, else that of pkg-config.
      def load!
        @path = find
        begin
          ffi_lib @path
        rescue LoadError => e
          raise LibraryError, "libllmq cannot be loaded: #{e.message}"
        end
        first, others = FUNCTIONS.partition { |name,| FOR_VERSIONS.include?(name) }
        attach(first)
        verify
        attach(others)
      end

      # What the block's call has put into an llmq char **, which is freed. The block is given that
      # and an llmq_error_t **, and gives the status.
      def told
        FFI::MemoryPointer.new(:pointer, 2) do |holders|
          err = holders + FFI::Pointer.size
          LLMQ.check(yield(holders, err), err)
          text = holders.read_pointer
          told = text.read_string.force_encoding(Encoding::UTF_8)
          llmq_buf_free(text)
          return told
        end
      end

      # The pointer that the block's call has put into a holder. The block as of told.
      def made
        FFI::MemoryPointer.new(:pointer, 2) do |holders|
          err = holders + FFI::Pointer.size
          LLMQ.check(yield(holders, err), err)
          return holders.read_pointer
        end
      end

      # A text as a NUL-terminated argument.
      def c_string(text)
        text = text.to_s
        raise ArgumentError, "#{text.inspect} has a NUL byte" if text.include?("\0")

        "#{text}\0"
      end

      # The bytes that a call tells by a pointer and a length, both out parameters; nil if the
      # block gives another status than OK.
      def bytes
        FFI::MemoryPointer.new(:pointer, 2) do |out|
          status = yield(out, out + FFI::Pointer.size)
          return nil unless status == Status::OK

          length = out.get_uint64(FFI::Pointer.size)
          return length.zero? ? "".b : out.read_pointer.read_bytes(length)
        end
      end

      private

      def attach(functions)
        functions.each do |name, parameters, result, blocks|
          attach_function name, parameters, result, blocking: blocks
        end
      rescue FFI::NotFoundError => e
        raise LibraryError, "#{@path} is not the libllmq of #{where}: #{e.message}"
      end

      def where
        "the gem llmq #{VERSION} (#{__dir__})"
      end

      def find
        named = ENV.fetch("LLMQ_LIBRARY", nil)
        return named if named && !named.empty?

        in_folder(__dir__) || in_folder(pkg_config) ||
          raise(LibraryError, "libllmq was not found: LLMQ_LIBRARY is not set, this gem carries " \
                              "none (#{__dir__}), and pkg-config knows no llmq")
      end

      def in_folder(folder)
        FILE_NAMES.map { |name| File.join(folder.to_s, name) }.find { |path| File.exist?(path) }
      end

      def pkg_config
        told = IO.popen(%w[pkg-config --variable=libdir llmq], err: File::NULL, &:read).strip
        told unless told.empty?
      rescue SystemCallError
        nil
      end

      def verify
        library = "libllmq #{llmq_version_string} (#{path})"
        abi = llmq_abi_version
        unless abi == Header::ABI_VERSION
          raise LibraryError, "#{library} has binary interface #{abi}, " \
                              "#{where} needs #{Header::ABI_VERSION}"
        end
        raise LibraryError, "#{where} needs pointers of 8 bytes" unless FFI::Pointer.size == 8

        # A newer library only appends members, and reads and fills what the caller's size covers.
        SIZES.each do |name, (what, ours)|
          theirs = llmq_sizeof(what)
          next unless theirs < ours

          raise LibraryError, "#{name} has #{theirs} bytes in #{library} and #{ours} in #{where}"
        end
      end
    end

    load!
  end
end
