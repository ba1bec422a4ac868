# formula.rb FORMULA PREFIX - does what Homebrew does with a formula whose tarball lies here: checks the sha256, unpacks, installs
# into PREFIX and runs the formula's own test. It stands in for brew, which Debian has no package of.
require "digest"
require "etc"
require "fileutils"
require "pathname"
require "tmpdir"

class Formula
  class << self
    attr_reader :values, :needs, :test_block

    %i[desc url version sha256 license].each do |name|
      define_method(name) { |value| (@values ||= {})[name] = value }
    end

    def depends_on(what)
      (@needs ||= []) << (what.is_a?(Hash) ? what.keys.first : what)
    end

    def test(&block)
      @test_block = block
    end

    def inherited(formula)
      (@all ||= []) << formula
      super
    end

    attr_reader :all
  end

  attr_reader :prefix

  def initialize(prefix)
    @prefix = Pathname(prefix)
  end

  def bin
    prefix/"bin"
  end

  def system(*command)
    Kernel.system(*command.map(&:to_s), out: File::NULL) or abort "formula: #{command.join(" ")} failed"
  end

  def shell_output(command)
    `#{command}`.tap { $?.success? or abort "formula: #{command} failed" }
  end

  def assert_match(part, text)
    text.include?(part) or abort "formula: '#{part}' is not in: #{text}"
  end
end

formula_file, prefix = ARGV.map { |path| File.expand_path(path) }
load formula_file
formula = Formula.all.first
tarball = formula.values.fetch(:url).delete_prefix("file://")
Digest::SHA256.file(tarball).hexdigest == formula.values.fetch(:sha256) or abort "formula: the sha256 is of another file"
FileUtils.rm_rf(prefix)
ENV["MAKEFLAGS"] = "-j#{Etc.nprocessors}" # as brew sets it
Dir.mktmpdir do |dir|
  built = formula.new(prefix)
  Dir.chdir(dir) do
    built.system("tar", "-xzf", tarball, "--strip-components=1")
    built.install
  end
  Dir.mktmpdir { |empty| Dir.chdir(empty) { built.instance_eval(&formula.test_block) } }
end
puts "formula: #{formula.values[:version]} installs from its tarball, and its test passes"
