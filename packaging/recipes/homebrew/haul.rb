class Haul < Formula
  desc "Move big sequencing files to and from S3, verified and resumable"
  homepage "@URL@"
  url "@URL@/haul_@VERSION@_source.tar.gz"
  sha256 "@SHA256@"
  license "Apache-2.0"

  depends_on "go" => :build

  def install
    ENV["CGO_ENABLED"] = "0"
    ldflags = "-s -w -X haul.example/haul/internal/command.release=v#{version}"
    system "go", "build", *std_go_args(ldflags:), "./cmd/haul"
    generate_completions_from_executable(bin/"haul", "completion")
    man1.install Dir["man/man1/*.1"]
    man7.install Dir["man/man7/*.7"]
    doc.install "doc", "internal/command/licenses.txt"
  end

  test do
    assert_match "haul v#{version} ", shell_output("#{bin}/haul --version")
    (testpath/"reads.txt").write "ACGT\n"
    assert_match "  reads.txt", shell_output("#{bin}/haul sum --plain reads.txt")
  end
end
