# frozen_string_literal: true

require_relative "support"
require_relative "scenario"

# Every case of tests/scenarios, and those in wrong/, which must fail.
class ScenariosTest < Minitest::Test
  FOLDER = ENV.fetch("LLMQ_SCENARIOS")
  CASES = Dir[File.join(FOLDER, "*.json")]
  WRONG = Dir[File.join(FOLDER, "wrong", "*.json")]

  # A folder that is not there has none, and would pass.
  def test_no_case_is_missing
    assert_operator(CASES.size, :>=, 40, FOLDER)
    assert_operator(WRONG.size, :>=, 10, FOLDER)
  end

  CASES.each do |file|
    define_method(:"test_#{File.basename(file, ".json")}") do
      _, told = capture_io { Scenario.new(JSON.parse(File.read(file))).run }
      assert_match(/\A(llmq: a callback failed: .*as the case wants.*)*\z/m, told)
    end
  end

  WRONG.each do |file|
    define_method(:"test_wrong_#{File.basename(file, ".json")}") do
      assert_raises(Wrong) { Scenario.new(JSON.parse(File.read(file))).run } # no other error will do
    end
  end
end
