// The code behind run(): which of its three lives an application's binary is to lead. See app/sluice/run.h.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "app/sluice/run.h"
#include "ipc/application.h"
#include "worker/worker.h"

namespace sluice::detail {
namespace {

constexpr int kFailed = 1;
constexpr std::size_t kMostInput = std::size_t{16} << 20;

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fputc('\n', stdout);
  return std::fflush(stdout) == 0 ? 0 : kFailed;
}

int describe(const ErasedApplication& application) {
  ipc::ApplicationDescription description;
  description.name = application.info.name;
  description.version = application.info.version;
  description.description = application.info.description;
  if (application.hears_parents) description.parents = ipc::ApplicationDescription::Parents::kHeard;
  description.tenant = {.yaml = application.yaml, .schema = application.schema};
  return print(ipc::encode(description));
}

settings::Problems check_nothing(const settings::Document& document) {
  const auto read = settings::read<NoSettings>(document);
  return read ? settings::Problems{} : read.error();
}

// The supervisor sends the sections as they stand in its file; the answer is every problem, with its place.
int check(const ErasedApplication& application) {
  std::string input;
  std::array<char, 65536> block;
  while (const std::size_t got = std::fread(block.data(), 1, block.size(), stdin)) {
    input.append(block.data(), got);
    if (input.size() > kMostInput) return kFailed;
  }
  const Result<std::vector<ipc::SectionToCheck>> sections = ipc::decode_sections(input);
  if (!sections) {
    std::fprintf(stderr, "%s\n", sections.error().message().c_str());
    return kFailed;
  }
  settings::Problems problems;
  for (const ipc::SectionToCheck& section : *sections) {
    // endpoints have no settings of the application's own yet: whatever is in one is unknown
    const settings::Problems found = section.kind == ipc::SectionToCheck::Kind::kTenant
                                         ? application.check(section.document)
                                         : check_nothing(section.document);
    for (const settings::Problem& problem : found.all())
      problems.add(problem.file, problem.mark, problem.path, problem.text);
  }
  return print(ipc::encode(problems));
}

int work(const ErasedApplication& application) {
  return worker::run_worker({.name = application.info.name,
                             .version = application.info.version,
                             .start = application.start,
                             .slabs = nullptr});
}

std::string own_path() {
  std::array<char, 4096> path;
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

// Started by hand: sluice stands beside us or on the PATH, and becomes the supervisor of ourselves.
int become_supervisor(int argc, char** argv) {
  const std::string self = own_path();
  const std::string beside = self.substr(0, self.rfind('/') + 1) + "sluice";
  std::vector<char*> arguments;
  std::string program = "sluice";
  std::string option = "--application";
  std::string value = self;
  arguments.push_back(program.data());
  arguments.push_back(option.data());
  arguments.push_back(value.data());
  for (int i = 1; i < argc; ++i) arguments.push_back(argv[i]);
  arguments.push_back(nullptr);
  ::execv(beside.c_str(), arguments.data());
  ::execvp("sluice", arguments.data());
  std::fprintf(stderr, "%s: cannot run sluice (%s): it is neither at %s nor on the PATH\n", argv[0],
               std::strerror(errno), beside.c_str());
  return kFailed;
}

}  // namespace

int run_application(int argc, char** argv, const ErasedApplication& application) {
  const std::string_view life = argc > 1 ? argv[1] : "";
  if (life == "--worker") return work(application);
  if (life == "--describe") return describe(application);
  if (life == "--check" && argc == 2) return check(application);
  return become_supervisor(argc, argv);
}

}  // namespace sluice::detail
