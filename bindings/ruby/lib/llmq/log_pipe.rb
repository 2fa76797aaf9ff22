# frozen_string_literal: true

require "logger"

module LLMQ
  # Brings the library's log lines to a Logger.
  #
  # The library writes them to a pipe, and never calls Ruby from its own threads: so it cannot hang
  # when the process ends. One thread empties the pipe, another hands the lines to the logger, which
  # may be slow and may use llmq.
  class LogPipe
    # Lines that the logger has not taken yet; further ones are dropped.
    MOST_LINES = 10_000
    STOP = "\0stop\n"
    SEVERITIES = { "trace" => Logger::DEBUG, "debug" => Logger::DEBUG, "info" => Logger::INFO,
                   "warning" => Logger::WARN, "error" => Logger::ERROR,
                   "critical" => Logger::FATAL }.freeze
    LEVELS = { Logger::DEBUG => "debug", Logger::INFO => "info", Logger::WARN => "warn",
               Logger::ERROR => "error", Logger::FATAL => "error" }.freeze
    private_constant :MOST_LINES, :STOP, :SEVERITIES, :LEVELS

    # Name that the library has for a level of Logger; "off" beyond its levels.
    def self.level_name(level)
      LEVELS.fetch(level, level > Logger::FATAL ? "off" : "trace")
    end

    # logger:: gets the lines.
    def initialize(logger)
      @logger = logger
      @reader, @writer = IO.pipe
      @lines = Thread::Queue.new
      @threads = { read: "llmq-log-read", emit: "llmq-log" }.map do |work, name|
        Thread.new { send(work) }.tap { |thread| thread.name = name }
      end
    end

    # Where the library is to write.
    def path
      "/dev/fd/#{@writer.fileno}"
    end

    # Hands over what is there, when no manager writes any more, for that long at most.
    def stop(seconds)
      @writer.write(STOP)
      @threads.each { |thread| thread.join(seconds) }
      close
    end

    # Lets go of a parent's pipe, in a forked child.
    def close
      @writer.close
      @reader.close
    end

    private

    def read
      while (line = @reader.gets) && line != STOP
        @lines << line if @lines.size < MOST_LINES
      end
      @lines << nil
    end

    def emit
      while (line = @lines.pop)
        _, level, _, words = line.scrub.chomp.split(" ", 4)
        severity = SEVERITIES[level]
        log(severity || Logger::INFO, severity ? words : line.chomp)
      end
    end

    def log(severity, words)
      @logger.add(severity, words, "llmq")
    rescue StandardError => e
      warn("llmq: the logger failed: #{e.message}")
    end
  end
end
