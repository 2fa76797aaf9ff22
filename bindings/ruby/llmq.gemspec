# frozen_string_literal: true

require_relative "lib/llmq/version"

Gem::Specification.new do |spec|
  spec.name = "llmq"
  spec.version = LLMQ::VERSION
  spec.summary = "Runs calls to LLM APIs as early as their limits allow, in order, each answered once"
  spec.description = "Rate limits, queueing, retries and workers for LLM API calls, on the C library llmq"
  spec.authors = ["The llmq authors"]
  spec.license = "MIT"
  spec.required_ruby_version = ">= 3.0"
  spec.files = Dir["lib/**/*.rb", "lib/llmq/libllmq.{so,dylib}", "README.md", "LICENSE", "NOTICE",
                   base: __dir__].sort
  # The library belongs to one platform; without it the gem finds one that is installed.
  carried = spec.files.any? { |file| file.start_with?("lib/llmq/libllmq.") }
  spec.platform = carried ? Gem::Platform::CURRENT : Gem::Platform::RUBY
  spec.add_dependency "ffi", "~> 1.15"
  spec.metadata["rubygems_mfa_required"] = "true"
end
