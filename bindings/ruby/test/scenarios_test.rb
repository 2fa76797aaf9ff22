# frozen_string_literal: true

require_relative "support"
require_relative "scenario"

# Every case of tests/scenarios, and those in wrong/, which must fail.
class ScenariosTest < Minitest::Test
  FOLDER = ENV.fetch("LLMQ_SCENARIOS")

  Dir[File.join(FOLDER, "*.json")].each do |file|
    define_method(:"test_#{File.basename(file, ".json")}") do
      _, told = capture_io { Scenario.new(JSON.parse(File.read(file))).run }
      assert_match(/\A(llmq: a callback failed: .*as the case wants.*)*\z/m, told)
    end
  end

  Dir[File.join(FOLDER, "wrong", "*.json")].each do |file|
    define_method(:"test_wrong_#{File.basename(file, ".json")}") do
      assert_raises(Wrong) { Scenario.new(JSON.parse(File.read(file))).run }
    end
  end
end
