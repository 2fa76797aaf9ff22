# frozen_string_literal: true

require "weakref"

module LLMQ
  # Asks a function of the program for the keys of providers, on a thread that begins with the first
  # question: so one that waits holds up no response, and may use the manager. It holds no function:
  # one that refers to the manager would keep it alive.
  class Keys
    # A key that an attempt waits for.
    class Question
      # piece:: the event.
      def initialize(core, piece)
        @core = core
        @number = piece[:attempt_id]
        @names = piece.data.force_encoding(Encoding::UTF_8).split("\0", -1)
        piece.release
      end

      # Answers with what the function gives, or with the words of what it raises.
      def put_to(function)
        key = function.call(*@names)
        raise TypeError, "a key is a String, not #{key.class}" unless key.nil? || key.is_a?(String)

        answer(key.to_s, "")
      rescue Exception => e # rubocop:disable Lint/RescueException -- the thread goes on; the request has the failure
        answer("", Lease.words(e))
      end

      # Answers: a key, or "" and why there is none.
      def answer(key, words)
        LLMQ.check(Native.llmq_key_answer(@core.pointer, @number, key, key.bytesize,
                                          words, words.bytesize))
      rescue ClosedError, ForkedError
        nil # nobody waits for it any more
      end
    end
    private_constant :Question

    # function:: what it is asked of, kept by the caller.
    def initialize(core, function)
      @core = core
      @function = WeakRef.new(function)
      begin_anew
      follow_forks
    end

    # A thread that answers what comes.
    def self.answer_all(questions)
      Thread.new do
        while (asked = questions.pop)
          question, function = asked
          question.put_to(function)
          asked = question = function = nil # they keep nobody alive while it waits
        end
      end
    end

    private

    # By itself: a block keeps what the method that it is in was given.
    def follow_forks
      @core.on_renew { begin_anew }
    end

    # In this process.
    def begin_anew
      @questions = Thread::Queue.new
      @thread = nil
      port = @core.port
      port.handlers[EventType::KEY] = method(:ask)
      @core.on_end(@questions)
      LLMQ.check(Native.llmq_set_key_queue(@core.pointer, port.queue, 0))
    end

    def ask(piece)
      question = Question.new(@core, piece)
      @questions << [question, @function.__getobj__]
      @thread ||= Keys.answer_all(@questions).tap { |thread| thread.name = "llmq-keys" }
    rescue WeakRef::RefError, ClosedQueueError
      question.answer("", "the manager has ended")
    end
  end
  private_constant :Keys
end
