# frozen_string_literal: true

require_relative "support"
require "tmpdir"

# The part of lint.sh that finds names without words.
class DocumentedTest < Minitest::Test
  FINDER = File.expand_path("../documented.rb", __dir__)

  def test_every_name_of_a_list_is_found
    told = found(<<~RUBY)
      class A
        # With words.
        attr_reader :told, :with_it
        attr_reader :first, :second
        attr_accessor(:third,
                      :fourth)
        # Of the one above alone.
        attr :fifth
        attr_writer :sixth
        ONE = 1
        # Words.
        TWO = 2
        HIDDEN = 3
        private_constant :HIDDEN

        private

        attr_reader :inside
      end
    RUBY
    assert_equal(%w[first second third fourth sixth ONE], told)
  end

  def test_what_has_words_passes
    assert_empty(found("class A\n  # Words.\n  attr_reader :a,\n              :b\nend\n"))
  end

  private

  def found(program)
    Dir.mktmpdir do |folder|
      File.write(File.join(folder, "a.rb"), program)
      out, status = Open3.capture2e(RbConfig.ruby, "-w", FINDER, folder)
      names = out.scan(/: (\w+) has no comment$/).flatten
      assert_equal(names.empty?, status.success?, out)
      return names
    end
  end
end
