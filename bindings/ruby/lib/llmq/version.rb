# frozen_string_literal: true

module LLMQ
  # Version of this gem.
  VERSION = "0.1.0"
end
