# frozen_string_literal: true

# documented.rb FOLDER: every public name of the Ruby files there has a comment. What rubocop does not look
# at: attributes and constants. The end of a class is where its indentation says.
def private_constants(lines)
  lines.join.scan(/private_constant ((?::\w+(?:,\s*)?)+)/).flatten.join.scan(/:(\w+)/).flatten
end

# Names that a line makes: all of a list of attributes, which may go on in the next ones.
def names(lines, index)
  name = lines[index][/\A *([A-Z]\w*) = /, 1]
  return [name] if name
  return [] unless lines[index].match?(/\A *attr(?:_reader|_accessor|_writer)?\b/)

  list = lines[index..].join[/\A.*?[^,]\n/m]
  list.scan(/:(\w+)/).flatten
end

def undocumented(path)
  lines = File.readlines(path)
  hidden = private_constants(lines)
  private_at = nil
  lines.each_with_index.flat_map do |line, index|
    depth = line[/\A */].size
    private_at = depth if line.match?(/\A *private\n/)
    private_at = nil if private_at && line.match?(/\A *end\b/) && depth < private_at
    next [] if private_at || lines[index - 1].match?(/\A *#/)

    (names(lines, index) - hidden).map { |name| "#{path}:#{index + 1}: #{name} has no comment" }
  end
end

found = Dir[File.join(ARGV.fetch(0), "**", "*.rb")].flat_map { |path| undocumented(path) }
puts(found)
exit(found.empty?)
