// See roster.h. A line for each process: its number and its time of start in clock ticks; the supervisor's is first.
// Then one of JSON: what counts of it.
#include "supervisor/roster.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <utility>

namespace sluice::supervisor {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

struct Entry {
  pid_t pid = 0;
  std::uint64_t started = 0;
};

// Field 22 of /proc/<pid>/stat; the second field is a name in brackets and may hold anything.
std::optional<std::uint64_t> start_of(pid_t pid) {
  constexpr int kFieldsBetween = 19;
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(file, text)) return std::nullopt;
  const auto name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 0; i < kFieldsBetween; ++i) fields >> skipped;
  std::uint64_t started = 0;
  if (!(fields >> started)) return std::nullopt;
  return started;
}

// Nobody's words but our own: whoever could write here could have us end processes.
std::string read_own(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat facts{};
  if (!file || ::fstat(file.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return {};
  if (facts.st_uid != ::geteuid() || (facts.st_mode & 0022U) != 0) return {};
  std::string text(std::min<std::size_t>(static_cast<std::size_t>(facts.st_size), kMostBytes), '\0');
  const ssize_t got = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

std::vector<Entry> entries_in(const std::string& text) {
  std::vector<Entry> entries;
  std::istringstream in(text);
  for (Entry entry; in >> entry.pid >> entry.started;) entries.push_back(entry);
  return entries;
}

restart::SavedEstate estate_in(const std::string& text) {
  const auto begin = text.find('{');
  if (begin == std::string::npos) return {};
  const Result<restart::SavedEstate> estate = restart::read_estate(std::string_view(text).substr(begin));
  return estate ? *estate : restart::SavedEstate();
}

}  // namespace

Roster::~Roster() {
  // with us end our workers; orphans that nobody has told anything do not
  if (ours_ && orphans_.empty()) (void)::unlink(path_.c_str());
}

Roster::Left Roster::left() {
  const std::string text = read_own(path_);
  std::vector<Entry> entries = entries_in(text);
  Left left;
  if (entries.empty() || start_of(entries.front().pid) == entries.front().started) return left;
  entries.erase(entries.begin());
  left.estate = estate_in(text);
  const std::uint32_t holders = std::exchange(left.estate.holders, 0);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.pid <= 1) continue;
    Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, entry.pid, 0)));
    // looked at with the descriptor in hand: the number cannot go to another process unnoticed
    if (!pidfd || start_of(entry.pid) != entry.started) continue;
    left.orphans.push_back({.pid = entry.pid, .process = std::move(pidfd)});
    if (i < holders) ++left.estate.holders;
    orphans_.push_back(entry.pid);
  }
  return left;
}

Result<> Roster::update(std::vector<pid_t> workers, const std::string& estate) {
  std::erase(workers, 0);
  workers.insert(workers.end(), orphans_.begin(), orphans_.end());
  if (ours_ && workers == written_ && estate == written_estate_) return {};
  constexpr mode_t kOwnerOnly = 0600;
  std::string text = fmt::format("{} {}\n", ::getpid(), start_of(::getpid()).value_or(0));
  for (const pid_t pid : workers) text += fmt::format("{} {}\n", pid, start_of(pid).value_or(0));
  text += estate + "\n";
  const std::string next = path_ + ".new";
  (void)::unlink(next.c_str());
  {
    const Fd file(::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kOwnerOnly));
    if (!file) return fail_errno(errno, next);
    if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      return fail_errno(errno, next);
  }
  if (::rename(next.c_str(), path_.c_str()) != 0) return fail_errno(errno, path_);
  ours_ = true;
  written_ = std::move(workers);
  written_estate_ = estate;
  return {};
}

void tell_to_drain(const Fd& worker) {
  (void)::syscall(SYS_pidfd_send_signal, worker.get(), SIGTERM, nullptr, 0);
}

void kill_orphan(const Fd& worker) {
  (void)::syscall(SYS_pidfd_send_signal, worker.get(), SIGKILL, nullptr, 0);
}

}  // namespace sluice::supervisor
