# frozen_string_literal: true

module LLMQ
  # A model whose requests and answers have types: made by Manager#model.
  class Model
    # Of a model that is registered at the manager.
    attr_reader :name

    # encode:: makes the payload of a request: anything that has call.
    # decode:: makes the answer of the bytes of a response. Called when the response's value is read
    #          for the first time; what it raises is raised there.
    def initialize(manager, name, encode:, decode:)
      @manager = manager
      @name = name
      @encode = encode
      @decode = decode
    end

    # Name of the model.
    def inspect
      "#<LLMQ::Model #{@name}>"
    end

    # As Manager#submit.
    def submit(request, **options)
      @manager.submit(@name, @encode.call(request), **options).decode_with(@decode)
    end

    # As Manager#call; value of the response has the type.
    def call(request, **options)
      @manager.call(@name, @encode.call(request), **options).decode_with(@decode)
    end

    # As Manager#call_many.
    def call_many(requests, **options)
      bodies = requests.map { |request| @encode.call(request) }
      @manager.call_many(@name, bodies, **options).each { |response| response.decode_with(@decode) }
    end
  end
end
