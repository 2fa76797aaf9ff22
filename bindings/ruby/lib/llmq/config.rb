# frozen_string_literal: true

require "json"
require "pathname"

module LLMQ
  # A configuration of the library, freed with this object. What describes a manager or its models
  # is a Hash in the form of docs/configuration.md, the same as JSON text, or the Pathname of such a
  # file.
  class Config
    # The library's configuration.
    attr_reader :pointer

    # source:: nil = every key at its default.
    # settings:: single keys on top of that, {"model.gpt-4o.rpm" => 500}.
    def initialize(source = nil, settings = nil)
      made = Native.made { |holder, _| Native.llmq_conf_create(holder) }
      @pointer = FFI::AutoPointer.new(made, Native.method(:llmq_conf_free))
      take(source) unless source.nil?
      settings&.each { |key, value| set(key, value) }
    end

    # Names of the models.
    def inspect
      "#<LLMQ::Config #{models.inspect}>"
    end

    # Sets one key.
    def set(key, value)
      FFI::MemoryPointer.new(:pointer) do |err|
        LLMQ.check(Native.llmq_conf_set(@pointer, Native.c_string(key), Native.c_string(value), err),
                   err)
      end
    end

    # Value of a key, and whether it is the default.
    def get(key)
      is_default = FFI::MemoryPointer.new(:int32)
      value = Native.told do |holder, _|
        Native.llmq_conf_get(@pointer, Native.c_string(key), holder, is_default)
      end
      [value, is_default.read_int32 == 1]
    end

    # Names of the models that it describes.
    def models
      JSON.parse(Native.told { |holder, _| Native.llmq_conf_models_json(@pointer, holder) })
    end

    # Whether answers of the model have HTTP statuses, ids of the provider and so on.
    def called_over_http?(model)
      told = Native.told do |holder, _|
        Native.llmq_conf_deployments_json(@pointer, model, model.bytesize, holder)
      end
      return true unless JSON.parse(told).empty?

      !["none", "mock", ""].include?(get("model.#{model}.provider").first)
    end

    private

    def take(source)
      text = text_of(source)
      FFI::MemoryPointer.new(:pointer) do |err|
        LLMQ.check(Native.llmq_conf_set_json(@pointer, text, text.bytesize, err), err)
      end
    end

    def text_of(source)
      case source
      when Hash then JSON.generate(source)
      when String then source
      when Pathname then source.read
      else
        raise TypeError, "config must be a Hash, JSON text or a Pathname, not #{source.class}"
      end
    rescue JSON::GeneratorError => e
      raise InvalidArgumentError.new("the configuration is no JSON: #{e.message}", key: "config")
    end
  end
end
