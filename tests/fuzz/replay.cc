// Feeds a fuzz target the files of its corpus: the main function of every fuzz target in builds without libFuzzer.
//
// Each file goes in whole, then cut short at every position (small files) so that the "need more bytes" paths are
// walked too. An empty or missing corpus is a failure: a test that looked at nothing has not passed.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kCutEverywhere = 2048;

void feed(const std::string& bytes) {
  // exact-size copies, so that AddressSanitizer sees a read of one byte too many
  const std::vector<std::uint8_t> copy(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

}  // namespace

int main(int argc, char** argv) {
  int inputs = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      std::fprintf(stderr, "%s\n", entry.path().filename().c_str());
      feed(bytes);
      for (std::size_t cut = 0; cut < bytes.size() && bytes.size() <= kCutEverywhere; ++cut) feed(bytes.substr(0, cut));
      ++inputs;
    }
  }
  std::fprintf(stderr, "%d inputs\n", inputs);
  return inputs == 0 ? 1 : 0;
}
