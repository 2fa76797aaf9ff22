# frozen_string_literal: true

require "json"

module LLMQ
  # A payload or a result that is passed by reference, within this process.
  #
  # Submitted to a model whose processor is a block of the same manager, the block gets the object
  # itself, as job.object; what it returns in a Ref is the value of the response.
  class Ref
    # The object.
    attr_reader :object

    # object:: anything.
    def initialize(object)
      @object = object
    end

    # The object's own, marked.
    def inspect
      "#<LLMQ::Ref #{@object.inspect}>"
    end
  end

  # A request that is to be submitted together with others: model, payload and options.
  class Request
    # Name of a registered model.
    attr_reader :model
    # As of Manager#submit.
    attr_reader :payload
    # As of Manager#submit.
    attr_reader :options

    # As of Manager#submit.
    def initialize(model, payload, **options)
      @model = model
      @payload = payload
      @options = options
    end
  end

  # Makes bytes of what programs hand over.
  module Payload
    module_function

    # A payload as it is sent: text and bytes as they are, what JSON has as JSON. Nothing of a Ref:
    # the object stays here.
    def bytes(payload)
      case payload
      when String then payload
      when Hash, Array then json(payload)
      when Ref then ""
      else
        raise TypeError, "a payload must be a String, or a Hash or an Array that is sent as JSON, " \
                         "not #{payload.class}; LLMQ::Ref.new(payload) passes any object to a " \
                         "processor of this process"
      end
    end

    # Bytes as text, what is no UTF-8 in them replaced.
    def text(bytes)
      bytes.dup.force_encoding(Encoding::UTF_8).scrub
    end

    # An object as JSON text.
    def json(object)
      JSON.generate(object)
    end
  end

  # Reads the bytes that an object carries.
  module Content
    # The bytes as text, what is no UTF-8 in them replaced.
    def text
      Payload.text(content)
    end

    # The bytes, read as JSON; options as of JSON.parse. Raises JSON::ParserError: they are none.
    def json(**options)
      JSON.parse(content.dup.force_encoding(Encoding::UTF_8), **options)
    end
  end
end
