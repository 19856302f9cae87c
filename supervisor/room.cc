// See room.h.
#include "supervisor/room.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "supervisor/cgroups.h"

namespace sluice::supervisor {
namespace {

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<std::uint64_t> number_in(const std::string& path) {
  const std::string text = read_text(path);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  return number;
}

// "inactive_file 4096", "MemAvailable:   12 kB": the number behind the name.
std::optional<std::uint64_t> entry_of(const std::string& text, std::string_view name) {
  std::istringstream lines(text);
  std::string key;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::uint64_t number = 0;
    if (words >> key >> number && key == name) return number;
  }
  return std::nullopt;
}

constexpr std::uint64_t kKib = 1024;
// Version 1 says "no limit" with a number that no machine has.
constexpr std::uint64_t kNoLimit = std::uint64_t{1} << 60U;

void take_tighter(std::optional<Left>& least, std::optional<Left> other) {
  if (other && (!least || other->amount < least->amount)) least = std::move(other);
}

std::uint64_t open_descriptors() {
  std::error_code error;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error))
    ++count;
  return count;
}

}  // namespace

std::uint64_t memory_of(pid_t pid) {
  const std::string status = read_text(fmt::format("/proc/{}/status", pid));
  return (entry_of(status, "RssAnon:").value_or(0) + entry_of(status, "RssShmem:").value_or(0)) * kKib;
}

std::optional<Left> memory_left_in(const std::string& folder) {
  const auto left = [&](const char* limit_file, const char* use_file, const char* cache) -> std::optional<Left> {
    const std::optional<std::uint64_t> limit = number_in(folder + "/" + limit_file);
    const std::optional<std::uint64_t> used = number_in(folder + "/" + use_file);
    if (!limit || !used || *limit >= kNoLimit) return std::nullopt;
    const std::uint64_t cached = entry_of(read_text(folder + "/memory.stat"), cache).value_or(0);
    const std::uint64_t held = *used > cached ? *used - cached : 0;
    return Left{.amount = *limit > held ? *limit - held : 0, .where = fmt::format("{} of {}", limit_file, folder)};
  };
  if (std::optional<Left> v2 = left("memory.max", "memory.current", "inactive_file")) return v2;
  return left("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
}

std::optional<Left> memory_left() {
  std::optional<Left> least;
  if (const auto available = entry_of(read_text("/proc/meminfo"), "MemAvailable:"))
    least = Left{.amount = *available * kKib, .where = "MemAvailable of the machine"};
  for (const std::string& own : own_memory_groups())
    for (std::filesystem::path folder = own; folder.has_relative_path(); folder = folder.parent_path())
      take_tighter(least, memory_left_in(folder.string()));
  return least;
}

std::optional<Left> descriptors_left() {
  std::optional<Left> least;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    const std::uint64_t open = open_descriptors();
    least = Left{.amount = limit.rlim_cur > open ? limit.rlim_cur - open : 0, .where = "RLIMIT_NOFILE"};
  }
  std::istringstream numbers(read_text("/proc/sys/fs/file-nr"));
  std::uint64_t used = 0;
  std::uint64_t spare = 0;
  std::uint64_t most = 0;
  if (numbers >> used >> spare >> most)
    take_tighter(least, Left{.amount = most > used ? most - used : 0, .where = "fs.file-max"});
  return least;
}

std::string mebibytes(std::uint64_t bytes) {
  constexpr double kMib = 1024.0 * 1024.0;
  return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / kMib);
}

std::optional<std::string> lacks(const Need& need, const std::optional<Left>& memory,
                                 const std::optional<Left>& descriptors) {
  if (memory && memory->amount < need.memory)
    return fmt::format("a new generation needs about {} of memory, and {} are left ({})", mebibytes(need.memory),
                       mebibytes(memory->amount), memory->where);
  if (descriptors && descriptors->amount < need.descriptors)
    return fmt::format("a new generation needs about {} descriptors, and {} are left ({})", need.descriptors,
                       descriptors->amount, descriptors->where);
  return std::nullopt;
}

}  // namespace sluice::supervisor
