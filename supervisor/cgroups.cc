// See cgroups.h. Directory names: <own group>/sluice.<supervisor pid>.<tenant>; the pid lets two supervisors share a
// parent.
#include "supervisor/cgroups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/fd.h"

namespace sluice::supervisor {
namespace {

constexpr const char* kName = "cgroup memory limit";
constexpr std::string_view kLeaf = "/sluice.supervisor";

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// 0 or errno.
int write_text(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return errno;
  return 0;
}

// Our path in a hierarchy, from /proc/self/cgroup: "4:memory:/a/b" for v1, "0::/a/b" for v2.
std::string own_path(std::string_view controller) {
  std::istringstream lines(read_text("/proc/self/cgroup"));
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    std::istringstream names(line.substr(first + 1, second - first - 1));
    if (controller.empty() && second == first + 1) return line.substr(second + 1);
    for (std::string name; std::getline(names, name, ',');)
      if (name == controller) return line.substr(second + 1);
  }
  return {};
}

// Where a hierarchy is mounted and which part of it is visible there: the containers' mounts show only their own part.
std::string own_folder(std::string_view type, std::string_view controller) {
  const std::string own = own_path(controller);
  if (own.empty()) return {};
  std::istringstream lines(read_text("/proc/self/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string skip;
    std::string root;
    std::string point;
    words >> skip >> skip >> skip >> root >> point;
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::istringstream tail(line.substr(dash + 3));
    std::string kind;
    std::string source;
    std::string options;
    tail >> kind >> source >> options;
    if (kind != type) continue;
    if (!controller.empty() && ("," + options + ",").find("," + std::string(controller) + ",") == std::string::npos)
      continue;
    if (root == "/") return point + (own == "/" ? "" : own);
    if (own.starts_with(root)) return point + own.substr(root.size());
  }
  return {};
}

bool holds(const std::string& words, std::string_view word) {
  std::istringstream list(words);
  for (std::string one; list >> one;)
    if (one == word) return true;
  return false;
}

std::string said(int error) {
  return std::strerror(error);  // NOLINT(concurrency-mt-unsafe): one thread
}

}  // namespace

std::vector<std::string> own_memory_groups() {
  std::vector<std::string> folders;
  for (std::string folder : {own_folder("cgroup2", ""), own_folder("cgroup", "memory")})
    if (!folder.empty()) folders.push_back(std::move(folder));
  return folders;
}

Cgroup::~Cgroup() {
  if (!folder_.empty()) (void)::rmdir(folder_.c_str());
}

Protection Cgroup::place(pid_t pid) {
  if (folder_.empty()) return report_;
  if (const int error = write_text(folder_ + "/cgroup.procs", std::to_string(pid)); error != 0)
    return {.name = kName, .on = false, .why = fmt::format("{}/cgroup.procs: {}", folder_, said(error))};
  return report_;
}

std::uint64_t Cgroup::memory_kills() const {
  if (folder_.empty()) return 0;
  // v2: memory.events, v1: memory.oom_control; both have a line "oom_kill <n>"
  for (const char* file : {"/memory.events", "/memory.oom_control"}) {
    std::istringstream words(read_text(folder_ + file));
    for (std::string word; words >> word;) {
      std::uint64_t count = 0;
      if (word == "oom_kill" && words >> count) return count;
    }
  }
  return 0;
}

Cgroups::Cgroups() {
  const std::string v1 = own_folder("cgroup", "memory");
  std::string v2 = own_folder("cgroup2", "");
  if (v2.ends_with(kLeaf)) v2.resize(v2.size() - kLeaf.size());  // we have moved there before
  if (!v1.empty()) {
    if (::access(v1.c_str(), W_OK) == 0) {
      kind_ = Kind::kV1;
      parent_ = v1;
    } else {
      why_ = fmt::format("{} (v1) is not writable: {}", v1, said(errno));
    }
    return;
  }
  if (v2.empty()) {
    why_ = "no cgroup file system is mounted";
    return;
  }
  if (!holds(read_text(v2 + "/cgroup.controllers"), "memory")) {
    why_ = v2 + " has no memory controller";
    return;
  }
  // A v2 group with controllers for its children must hold no process itself: we move into a leaf beside the tenants.
  if (!holds(read_text(v2 + "/cgroup.subtree_control"), "memory")) {
    const std::string leaf = v2 + std::string(kLeaf);
    if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) {
      why_ = fmt::format("{} is not delegated to us: {}", v2, said(errno));
      return;
    }
    int error = write_text(leaf + "/cgroup.procs", std::to_string(::getpid()));
    if (error == 0) error = write_text(v2 + "/cgroup.subtree_control", "+memory");
    if (error != 0) {
      // other processes live in our group (a login session, say): go back, leave no trace
      (void)write_text(v2 + "/cgroup.procs", std::to_string(::getpid()));
      (void)::rmdir(leaf.c_str());
      why_ = fmt::format("{} is not ours alone: {}", v2, said(error));
      return;
    }
  }
  kind_ = Kind::kV2;
  parent_ = v2;
}

std::unique_ptr<Cgroup> Cgroups::make(std::string_view tenant, std::uint64_t memory_limit) {
  const auto off = [](std::string why) {
    return std::make_unique<Cgroup>(std::string(), Protection{.name = kName, .on = false, .why = std::move(why)});
  };
  if (memory_limit == 0) return off("no memory limit is configured");
  if (kind_ == Kind::kNone) return off(why_);
  const std::string folder = fmt::format("{}/sluice.{}.{}", parent_, ::getpid(), tenant);
  if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) return off(fmt::format("{}: {}", folder, said(errno)));
  const std::string limit = std::to_string(memory_limit);
  const char* file = kind_ == Kind::kV1 ? "/memory.limit_in_bytes" : "/memory.max";
  if (const int error = write_text(folder + file, limit); error != 0) {
    (void)::rmdir(folder.c_str());
    return off(fmt::format("{}{}: {}", folder, file, said(error)));
  }
  // swap would only turn a clean kill into a crawl; machines without swap accounting have no such file
  if (kind_ == Kind::kV2) (void)write_text(folder + "/memory.swap.max", "0");
  return std::make_unique<Cgroup>(
      folder, Protection{.name = kName,
                         .on = true,
                         .why = fmt::format("{} bytes, cgroup {}", memory_limit, kind_ == Kind::kV1 ? "v1" : "v2")});
}

}  // namespace sluice::supervisor
