// A program that lies where `sluice` lay and is not what it should be: it behaves as the first word of the file
// <own path>.script says. Tests of exec in place put it there.
//
// Lies beside the programs, for the integration suite, and links nothing of Sluice, as a stranger would.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

std::string script() {
  char path[4096] = {};
  if (::readlink("/proc/self/exe", path, sizeof path - 1) <= 0) return {};
  std::ifstream file(std::string(path) + ".script");
  std::string text;
  std::getline(file, text);
  return text;
}

[[noreturn]] void crash() {
  (void)std::fputs("about to crash\n", stderr);
  (void)::signal(SIGABRT, SIG_DFL);
  std::abort();
}

// The program before this one, by the number that the state has of it: "program":{…,"fd":7,…}.
int program_before(int state) {
  struct stat facts{};
  if (::fstat(state, &facts) != 0) return -1;
  std::string text(static_cast<std::size_t>(facts.st_size), '\0');
  if (::pread(state, text.data(), text.size(), 0) != facts.st_size) return -1;
  const std::size_t at = text.find("\"fd\":", text.find("\"program\":"));
  return at == std::string::npos ? -1 : std::atoi(text.c_str() + at + 5);  // NOLINT(cert-err34-c): the supervisor's own
}

[[noreturn]] void give_back(int argc, char** argv) {
  std::vector<char*> arguments(argv, argv + argc);
  std::string option = "--returned";
  std::string why = "it does not feel like it";
  arguments.insert(arguments.end(), {option.data(), why.data(), nullptr});
  (void)::execveat(program_before(std::atoi(argv[argc - 1])), "", arguments.data(), environ, AT_EMPTY_PATH);
  std::_Exit(9);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = script();
  const bool resumes = argc > 2 && std::string_view(argv[argc - 2]) == "--resume";
  if (resumes && what == "gives-back") give_back(argc, argv);
  if (what == "crash") crash();
  if (what == "hang") ::pause();
  if (what == "garbage") return std::puts("{]") < 0;
  if (what == "silent") return std::puts(R"({"settings":"{}"})") < 0;
  if (what == "old-state")
    return std::puts(R"({"version":"9","state":"the state has version 1, this program knows version 9"})") < 0;
  if (what == "gives-back") return std::puts(R"({"version":"9","state":"","settings":"{}"})") < 0;
  return 0;
}
